package frame

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
)

const (
	maxLabel    = 63  // RFC 1123, section 2.1
	maxNodeName = 253 // as Kubernetes has it
)

// presence says what a role's hello must, may and must not hold.
type presence uint8

const (
	forbidden presence = iota
	optional
	required
)

// fields is the table: one row a role that says anything of itself.
type fields struct {
	node, record, cluster, owner, disk, shareSet presence
	mark                                         Mark
}

func fieldsOf(r evidence.Role) fields {
	switch r {
	case evidence.Joiner:
		return fields{mark: Unmarked}
	case evidence.Locked:
		return fields{mark: Unmarked, cluster: required, disk: required, shareSet: optional}
	case evidence.Member:
		return fields{mark: Marked, cluster: required, owner: required, node: required, record: required}
	case evidence.JoinService, evidence.KMS:
		return fields{mark: Marked, cluster: required, owner: required}
	default: // owners, administrators, readers and holders are no machines
		return fields{}
	}
}

// Validate says what is wrong with a hello, whoever sent it:
//
//   - the role can hold a session for the purpose, on either side;
//   - the nonce is not zero, and the formats are sorted, and each once;
//   - a joiner says that it is unmarked; a locked node that it is unmarked, its
//     disk's UUID, its cluster ID and, where there is one, its share-set ID; a
//     member that it is marked, its name, its record's and cluster's and owner's
//     ID; a JoinService and a KMS that they are marked, and their cluster's and
//     owner's ID; all others nothing;
//   - the server of a session that shows a statement says its hash, and nobody
//     else does.
//
// The error is an *Error.
func (m *Hello) Validate() error {
	checks := []fieldCheck{
		{"role", m.checkRole()},
		{"nonce", presenceOf(required, m.Nonce != [NonceSize]byte{})},
		{"formats", m.checkFormats()},
		{"statement_hash", m.checkStatement()},
	}
	for _, c := range append(checks, m.checkClaimed()...) {
		if c.err != nil {
			return &Error{KindHello, c.field, c.err}
		}
	}
	return nil
}

type fieldCheck struct {
	field string
	err   error
}

// checkClaimed holds what the sender says of itself against the table.
func (m *Hello) checkClaimed() []fieldCheck {
	want := fieldsOf(m.Role)
	return []fieldCheck{
		{"mark", m.checkMark(want.mark)},
		{"node_name", presenceOf(want.node, m.NodeName != "")},
		{"node_name", checkNodeName(m.NodeName)},
		{"record_id", presenceOf(want.record, m.RecordID != "")},
		{"record_id", checkRecordID(m.RecordID)},
		{"cluster_id", presenceOf(want.cluster, m.Cluster != keys.ClusterID{})},
		{"owner_id", presenceOf(want.owner, m.Owner != keys.OwnerID{})},
		{"disk_uuid", presenceOf(want.disk, m.DiskUUID != "")},
		{"disk_uuid", checkDiskUUID(m.DiskUUID)},
		{"share_set_id", presenceOf(want.shareSet, m.ShareSet != ShareSetID{})},
	}
}

func presenceOf(want presence, there bool) error {
	switch {
	case want == required && !there:
		return errors.New("it is missing")
	case want == forbidden && there:
		return errors.New("this role has none")
	default:
		return nil
	}
}

func (m *Hello) checkRole() error {
	if m.Role != ServerRole(m.Purpose) && !IsClient(m.Purpose, m.Role) || m.Role == "" {
		return fmt.Errorf("%w: %.32q for %.32q", evidence.ErrPurpose, string(m.Role), string(m.Purpose))
	}
	return nil
}

func (m *Hello) checkFormats() error {
	if len(m.Formats) > maxFormats {
		return fmt.Errorf("%d of them, at most %d", len(m.Formats), maxFormats)
	}
	for i, p := range m.Formats {
		if err := checkLabel(string(p)); err != nil { // a newer peer may know more platforms
			return err
		}
		if i > 0 && m.Formats[i-1] >= p {
			return fmt.Errorf("%q is not sorted after %q", p, m.Formats[i-1])
		}
	}
	return nil
}

func (m *Hello) checkStatement() error {
	there := m.StatementHash != [sha256.Size]byte{}
	if m.Role == ServerRole(m.Purpose) && ShowsStatement(m.Purpose) {
		return presenceOf(required, there)
	}
	return presenceOf(forbidden, there)
}

func (m *Hello) checkMark(want Mark) error {
	if m.Mark != want {
		return fmt.Errorf("%v, want %v of a %s", m.Mark, want, m.Role)
	}
	return nil
}

// checkNodeName follows RFC 1123, section 2.1, in lower case: labels of letters,
// digits and hyphens.
func checkNodeName(name string) error {
	if name == "" {
		return nil
	}
	if len(name) > maxNodeName {
		return fmt.Errorf("%d bytes, at most %d", len(name), maxNodeName)
	}
	for label := range strings.SplitSeq(name, ".") {
		if err := checkLabel(label); err != nil {
			return err
		}
	}
	return nil
}

func checkRecordID(id string) error {
	if id == "" {
		return nil
	}
	return checkLabel(id)
}

// checkLabel wants [a-z0-9]([-a-z0-9]*[a-z0-9])? of at most 63 bytes.
func checkLabel(label string) error {
	alphanumeric := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }
	if label == "" || len(label) > maxLabel {
		return fmt.Errorf("a label of %d bytes, want 1 to %d", len(label), maxLabel)
	}
	wrong := func(r rune) bool { return r != '-' && !alphanumeric(r) }
	if strings.ContainsFunc(label, wrong) || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
		return fmt.Errorf("%q, want lower-case letters and digits, and hyphens between them", label)
	}
	return nil
}

// checkDiskUUID follows the grammar of keys.ID, of which the UUID is a part.
func checkDiskUUID(uuid string) error {
	if uuid == "" {
		return nil
	}
	_, err := keys.NewID(keys.StateDisk, uuid)
	return err
}
