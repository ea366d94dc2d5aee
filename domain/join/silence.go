package join

import (
	"slices"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// stranger returns what is wrong with evidence that does not prove the record's
// machine, here and now, and nil of any other. Who answers at the address of a
// node, or in the middle, can show such evidence at will.
func stranger(c *Candidate, own *Record) *Decision {
	if c != nil && !c.Identity.IsZero() && c.Identity != own.Identity {
		return refusal(recordForeign())
	}
	d := proves(c)
	if d == nil || c != nil && c.Identity.of(c.Claims) && !d.finds(elsewhere) {
		return nil
	}
	return d
}

// elsewhere says whether a finding means that the evidence was made for another
// session, or by another peer, than this one.
func elsewhere(c policy.Code) bool {
	return c == policy.CodeBindingMismatch || c == policy.CodePeerMismatch
}

// byVerifier says whether all that refuses is what the verifier lacks, or what
// its clock makes of what it has: the node may be as good as it was.
func (d *Decision) byVerifier() bool {
	return !d.finds(func(c policy.Code) bool { return !ofVerifier(c) })
}

func ofVerifier(c policy.Code) bool {
	switch c {
	case policy.CodeTimeMissing, policy.CodeServerBusy, policy.CodeSessionRefused,
		policy.CodeEndorsementMissing, policy.CodeEndorsementExpired, policy.CodeEndorsementNotYetValid,
		policy.CodeEndorsementStale, policy.CodeCollateralTooOld:
		return true
	default:
		return false
	}
}

// finds says whether a finding that refuses is of such a code.
func (d *Decision) finds(code func(policy.Code) bool) bool {
	return slices.ContainsFunc(d.Findings, func(f policy.Finding) bool { return f.Severity == policy.Refuse && code(f.Code) })
}

// silent makes of what was found no answer.
func (d *Decision) silent() *Decision {
	d.Silence = true
	return d
}
