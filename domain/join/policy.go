package join

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
)

// PolicyVersion is the version of policies that this package reads and writes.
const PolicyVersion = "asterism/join-policy/v1"

// Bounds of policies.
const (
	MaxPolicySize  = 48 << 10 // bytes, encoded
	MaxListed      = 512
	MaxPrefixes    = 16
	MinSilence     = 60        // seconds
	MaxSilence     = 24 * 3600 // seconds
	DefaultSilence = 1200      // seconds: two intervals of re-attestation
)

// MaxSkew is by how much the clocks of two JoinServices may differ. What one of
// them has written and lies further ahead says nothing of when it was.
const MaxSkew = time.Minute

// ErrPolicy is wrapped by every error about join policies.
var ErrPolicy = errors.New("not a join policy")

// Mode says what admits a node to a role, beside its evidence.
type Mode string

// The modes.
const (
	Auto      Mode = "auto"       // nothing: only for workers on TEE platforms
	AllowList Mode = "allow-list" // its identity is listed
	Approve   Mode = "approve"    // an approval names its identity, or it is listed
)

// UnmarshalText reads the name of a mode. The error wraps ErrWord.
func (m *Mode) UnmarshalText(text []byte) error {
	return unmarshalWord(m, text, Auto, AllowList, Approve)
}

// Moved says what becomes of a rejoining machine whose chip is another one.
type Moved string

// What may become of it.
const (
	MovedApprove Moved = "approve"
	MovedAdmit   Moved = "admit"
	MovedRefuse  Moved = "refuse"
)

// UnmarshalText reads what may become of a moved machine. The error wraps ErrWord.
func (m *Moved) UnmarshalText(text []byte) error {
	return unmarshalWord(m, text, MovedApprove, MovedAdmit, MovedRefuse)
}

// Policy is who may join, as an owner writes it. Validate says what is wrong with
// it.
type Policy struct {
	Version        string   `json:"version"`
	TEEWorkers     Mode     `json:"teeWorkers"`             // default auto
	TPMWorkers     Mode     `json:"tpmWorkers"`             // default allow-list; auto is refused
	ControlPlane   Mode     `json:"controlPlane"`           // default approve; auto is refused
	Moved          Moved    `json:"moved"`                  // default approve
	SilenceSeconds uint32   `json:"silenceSeconds"`         // after which a member that does not answer is withheld; default 1200
	Listed         []Listed `json:"listed,omitempty"`       // sorted by identity, none twice
	NamePrefixes   []string `json:"namePrefixes,omitempty"` // one of them starts every node name; none: any name
}

// Listed is an identity that needs no further approval.
type Listed struct {
	Identity Identity `json:"identity"`
	Roles    []Role   `json:"roles"`          // sorted, at least one
	Name     NodeName `json:"name,omitempty"` // the only name that it may have
}

// Default returns the policy of a cluster whose owner says nothing else.
func Default() *Policy {
	return &Policy{
		Version: PolicyVersion, TEEWorkers: Auto, TPMWorkers: AllowList, ControlPlane: Approve,
		Moved: MovedApprove, SilenceSeconds: DefaultSilence,
	}
}

// Clone returns a copy that shares nothing with p.
func (p *Policy) Clone() *Policy {
	c := *p
	c.NamePrefixes, c.Listed = slices.Clone(p.NamePrefixes), slices.Clone(p.Listed)
	for i := range c.Listed {
		c.Listed[i].Roles = slices.Clone(c.Listed[i].Roles)
	}
	return &c
}

// Encode returns the policy's one canonical form (RFC 8785). The error is an
// *InvalidError of the kind ErrPolicy.
func (p *Policy) Encode() ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return canonicaljson.Marshal(p)
}

// DecodePolicy reads what Encode writes, and nothing else. The error wraps
// ErrPolicy.
func DecodePolicy(data []byte) (*Policy, error) {
	if len(data) > MaxPolicySize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrPolicy, len(data), MaxPolicySize)
	}
	return decode[Policy](data, ErrPolicy)
}

// mode returns what admits a machine of the platform to the role. What the policy
// does not say, or may not say, is the strictest.
func (p *Policy) mode(platform evidence.Platform, role Role) Mode {
	if role != Worker {
		return p.ControlPlane.stricter()
	}
	if traits, err := platform.Traits(); err != nil || traits.TEE == evidence.NoTEE {
		return p.TPMWorkers.stricter()
	}
	return p.TEEWorkers
}

// stricter returns the mode where a machine's evidence alone may not admit it.
func (m Mode) stricter() Mode {
	if m == Approve {
		return Approve
	}
	return AllowList
}

// listed returns what the policy lists of a machine. The list is sorted.
func (p *Policy) listed(i Identity) (*Listed, bool) {
	n, found := slices.BinarySearchFunc(p.Listed, i, func(l Listed, i Identity) int { return l.Identity.Compare(i) })
	if !found {
		return nil, false
	}
	return &p.Listed[n], true
}

// allowsName says whether a name begins as the policy wants.
func (p *Policy) allowsName(name NodeName) bool {
	starts := func(prefix string) bool { return strings.HasPrefix(string(name), prefix) }
	return len(p.NamePrefixes) == 0 || slices.ContainsFunc(p.NamePrefixes, starts)
}

// Silence returns for how long a member may give no answer. A nil policy has the
// default.
func (p *Policy) Silence() time.Duration {
	if p == nil || p.SilenceSeconds < MinSilence || p.SilenceSeconds > MaxSilence {
		return DefaultSilence * time.Second
	}
	return time.Duration(p.SilenceSeconds) * time.Second
}
