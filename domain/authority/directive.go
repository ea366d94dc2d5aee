package authority

import (
	"cmp"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Version is the version of directives that this package reads and writes.
const Version = "asterism/directive/v1"

// Bounds of directives.
const (
	MaxDirectiveSize = 64 << 10            // bytes, encoded
	MaxComment       = 1024                // bytes
	MaxApproval      = 30 * 24 * time.Hour // from its issue to its expiry
)

// Kind says what a directive does.
type Kind string

// The kinds.
const (
	Statement         Kind = "statement"          // a new cluster statement; owner only; always the first
	AttestationPolicy Kind = "attestation-policy" // a new policy for evidence
	JoinPolicy        Kind = "join-policy"        // a new policy for who may join
	Approve           Kind = "approve"            // lets one machine join in a role
	Deny              Kind = "deny"               // keeps one machine out, for good
	Freeze            Kind = "freeze"             // no first joins
	Thaw              Kind = "thaw"
)

// Directive is one thing that the owner, or an administrator whom the cluster
// statement names, has said about a cluster. Directives form a chain: each has
// the next serial and the hash of the one before, so that none can be left out,
// and only the end of the chain cut off, which whoever knows a later serial sees.
// Exactly the fields of its kind are set.
type Directive struct {
	Version  string             `json:"version"`
	Cluster  keys.ClusterID     `json:"cluster"`
	Serial   uint64             `json:"serial"`            // from 1, without gaps
	Previous measurement.Digest `json:"previous,omitzero"` // SHA-256 of the directive before; zero in the first
	Issued   time.Time          `json:"issued"`            // UTC, whole seconds
	Kind     Kind               `json:"kind"`
	Comment  string             `json:"comment,omitempty"` // for people

	Statement  *Reference    `json:"statement,omitempty"`
	Policy     *Reference    `json:"policy,omitempty"`
	JoinPolicy *join.Policy  `json:"joinPolicy,omitempty"`
	Node       join.Identity `json:"node,omitzero"`    // Approve, Deny
	Role       join.Role     `json:"role,omitempty"`   // Approve
	Name       join.NodeName `json:"name,omitempty"`   // Approve, where not any will do
	Chip       string        `json:"chip,omitempty"`   // Approve, of a moved machine, in hexadecimal
	Expires    time.Time     `json:"expires,omitzero"` // Approve
}

// Reference names a document that is signed with the directive.
type Reference struct {
	Serial uint64             `json:"serial"`
	Hash   measurement.Digest `json:"hash"` // SHA-256 of its canonical form
}

// NewDirective checks a directive and returns a copy. The version may be left
// out. The error is an *InvalidDirectiveError with everything that is wrong.
func NewDirective(d Directive) (*Directive, error) {
	d.Version = cmp.Or(d.Version, Version)
	d.JoinPolicy = cloneJoinPolicy(d.JoinPolicy)
	d.Statement, d.Policy = clone(d.Statement), clone(d.Policy)
	if err := d.validate(); err != nil {
		return nil, err
	}
	return &d, nil
}

// Encode returns the directive's one canonical form (RFC 8785), which is what is
// signed. The error is an *InvalidDirectiveError.
func (d *Directive) Encode() ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	data, err := canonicaljson.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirective, err)
	}
	if len(data) > MaxDirectiveSize {
		return nil, invalid("has %d bytes, at most %d", len(data), MaxDirectiveSize)
	}
	return data, nil
}

// DecodeDirective reads what Encode writes, and nothing else. It does not ask who
// signed it: Authority.Apply does. The error wraps ErrDirective.
func DecodeDirective(data []byte) (*Directive, error) {
	if len(data) > MaxDirectiveSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrDirective, len(data), MaxDirectiveSize)
	}
	var d Directive
	if err := canonicaljson.Decode(data, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirective, err)
	}
	canonical, err := d.Encode()
	if err != nil {
		return nil, err
	}
	if err := canonicaljson.Check(canonical, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirective, err)
	}
	return &d, nil
}

// Hash returns SHA-256 of the canonical form, which the next directive names. The
// error is an *InvalidDirectiveError.
func (d *Directive) Hash() (measurement.Digest, error) {
	data, err := d.Encode()
	if err != nil {
		return measurement.Digest{}, err
	}
	return hashOf(data), nil
}

func hashOf(data []byte) measurement.Digest { return measurement.Sum(measurement.SHA256, data) }

// clone copies what a pointer leads to.
func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	copied := *p
	return &copied
}
