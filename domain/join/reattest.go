package join

import (
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// Reattest says what becomes of the record of a node that was asked to attest and
// did: it is a member from now on, also if it was withheld, or it is withheld
// with the codes of what was found. Like Decide it is total, and tells all.
//
// Evidence that does not prove the record's machine may be anybody's, and what is
// wrong with the verifier is not wrong with the node: both count as Silence.
//
// Record is nil where nothing is to be written: for silence; where the node has no
// record, is no member yet, or is revoked, which it stays; where it is withheld
// already for the same reasons; or where the caller knows older directives than
// the record does, and must not judge by them.
func Reattest(c *Candidate, f *Facts, now time.Time) *Decision {
	if f == nil {
		f = &Facts{}
	}
	if d := notAsked(f.Own); d != nil {
		return d
	}
	if d := stranger(c, f.Own); d != nil {
		return d.silent()
	}
	j := judge(c, f, now)
	if f.Standing.serial() == 0 {
		j.refuse(policyMissing())
	}
	j.stale()
	if len(j.refusals) > 0 {
		return j.outcome()
	}
	return j.stays(proves(c))
}

// stays judges a machine that has proven to be the record's. Its evidence is what
// refuses that, nil where it is admitted.
func (j *judgement) stays(evidence *Decision) *Decision {
	if evidence != nil && !evidence.byVerifier() {
		return evidence.withhold(j.own)
	}
	j.revoked()
	j.platform()
	j.moved()
	j.sameBoot()
	d := j.outcome()
	if d.Outcome != Admitted {
		d.Outcome = Refused
		return d.withhold(j.own)
	}
	if evidence != nil {
		return evidence.silent()
	}
	d.Record = j.own.Next(Member)
	d.Record.Spent = j.spent
	if chip := chipOf(j.c.Claims); len(chip) > 0 {
		d.Record.Chip = slices.Clone(chip)
	}
	j.attest(d.Record)
	return d
}

// notAsked returns the refusal where the record is none of a member's.
func notAsked(r *Record) *Decision {
	switch {
	case r == nil:
		return refusal(recordMissing())
	case r.State == Revoked:
		return refusal(nodeRevoked(Denial{}))
	case r.State != Member && r.State != Withheld:
		return refusal(notAMember())
	default:
		return nil
	}
}

func refusal(f policy.Finding) *Decision {
	f.Severity = policy.Refuse
	return &Decision{Outcome: Refused, Cause: ByPolicy, Findings: []policy.Finding{f}}
}

// sameBoot wants the boot in which the node got its keys: after a reboot it has
// to rejoin.
func (j *judgement) sameBoot() {
	if !j.boot.known(j.c.Identity) {
		j.refuse(bootUnknown())
		return
	}
	seen, known := j.boot, j.own.Boot
	if seen.AK != known.AK {
		j.refuse(keyMismatch(known.AK, seen.AK))
	}
	seen.AK = known.AK
	if seen != known {
		j.refuse(bootMismatch(known, seen))
	}
}

// withhold adds the record of a node that gets nothing until it attests, unless
// it says so already.
func (d *Decision) withhold(r *Record) *Decision {
	if codes := d.Codes(); r.State != Withheld || !slices.Equal(r.Codes, codes) {
		d.Record = r.Next(Withheld, codes...)
	}
	return d
}

// Unreachable says what becomes of the record of a node that was asked to attest
// and has not answered since then: once that is as long as the policy bears, a
// member is withheld. Before, it is admitted with a warning, and nothing is to be
// written; nor is it in any other state.
//
// A time that is yet to come, by more than MaxSkew, is one that a wrong clock has
// written: nobody knows how long the node is silent, so it is for too long.
func Unreachable(r *Record, s *Standing, since, now time.Time) *Decision {
	if d := notAsked(r); d != nil {
		return d
	}
	if now.IsZero() {
		return refusal(timeMissing())
	}
	silence, bound := now.Sub(since), s.policy().Silence()
	unknown := silence < -MaxSkew
	if !unknown {
		silence = max(silence, 0)
	}
	f := nodeSilent(silence, bound)
	if r.State == Member && !unknown && silence < bound {
		f.Severity = policy.Warn
		return &Decision{Outcome: Admitted, Findings: []policy.Finding{f}}
	}
	d := refusal(f)
	if r.State == Member {
		d.withhold(r)
	}
	return d
}
