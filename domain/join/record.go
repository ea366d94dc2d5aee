package join

import (
	"errors"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// RecordVersion is the version of records that this package reads and writes.
const RecordVersion = "asterism/node-record/v1"

// Bounds of records.
const (
	MaxRecordSize = 16 << 10 // bytes, encoded
	MaxCodes      = 16
)

// ErrRecord is wrapped by every error about records.
var ErrRecord = errors.New("not a node's record")

// State is what a record says of its node.
type State string

// The states.
const (
	Intended State = "intended" // admitted, and no ticket has left for that: one may have left before, see Record.Held
	Member   State = "member"
	Withheld State = "withheld" // did not attest when asked: gets nothing until it does
	Revoked  State = "revoked"  // for good
)

// UnmarshalText reads the name of a state. The error wraps ErrWord.
func (s *State) UnmarshalText(text []byte) error {
	return unmarshalWord(s, text, Intended, Member, Withheld, Revoked)
}

// Record is what a cluster remembers of a node.
type Record struct {
	Version   string             `json:"version"`
	Serial    uint64             `json:"serial"` // grows with each change
	Identity  Identity           `json:"identity"`
	State     State              `json:"state"`
	Name      NodeName           `json:"name"`
	Role      Role               `json:"role"`
	Disk      string             `json:"disk"` // UUID
	Platform  evidence.Platform  `json:"platform"`
	Chip      policy.Hex         `json:"chip,omitempty"`  // a hint: a moved machine has another
	Boot      Boot               `json:"boot"`            // in which it last asked to join or rejoin, and was admitted
	Holder    Boot               `json:"holder,omitzero"` // the last boot for which a ticket left; zero where none did
	Request   RequestID          `json:"request"`         // that was admitted last
	Kind      Kind               `json:"kind"`            // of that request
	Release   string             `json:"release,omitempty"`
	Policy    uint64             `json:"policy"`             // serial of the attestation policy that admitted it last
	Directive uint64             `json:"directive"`          // serial of the newest directive when it was admitted last
	Approval  uint64             `json:"approval,omitempty"` // serial of the approval that its role rests on
	Spent     uint64             `json:"spent,omitempty"`    // serial of the newest approval that it has used: no older one helps it again
	Evidence  measurement.Digest `json:"evidence,omitzero"`  // SHA-256 of the evidence that admitted it last
	Joined    time.Time          `json:"joined"`             // UTC, whole milliseconds
	Attested  time.Time          `json:"attested"`           // UTC, whole milliseconds
	Codes     []policy.Code      `json:"codes,omitempty"`    // why it is withheld
}

// Clone returns a copy that shares nothing with r.
func (r *Record) Clone() *Record {
	c := *r
	c.Chip, c.Codes = slices.Clone(r.Chip), slices.Clone(r.Codes)
	return &c
}

// Next returns the record as it is after a change of state: a copy with the next
// serial. The codes say why a node is withheld. A member has its ticket in the
// record's boot. Nothing leads out of Revoked.
func (r *Record) Next(state State, codes ...policy.Code) *Record {
	n := r.Clone()
	n.Serial++
	if r.State != Revoked {
		n.State, n.Codes = state, slices.Clone(codes)
	}
	if n.State == Member {
		n.Holder = n.Boot
	}
	return n
}

// answered says whether a ticket may have left for the record's last request.
func (r *Record) answered() bool { return r.State != Intended }

// Held returns the last boot of the machine for which a ticket left, zero where
// none ever did. While a node asks to come back, that is not the record's boot: the
// machine that has the keys may be another one, which lives.
func (r *Record) Held() Boot {
	if r.answered() {
		return r.Boot
	}
	return r.Holder
}

// unfinished says whether the record is of a first join for which no ticket has
// left: the node was no member with the record's disk.
func (r *Record) unfinished() bool { return !r.answered() && r.Kind == FirstJoin }
