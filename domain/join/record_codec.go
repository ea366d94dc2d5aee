package join

import (
	"fmt"
	"strings"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

const (
	maxChip    = policy.SNPChipIDSize
	maxRelease = 64 // bytes
	maxCode    = 64 // bytes
)

// Encode returns the record's one canonical form (RFC 8785), which is what is
// stored. The error is an *InvalidError of the kind ErrRecord.
func (r *Record) Encode() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return canonicaljson.Marshal(r)
}

// DecodeRecord reads what Encode writes, and nothing else. The error wraps
// ErrRecord.
func DecodeRecord(data []byte) (*Record, error) {
	if len(data) > MaxRecordSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrRecord, len(data), MaxRecordSize)
	}
	return decode[Record](data, ErrRecord)
}

// document is what has one canonical form.
type document[T any] interface {
	*T
	Encode() ([]byte, error)
}

// decode reads a document in its canonical form, and wraps kind in errors.
func decode[T any, D document[T]](data []byte, kind error) (D, error) {
	d := D(new(T))
	if err := canonicaljson.Decode(data, d); err != nil {
		return nil, fmt.Errorf("%w: %w", kind, err)
	}
	canonical, err := d.Encode()
	if err != nil {
		return nil, err
	}
	if err := canonicaljson.Check(canonical, data); err != nil {
		return nil, fmt.Errorf("%w: %w", kind, err)
	}
	return d, nil
}

// Validate returns an *InvalidError of the kind ErrRecord with everything that is
// wrong with the record.
func (r *Record) Validate() error {
	var ps problems
	if r.Version != RecordVersion {
		ps.add("version", "%.64q, want %q", r.Version, RecordVersion)
	}
	ps.node(r)
	ps.admission(r)
	r.Boot.validate(&ps, "boot", r.Identity)
	ps.holder(r)
	ps.codes(r)
	ps.instant("joined", r.Joined)
	ps.instant("attested", r.Attested)
	return ps.err(ErrRecord)
}

// holder wants a boot of the machine where there is one, and for a node that has
// its ticket none but the record's.
func (ps *problems) holder(r *Record) {
	if r.Holder == (Boot{}) {
		return
	}
	r.Holder.validate(ps, "holder", r.Identity)
	if (r.State == Member || r.State == Withheld) && r.Holder != r.Boot {
		ps.add("holder", "is not the boot of a record in the state %s", r.State)
	}
}

// node looks at what the node is.
func (ps *problems) node(r *Record) {
	if r.Identity.IsZero() {
		ps.add("identity", "is missing")
	}
	_, err := ParseNodeName(string(r.Name))
	ps.check("name", err)
	ps.check("role", checkWord(r.Role, Roles()...))
	ps.check("disk", checkDisk(r.Disk))
	traits, err := r.Platform.Traits()
	ps.check("platform", err)
	if err == nil && traits.TPM != r.Identity.byTPM() {
		ps.add("platform", "is not that of the identity")
	}
	if len(r.Chip) > maxChip {
		ps.add("chip", "%d bytes, at most %d", len(r.Chip), maxChip)
	}
}

// admission looks at what let the node in.
func (ps *problems) admission(r *Record) {
	ps.serial("serial", r.Serial)
	ps.serial("policy", r.Policy)
	ps.serial("directive", r.Directive)
	if r.Approval > r.Spent || r.Spent > r.Directive {
		ps.add("approval", "%d, of which %d are spent, at directive %d", r.Approval, r.Spent, r.Directive)
	}
	if r.Request.IsZero() {
		ps.add("request", "all bytes are zero")
	}
	ps.check("kind", checkWord(r.Kind, FirstJoin, Rejoin))
	ps.release(r.Release)
	if !r.Evidence.IsZero() && r.Evidence.Algorithm() != measurement.SHA256 {
		ps.add("evidence", "is no SHA-256")
	}
}

func (ps *problems) release(name string) {
	outside := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(name) > maxRelease || strings.ContainsFunc(name, outside) {
		ps.add("release", "must be at most %d bytes of printable ASCII", maxRelease)
	}
}

// codes wants reasons where something is withheld, and none where nothing is.
func (ps *problems) codes(r *Record) {
	ps.check("state", checkWord(r.State, Intended, Member, Withheld, Revoked))
	if r.State == Withheld && len(r.Codes) == 0 || (r.State == Intended || r.State == Member) && len(r.Codes) > 0 {
		ps.add("codes", "%d, in the state %s", len(r.Codes), r.State)
	}
	if len(r.Codes) > MaxCodes {
		ps.add("codes", "%d, at most %d", len(r.Codes), MaxCodes)
	}
	for i, c := range r.Codes {
		if !validCode(c) {
			ps.add(at("codes", i), "%.64q is not a code", string(c))
		}
	}
}

func validCode(c policy.Code) bool {
	outside := func(r rune) bool { return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_') }
	return c != "" && len(c) <= maxCode && !strings.ContainsFunc(string(c), outside)
}
