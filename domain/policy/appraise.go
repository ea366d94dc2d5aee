package policy

import (
	"slices"
	"strconv"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Appraise holds claims against a policy at a time. The machine is admitted if
// no finding refuses it.
func Appraise(claims *Claims, policy *Policy, now time.Time) Verdict {
	return Session{}.Appraise(claims, policy, now)
}

// Appraise holds claims against a policy at a time, and against what the session
// expects.
func (s Session) Appraise(claims *Claims, policy *Policy, now time.Time) Verdict {
	if claims == nil {
		claims = &Claims{}
	}
	if policy == nil {
		policy = &Policy{}
	}
	a := appraisal{session: &s, claims: claims, policy: policy, now: now}
	a.clock()
	a.platform()
	a.size()
	a.eventLog()
	a.release()
	a.secureBoot()
	a.tpm()
	a.snp()
	a.tdx()
	a.endorsements()
	return a.verdict()
}

// appraisal is one run of Appraise. Each of its methods looks at one aspect and
// records what it finds; none depends on another's outcome but for best.
type appraisal struct {
	session  *Session
	claims   *Claims
	policy   *Policy
	now      time.Time
	traits   evidence.Traits
	best     *candidate
	findings []Finding

	markChecked bool
}

func (a *appraisal) verdict() Verdict {
	slices.SortStableFunc(a.findings, func(x, y Finding) int { return severityRank(x.Severity) - severityRank(y.Severity) })
	v := Verdict{Admitted: true, Findings: a.findings}
	if a.findings == nil {
		v.Findings = []Finding{}
	}
	if len(a.findings) > 0 && a.findings[0].Severity == Refuse {
		v.Admitted = false
	}
	v.MarkChecked = a.markChecked
	if a.best != nil {
		v.Release, v.Firmware = a.best.release.Name, a.best.reference.Firmware
	}
	return v
}

// severityRank orders refusals first. Whatever is not a warning refuses.
func severityRank(s Severity) int {
	if s == Warn {
		return 1
	}
	return 0
}

func (a *appraisal) refuse(f Finding) {
	f.Severity = Refuse
	a.findings = append(a.findings, f)
}

// refuseUnless records a warning where the finding is borne with, else a refusal.
func (a *appraisal) refuseUnless(bearable bool, f Finding) {
	if bearable {
		a.warn(f)
		return
	}
	a.refuse(f)
}

func (a *appraisal) warn(f Finding) {
	f.Severity = Warn
	a.findings = append(a.findings, f)
}

// clock refuses to judge at no time: nothing would ever expire.
func (a *appraisal) clock() {
	if a.now.IsZero() {
		a.refuse(Finding{
			Code: CodeTimeMissing, Subject: "time", Expected: []string{"the time of the appraisal"},
			Remedy: "The verifier must know the time; set its clock.",
		})
	}
}

func (a *appraisal) platform() {
	traits, err := a.claims.Platform.Traits()
	if err != nil || !slices.Contains(a.policy.document.Platforms, a.claims.Platform) {
		a.refuse(Finding{
			Code: CodePlatformNotAccepted, Subject: "platform",
			Expected: texts(a.policy.document.Platforms), Seen: string(a.claims.Platform),
			Remedy: "Run the node on an accepted platform, or add this one to the policy's platforms.",
		})
	}
	a.traits = traits
	a.section("tpm", a.claims.TPM != nil, traits.TPM)
	a.section("snp", a.claims.SNP != nil, traits.TEE == evidence.SNP)
	a.section("tdx", a.claims.TDX != nil, traits.TEE == evidence.TDX)
	a.binding()
}

// section finds claims that the platform must make and does not, or cannot make
// and does.
func (a *appraisal) section(name string, present, wanted bool) {
	switch {
	case wanted && !present:
		a.refuse(Finding{
			Code: CodeClaimMissing, Subject: name, Expected: []string{name + " claims"},
			Remedy: "The verifier of this platform must supply these claims; check that evidence and platform belong together.",
		})
	case present && !wanted:
		a.refuse(Finding{
			Code: CodeClaimUnexpected, Subject: name, Seen: name + " claims",
			Remedy: "This platform makes no such claims; check that evidence and platform belong together.",
		})
	}
}

func (a *appraisal) binding() {
	if a.session.reportData == nil {
		return
	}
	expected := Hex(a.session.reportData[:])
	if a.traits.TPM {
		qualifying := a.session.reportData.Qualifying()
		expected = qualifying[:]
	}
	if !slices.Equal(expected, a.claims.ReportData) {
		a.refuse(Finding{
			Code: CodeBindingMismatch, Subject: "report data", Expected: []string{expected.String()}, Seen: a.claims.ReportData.String(),
			Remedy: "The evidence was made for another session; if nobody interferes with the connection, the two ends run versions that do not fit.",
		})
	}
}

func (a *appraisal) size() {
	a.atMost("evidence", "bytes", a.claims.EvidenceSize, a.policy.EvidenceBytes())
	a.atMost("event log", "events", len(a.claims.Events), a.policy.Events())
}

func (a *appraisal) atMost(subject, unit string, seen, limit int) {
	if seen > limit {
		a.refuse(Finding{
			Code: CodeEvidenceTooLarge, Subject: subject,
			Expected: []string{"at most " + strconv.Itoa(limit) + " " + unit}, Seen: strconv.Itoa(seen) + " " + unit,
			Remedy: "Raise the policy's bounds if this machine's " + subject + " is known to be this large.",
		})
	}
}

// eventLog replays the log: it must explain every quoted register.
// A log that is over its bound is not replayed.
func (a *appraisal) eventLog() {
	events := a.claims.Events
	if len(events) == 0 && a.policy.document.RequireEventLog {
		a.refuse(Finding{
			Code: CodeEventLogMissing, Subject: "event log",
			Remedy: "Check that the node's firmware writes an event log and that its kernel exposes it.",
		})
	}
	if len(events) == 0 || len(events) > a.policy.Events() {
		return
	}
	for _, r := range measurement.Unexplained(a.claims.Locality, events, &a.claims.Registers) {
		a.refuse(Finding{
			Code: CodeEventLogUnreplayable, Subject: r.String(), Expected: []string{a.claims.Registers.Get(r).String()},
			Seen:   "an event log that leads elsewhere",
			Remedy: "The event log does not lead to the quoted value: it was altered, cut off, or is of another boot.",
		})
	}
}

func (a *appraisal) secureBoot() {
	if !a.policy.document.RequireSecureBoot || a.claims.SecureBoot != nil && *a.claims.SecureBoot {
		return
	}
	seen := ""
	if a.claims.SecureBoot != nil {
		seen = "disabled"
	}
	a.refuse(Finding{
		Code: CodeSecureBootOff, Subject: "Secure Boot", Expected: []string{"enabled"}, Seen: seen,
		Remedy: "Enable Secure Boot in the machine's firmware, or drop requireSecureBoot from the policy.",
	})
}

func texts[T ~string](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}
