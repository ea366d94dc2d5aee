package frame

import (
	"crypto/sha256"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame/framepb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
)

// Version is the version of the handshake that this package speaks.
const Version = 1

// NonceSize is the length of a hello's nonce in bytes.
const NonceSize = 32

const maxFormats = 32

// Mark says whether a machine says that it belongs to a cluster.
type Mark uint8

// The marks. NoMark is for ends that are no machines of a cluster.
const (
	NoMark Mark = iota
	Unmarked
	Marked
)

// String returns the mark in words.
func (m Mark) String() string {
	switch m {
	case Unmarked:
		return "unmarked"
	case Marked:
		return "marked"
	default:
		return "no mark"
	}
}

// ShareSetID is SHA-256 of the list of commitments to the shares of a master
// secret.
type ShareSetID [sha256.Size]byte

// Claimed is what an end says of itself. Which of it must be there, and which
// must not, is fixed by its role: see Hello.Validate. Fields at their zero value
// are not there.
type Claimed struct {
	NodeName string         // as Kubernetes names nodes
	RecordID string         // of the node in the engine's store
	Cluster  keys.ClusterID // that it belongs to, or whose disk it has
	Owner    keys.OwnerID   // of that cluster
	Mark     Mark
	DiskUUID string     // of a locked node's state disk
	ShareSet ShareSetID // with which that disk can be recovered
}

// Hello opens the handshake. All of it is untrusted, and bound by the evidence.
type Hello struct {
	Purpose evidence.Purpose
	Role    evidence.Role // of the sender
	Nonce   [NonceSize]byte
	Formats []evidence.Platform // that the sender verifies, sorted, each once
	Claimed
	StatementHash [sha256.Size]byte // SHA-256 of the statement that follows
}

// Kind returns KindHello.
func (*Hello) Kind() Kind { return KindHello }

func (m *Hello) toWire() proto.Message {
	w := &framepb.Hello{
		Version:       Version,
		Purpose:       string(m.Purpose),
		Role:          string(m.Role),
		Nonce:         m.Nonce[:],
		NodeName:      m.NodeName,
		RecordId:      m.RecordID,
		ClusterId:     bytesOf(m.Cluster),
		OwnerId:       bytesOf(m.Owner),
		Mark:          framepb.Mark(m.Mark),
		DiskUuid:      m.DiskUUID,
		ShareSetId:    bytesOf(m.ShareSet),
		StatementHash: bytesOf(m.StatementHash),
	}
	for _, p := range m.Formats {
		w.Formats = append(w.Formats, string(p))
	}
	return w
}

func helloFromWire(w *framepb.Hello) (*Hello, error) {
	if w.GetVersion() != Version {
		return nil, wrong(KindHello, "version", "%d, want %d", w.GetVersion(), Version)
	}
	mark, err := markFromWire(w.GetMark())
	if err != nil {
		return nil, err
	}
	m := &Hello{
		Purpose: evidence.Purpose(w.GetPurpose()),
		Role:    evidence.Role(w.GetRole()),
		Claimed: Claimed{NodeName: w.GetNodeName(), RecordID: w.GetRecordId(), Mark: mark, DiskUUID: w.GetDiskUuid()},
	}
	for _, p := range w.GetFormats() {
		m.Formats = append(m.Formats, evidence.Platform(p))
	}
	if err := m.readFixed(w); err != nil {
		return nil, err
	}
	return m, nil
}

// readFixed reads the fields of 32 bytes.
func (m *Hello) readFixed(w *framepb.Hello) error {
	for _, field := range []struct {
		name string
		from []byte
		to   []byte
	}{
		{"nonce", w.GetNonce(), m.Nonce[:]},
		{"cluster_id", w.GetClusterId(), m.Cluster[:]},
		{"owner_id", w.GetOwnerId(), m.Owner[:]},
		{"share_set_id", w.GetShareSetId(), m.ShareSet[:]},
		{"statement_hash", w.GetStatementHash(), m.StatementHash[:]},
	} {
		if err := checkSizeIf(KindHello, field.name, field.from, len(field.to)); err != nil {
			return err
		}
		copy(field.to, field.from)
		if len(field.from) > 0 && isZero(field.from) {
			return wrong(KindHello, field.name, "all zeros")
		}
	}
	return nil
}

func markFromWire(w framepb.Mark) (Mark, error) {
	switch w {
	case framepb.Mark_MARK_UNSPECIFIED:
		return NoMark, nil
	case framepb.Mark_MARK_UNMARKED:
		return Unmarked, nil
	case framepb.Mark_MARK_MARKED:
		return Marked, nil
	default:
		return NoMark, wrong(KindHello, "mark", "%d is not known", int32(w))
	}
}

// bytesOf returns nothing of a value that is not there.
func bytesOf[T ~[32]byte](value T) []byte {
	if value == (T{}) {
		return nil
	}
	return value[:]
}

func isZero(data []byte) bool {
	return !slices.ContainsFunc(data, func(b byte) bool { return b != 0 })
}
