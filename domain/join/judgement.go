package join

import (
	"bytes"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// judgement is one run of a decision. Each of its methods looks at one aspect and
// records what it finds; what refuses, refuses, whatever the others find.
type judgement struct {
	c      *Candidate
	f      *Facts
	own    *Record // nil where the machine has none
	policy *Policy // nil where nobody may join
	now    time.Time
	boot   Boot

	refusals, warnings []policy.Finding
	hopeless           bool   // there is a refusal that no approval lifts
	approval           uint64 // serial of the approval that the role rests on
	spent              uint64 // serial of the newest approval used
	weighed            bool   // the approval was held against what is asked
	ask                bool
}

// proves returns the refusal of a candidate whose evidence does not admit it, and
// nil of any other. It says nothing but what the evidence showed: whoever stands
// there may be anybody.
func proves(c *Candidate) *Decision {
	if c == nil {
		c = &Candidate{}
	}
	refusing := func(f policy.Finding) bool { return f.Severity != policy.Warn }
	findings := refusalsFirst(c.Verdict.Findings, refusing)
	refuses := len(findings) > 0 && refusing(findings[0])
	if !c.Verdict.Admitted || refuses {
		if !refuses {
			findings = slices.Insert(findings, 0, verdictMissing())
		}
		return &Decision{Outcome: Refused, Cause: ByEvidence, Findings: findings}
	}
	if !c.Identity.of(c.Claims) {
		return &Decision{Outcome: Refused, Cause: ByEvidence, Findings: slices.Insert(findings, 0, identityMissing())}
	}
	return nil
}

// refusalsFirst returns a sorted copy.
func refusalsFirst(findings []policy.Finding, refusing func(policy.Finding) bool) []policy.Finding {
	var refusals, warnings []policy.Finding
	for i := range findings {
		if f := findings[i]; refusing(f) {
			f.Severity = policy.Refuse
			refusals = append(refusals, f)
		} else {
			warnings = append(warnings, f)
		}
	}
	return append(refusals, warnings...)
}

// judge begins a judgement of a candidate that is who it says.
func judge(c *Candidate, f *Facts, now time.Time) *judgement {
	if f == nil {
		f = &Facts{}
	}
	j := &judgement{c: c, f: f, own: f.Own, policy: f.Standing.policy(), now: instant(now), boot: bootOf(c)}
	j.warnings = slices.DeleteFunc(slices.Clone(c.Verdict.Findings), func(f policy.Finding) bool { return f.Severity != policy.Warn })
	if now.IsZero() {
		j.refuse(timeMissing())
	}
	if j.own != nil && j.own.Identity != c.Identity {
		j.refuse(recordForeign())
		j.own = nil
	}
	if j.own != nil {
		j.approval, j.spent = j.own.Approval, j.own.Spent
	}
	return j
}

func bootOf(c *Candidate) Boot {
	if c.Identity.byTPM() {
		return Boot{ResetCount: c.Claims.TPM.ResetCount, RestartCount: c.Claims.TPM.RestartCount, AK: c.AK}
	}
	return Boot{Session: c.Session}
}

// refuse records what no approval lifts.
func (j *judgement) refuse(f policy.Finding) {
	j.hopeless = true
	j.await(f)
}

// await records what keeps the candidate out until it is approved.
func (j *judgement) await(f policy.Finding) {
	f.Severity = policy.Refuse
	j.refusals = append(j.refusals, f)
}

func (j *judgement) warn(f policy.Finding) {
	f.Severity = policy.Warn
	j.warnings = append(j.warnings, f)
}

// outcome returns the decision as far as there is one without a record.
func (j *judgement) outcome() *Decision {
	d := &Decision{Outcome: Admitted, Findings: append(append([]policy.Finding{}, j.refusals...), j.warnings...), Ask: j.ask}
	if len(j.refusals) == 0 {
		return d
	}
	d.Outcome, d.Cause = Refused, ByPolicy
	if !j.hopeless {
		d.Outcome = Awaiting
	}
	return d
}

// standing wants a policy, and that neither it nor what was said of machines is
// older than what earlier decisions knew: records remember.
func (j *judgement) standing() {
	if j.policy == nil {
		j.refuse(policyMissing())
	}
	j.stale()
}

func (j *judgement) stale() {
	for _, r := range []*Record{j.own, j.f.ByName, j.f.ByDisk} {
		if r != nil && r.Directive > j.f.Standing.serial() {
			j.refuse(standingStale("directives", r.Directive, j.f.Standing.serial()))
			break
		}
	}
	if j.own != nil && j.own.Policy > j.c.Policy {
		j.refuse(standingStale("attestation policy", j.own.Policy, j.c.Policy))
	}
}

// revoked refuses machines that the owner denied. A record that says so counts as
// much as the denial itself, and so does one whose state nobody knows.
func (j *judgement) revoked() {
	denial, denied := j.f.Standing.Denied(j.c.Identity)
	if denied || j.own != nil && j.own.State != Intended && j.own.State != Member && j.own.State != Withheld {
		j.refuse(nodeRevoked(denial))
	}
}

// platform refuses a machine that comes back as another kind: the same keys in a
// machine whose host can read its memory.
func (j *judgement) platform() {
	if j.own != nil && j.own.Platform != j.c.Claims.Platform {
		j.refuse(platformMismatch(j.own.Platform, j.c.Claims.Platform))
	}
}

// moved looks whether the machine runs on another chip than its record names. A
// chip that is hidden now and was not then is another one, and no approval can
// name it.
func (j *judgement) moved() {
	chip, mode := chipOf(j.c.Claims), MovedRefuse
	if j.policy != nil {
		mode = j.policy.Moved
	}
	if j.own == nil || len(j.own.Chip) == 0 || bytes.Equal(chip, j.own.Chip) {
		return
	}
	switch {
	case mode == MovedAdmit:
		j.warn(machineMoved(j.own.Chip, chip, mode))
	case mode != MovedApprove || len(chip) == 0:
		j.refuse(machineMoved(j.own.Chip, chip, MovedRefuse))
	default:
		j.movedApproval(chip)
	}
}

// movedApproval wants an approval that names the chip.
func (j *judgement) movedApproval(chip policy.Hex) {
	a, found := j.f.Standing.ApprovalFor(j.c.Identity)
	if !found || !bytes.Equal(a.Chip, chip) {
		j.await(machineMoved(j.own.Chip, chip, MovedApprove))
		return
	}
	role, name := j.own.Role, j.own.Name
	if r := j.c.Request; r != nil && r.Kind == FirstJoin {
		role, name = r.Role, r.Name
	}
	j.spend(&a, role, name)
}

// chipOf returns the chip that the claims name, empty where it is hidden or there
// is none.
func chipOf(c *policy.Claims) policy.Hex {
	switch {
	case c.SNP != nil:
		return c.SNP.ChipID
	case c.TDX != nil:
		return c.TDX.PPID
	default:
		return nil
	}
}

// spend rests the decision on an approval, and records why it does not help for a
// role and a name: what is refused spends nothing. There is one approval of a
// machine, which may do for its role and its move at once.
func (j *judgement) spend(a *Approval, role Role, name NodeName) {
	if j.weighed {
		return
	}
	j.weighed = true
	if a.Role != role {
		j.refuse(roleMismatch([]Role{a.Role}, role))
	}
	if a.Name != "" && a.Name != name {
		j.refuse(nameNotAllowed([]string{string(a.Name)}, name))
	}
	if j.now.After(a.Expires) {
		j.await(approvalExpired(a))
	}
	if j.isSpent(a.Serial) {
		j.await(approvalSpent(a))
	}
	j.spent = max(j.spent, a.Serial)
}

// isSpent says whether a join rests on the approval already. One for which no
// ticket has left does not count: the node may try again.
func (j *judgement) isSpent(serial uint64) bool {
	if j.own == nil {
		return false
	}
	return serial <= j.own.Spent && !(j.own.unfinished() && j.own.Approval == serial)
}
