package join

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// Standing is what the owner, and those to whom the owner delegated, have said up
// to one directive. The zero Standing admits nobody, and so does a nil one.
type Standing struct {
	Serial    uint64 // of the newest directive; zero: nothing was said
	Policy    *Policy
	Frozen    bool
	Approvals map[Identity]Approval
	Denials   map[Identity]Denial
}

// Approval lets one machine have a role.
type Approval struct {
	Serial  uint64 // of the directive
	Role    Role
	Name    NodeName   // empty: any
	Chip    policy.Hex // for a moved machine, its new chip; else empty
	Expires time.Time  // for a join that has not happened by then
}

// Denial keeps one machine out, for good.
type Denial struct {
	Serial uint64 // of the directive
	Reason string
}

// Denied returns the denial of a machine, and whether there is one.
func (s *Standing) Denied(i Identity) (Denial, bool) {
	if s == nil {
		return Denial{}, false
	}
	d, found := s.Denials[i]
	return d, found
}

// ApprovalFor returns the newest approval of a machine, and whether there is one.
// It may have expired, or be spent.
func (s *Standing) ApprovalFor(i Identity) (Approval, bool) {
	if s == nil {
		return Approval{}, false
	}
	a, found := s.Approvals[i]
	return a, found
}

// serial returns that of the newest directive.
func (s *Standing) serial() uint64 {
	if s == nil {
		return 0
	}
	return s.Serial
}

// policy returns the policy in force, nil where nobody may join.
func (s *Standing) policy() *Policy {
	if s.serial() == 0 {
		return nil
	}
	return s.Policy
}
