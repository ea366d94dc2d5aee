package authority

import (
	"slices"

	"github.com/asterism-k8s/asterism/domain/join"
)

// Standing returns what the newest directives say about who may join. It is made
// anew in each call, and shares nothing with the Authority: with many machines
// named, StandingOn costs less.
func (a *Authority) Standing() *join.Standing {
	s := a.standing()
	a.words.each(func(w word) { add(s, w) })
	return s
}

// StandingOn returns what Standing does, without the approvals and denials of
// other machines.
func (a *Authority) StandingOn(node join.Identity) *join.Standing {
	s := a.standing()
	add(s, a.words.of(node))
	return s
}

func (a *Authority) standing() *join.Standing {
	return &join.Standing{
		Serial: a.head.Serial, Policy: cloneJoinPolicy(a.joinPolicy), Frozen: a.frozen,
		Approvals: map[join.Identity]join.Approval{}, Denials: map[join.Identity]join.Denial{},
	}
}

func add(s *join.Standing, w word) {
	if w.approval != nil {
		approval := *w.approval
		approval.Chip = slices.Clone(approval.Chip)
		s.Approvals[w.node] = approval
	}
	if w.denial != nil {
		s.Denials[w.node] = *w.denial
	}
}

// cloneJoinPolicy returns a copy that shares nothing with p.
func cloneJoinPolicy(p *join.Policy) *join.Policy {
	if p == nil {
		return nil
	}
	return p.Clone()
}
