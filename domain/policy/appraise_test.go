package policy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func TestAdmitted(t *testing.T) {
	for name, claims := range map[string]*policy.Claims{"tpm": tpmClaims(), "snp": snpClaims(), "tdx": tdxClaims()} {
		v := policy.Appraise(claims, newPolicy(t), now)
		if !v.Admitted || len(v.Findings) != 0 || v.Findings == nil || v.Release != "v1.2.0" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if v := policy.Appraise(tpmClaims(), newPolicy(t), now); v.Firmware != "OVMF 2025.02" {
		t.Errorf("firmware = %q", v.Firmware)
	}
}

// appraisalTest is one deviation and all that appraisal must find about it.
type appraisalTest struct {
	name   string
	claims func() *policy.Claims
	change func(*policy.Claims)
	policy func(*policy.Document)
	want   []string
}

func (tt *appraisalTest) run(t *testing.T) {
	claims := tt.claims()
	if tt.change != nil {
		tt.change(claims)
	}
	var changes []func(*policy.Document)
	if tt.policy != nil {
		changes = append(changes, tt.policy)
	}
	v := policy.Appraise(claims, newPolicy(t, changes...), now)
	if diff := cmp.Diff(tt.want, summary(v)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if refused := slices.ContainsFunc(tt.want, func(s string) bool { return strings.HasPrefix(s, "refuse") }); v.Admitted == refused {
		t.Errorf("admitted = %v", v.Admitted)
	}
	for _, f := range v.Findings {
		if !strings.HasSuffix(f.Remedy, ".") || len(f.Expected) == 0 && f.Seen == "" && f.Code != policy.CodeEventLogMissing {
			t.Errorf("a finding that helps nobody: %+v", f)
		}
	}
}

// follow makes the claims those of a machine that booted with the log.
func follow(c *policy.Claims, log []measurement.Event) {
	marks := c.Registers
	c.Events, c.Registers = log, measurement.Replay(0, log)
	for _, name := range []string{"pcr15", "rtmr3"} {
		if d := marks.Get(register(name)); !d.IsZero() {
			setMark(c, name, d)
		}
	}
}

// replaced returns the log of v1.2.0 with the events of one register as in
// another release.
func replaced(name, release string, names []string) []measurement.Event {
	log := bootLog("v1.2.0", names...)
	for i := range log {
		if log[i] == event(name, "v1.2.0") {
			log[i] = event(name, release)
		}
	}
	return log
}

func TestAppraiseBoot(t *testing.T) {
	tests := []appraisalTest{
		{
			name: "another kernel", claims: tpmClaims,
			change: func(c *policy.Claims) { follow(c, replaced("pcr4", "evil", pcrNames())) },
			want:   []string{"refuse PCR_MISMATCH PCR 4"},
		},
		{
			name: "every register, all at once", claims: tpmClaims,
			change: func(c *policy.Claims) { follow(c, bootLog("evil", pcrNames()...)) },
			want: []string{
				"refuse PCR_MISMATCH PCR 0", "refuse PCR_MISMATCH PCR 2", "refuse PCR_MISMATCH PCR 4", "refuse PCR_MISMATCH PCR 7",
				"refuse PCR_MISMATCH PCR 8", "refuse PCR_MISMATCH PCR 9", "refuse PCR_MISMATCH PCR 11", "refuse PCR_MISMATCH PCR 12",
				"refuse PCR_MISMATCH PCR 13", "refuse PCR_MISMATCH PCR 14", "warn PCR_MISMATCH PCR 6",
			},
		},
		{
			name: "only a warned register", claims: tpmClaims,
			change: func(c *policy.Claims) { follow(c, replaced("pcr6", "evil", pcrNames())) },
			want:   []string{"warn PCR_MISMATCH PCR 6"},
		},
		{
			name: "only an ignored register", claims: tpmClaims,
			change: func(c *policy.Claims) { follow(c, replaced("pcr3", "evil", pcrNames())) },
		},
		{
			name: "no registers", claims: tdxClaims,
			change: func(c *policy.Claims) { c.Registers, c.Events = measurement.Registers{}, nil },
			want:   []string{"refuse RTMR_MISMATCH RTMR[0]", "refuse RTMR_MISMATCH RTMR[1]", "refuse RTMR_MISMATCH RTMR[2]"},
		},
		{
			name: "an older release, its window open", claims: tpmClaims,
			change: func(c *policy.Claims) { follow(c, bootLog("v1.1.0", pcrNames()...)) },
		},
		{
			name: "an older release, at the end of its window", claims: tpmClaims,
			change: func(c *policy.Claims) { follow(c, bootLog("v1.1.0", pcrNames()...)) },
			policy: func(d *policy.Document) { d.Releases[1].NotAfter = now },
		},
		{
			name: "an older release, its window closed", claims: tpmClaims,
			change: func(c *policy.Claims) { follow(c, bootLog("v1.1.0", pcrNames()...)) },
			policy: func(d *policy.Document) { d.Releases[1].NotAfter = now.Add(-time.Second) },
			want:   []string{"refuse RELEASE_EXPIRED release"},
		},
		{
			name: "a withdrawn release", claims: tpmClaims,
			change: func(c *policy.Claims) { follow(c, bootLog("v1.0.0", pcrNames()...)) },
			want:   []string{"refuse RELEASE_WITHDRAWN release"},
		},
		{
			name: "a withdrawn debug release", claims: tpmClaims,
			change: func(c *policy.Claims) { follow(c, bootLog("v1.0.0", pcrNames()...)) },
			policy: func(d *policy.Document) { d.Releases[2].Profile = "debug" },
			want:   []string{"refuse RELEASE_WITHDRAWN release", "refuse PROFILE_NOT_ACCEPTED profile"},
		},
		{
			name: "another launch digest", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.Measurement = sha384Of("evil") },
			want:   []string{"refuse LAUNCH_DIGEST_MISMATCH launch digest"},
		},
		{
			name: "the launch digest of another release", claims: tdxClaims,
			change: func(c *policy.Claims) { c.TDX.MRTD = sha384Of("v1.1.0") },
			want:   []string{"refuse LAUNCH_DIGEST_MISMATCH launch digest"},
		},
		{
			name: "a launch digest of another algorithm", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.Measurement = sha256Of("paravisor") },
			want:   []string{"refuse LAUNCH_DIGEST_MISMATCH launch digest"},
		},
		{
			name: "secure boot off", claims: tpmClaims,
			change: func(c *policy.Claims) { c.SecureBoot = new(bool) },
			policy: func(d *policy.Document) { d.RequireSecureBoot = true },
			want:   []string{"refuse SECURE_BOOT_OFF Secure Boot"},
		},
		{
			name: "secure boot unknown", claims: tpmClaims,
			policy: func(d *policy.Document) { d.RequireSecureBoot = true },
			want:   []string{"refuse SECURE_BOOT_OFF Secure Boot"},
		},
		{
			name: "secure boot on", claims: tpmClaims,
			change: func(c *policy.Claims) { on := true; c.SecureBoot = &on },
			policy: func(d *policy.Document) { d.RequireSecureBoot = true },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func TestAppraiseShape(t *testing.T) {
	tests := []appraisalTest{
		{
			name: "a platform that the policy does not list", claims: tpmClaims,
			change: func(c *policy.Claims) { c.Platform = evidence.TPM },
			want:   []string{"refuse PLATFORM_NOT_ACCEPTED platform", "refuse NO_REFERENCE release"},
		},
		{
			name: "a platform that nobody knows", claims: tpmClaims,
			change: func(c *policy.Claims) { c.Platform = "pdp-11" },
			want:   []string{"refuse PLATFORM_NOT_ACCEPTED platform", "refuse CLAIM_UNEXPECTED tpm", "refuse NO_REFERENCE release"},
		},
		{
			name: "nothing at all", claims: func() *policy.Claims { return &policy.Claims{} },
			want: []string{"refuse PLATFORM_NOT_ACCEPTED platform", "refuse NO_REFERENCE release"},
		},
		{
			name: "claims of another technology", claims: snpClaims,
			change: func(c *policy.Claims) { c.TDX, c.SNP, c.TPM = tdxClaims().TDX, nil, nil },
			want: []string{
				"refuse CLAIM_MISSING tpm", "refuse CLAIM_MISSING snp", "refuse CLAIM_UNEXPECTED tdx", "refuse LAUNCH_DIGEST_MISMATCH launch digest",
			},
		},
		{
			name: "TDX claims missing", claims: tdxClaims,
			change: func(c *policy.Claims) { c.TDX = nil },
			want:   []string{"refuse CLAIM_MISSING tdx", "refuse LAUNCH_DIGEST_MISMATCH launch digest"},
		},
		{
			name: "evidence at its bound", claims: tpmClaims,
			change: func(c *policy.Claims) { c.EvidenceSize = evidence.MaxSize },
		},
		{
			name: "evidence over its bound", claims: tpmClaims,
			change: func(c *policy.Claims) { c.EvidenceSize = evidence.MaxSize + 1 },
			want:   []string{"refuse EVIDENCE_TOO_LARGE evidence"},
		},
		{
			name: "evidence over the policy's bound", claims: tpmClaims,
			policy: func(d *policy.Document) { d.Bounds = policy.Bounds{EvidenceBytes: 3999, Events: 23} },
			want:   []string{"refuse EVIDENCE_TOO_LARGE evidence", "refuse EVIDENCE_TOO_LARGE event log"},
		},
		{
			name: "evidence at the policy's bound", claims: tpmClaims,
			policy: func(d *policy.Document) { d.Bounds = policy.Bounds{EvidenceBytes: 4000, Events: 24} },
		},
		{
			name: "an event log at its bound is replayed", claims: tpmClaims,
			change: func(c *policy.Claims) { c.Locality = 3 },
			policy: func(d *policy.Document) { d.Bounds.Events = 24 },
			want:   []string{"refuse EVENT_LOG_UNREPLAYABLE PCR 0"},
		},
		{
			name: "an event log over its bound is not", claims: tpmClaims,
			change: func(c *policy.Claims) { c.Locality = 3 },
			policy: func(d *policy.Document) { d.Bounds.Events = 23 },
			want:   []string{"refuse EVIDENCE_TOO_LARGE event log"},
		},
		{
			name: "no event log, and none required", claims: tpmClaims,
			change: func(c *policy.Claims) { c.Events = nil },
		},
		{
			name: "no event log, though required", claims: tpmClaims,
			change: func(c *policy.Claims) { c.Events = nil },
			policy: func(d *policy.Document) { d.RequireEventLog = true },
			want:   []string{"refuse EVENT_LOG_MISSING event log"},
		},
		{
			name: "an event log as required", claims: tpmClaims,
			policy: func(d *policy.Document) { d.RequireEventLog = true },
		},
		{
			name: "an event log that was cut", claims: tpmClaims,
			change: func(c *policy.Claims) { c.Events = c.Events[:len(c.Events)-1] },
			want:   []string{"refuse EVENT_LOG_UNREPLAYABLE PCR 14"},
		},
		{
			name: "an event log from another locality", claims: tpmClaims,
			change: func(c *policy.Claims) { c.Locality = 3 },
			want:   []string{"refuse EVENT_LOG_UNREPLAYABLE PCR 0"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func TestMismatchNamesTheFirstDivergingEvent(t *testing.T) {
	claims := tpmClaims()
	follow(claims, replaced("pcr4", "evil", pcrNames()))
	got := policy.Appraise(claims, newPolicy(t), now).Findings[0]
	expected, seen := event("pcr4", "v1.2.0"), event("pcr4", "evil")
	if got.Divergence == nil || got.Divergence.Position != 1 || *got.Divergence.Expected != expected || *got.Divergence.Seen != seen {
		t.Errorf("divergence = %+v", got.Divergence)
	}
	values := measurement.Replay(0, bootLog("v1.2.0", "pcr4"))
	if want := values.Get(register("pcr4")).String(); len(got.Expected) != 1 || got.Expected[0] != want {
		t.Errorf("expected = %v, want %s", got.Expected, want)
	}
	if got.Seen != claims.Registers.Get(register("pcr4")).String() {
		t.Errorf("seen = %s", got.Seen)
	}
}

func TestMismatchNamesTheReleaseThatExplainsIt(t *testing.T) {
	claims := tpmClaims()
	follow(claims, replaced("pcr9", "v1.0.0", pcrNames()))
	got := policy.Appraise(claims, newPolicy(t), now).Findings[0]
	if want := []string{"v1.0.0 (OVMF 2025.02)"}; !slices.Equal(got.ExplainedBy, want) {
		t.Errorf("explained by %v, want %v", got.ExplainedBy, want)
	}
	launched := tdxClaims()
	launched.TDX.MRTD = sha384Of("v1.1.0")
	got = policy.Appraise(launched, newPolicy(t), now).Findings[0]
	if want := []string{"v1.1.0"}; !slices.Equal(got.ExplainedBy, want) {
		t.Errorf("explained by %v, want %v", got.ExplainedBy, want)
	}
	missing := tpmClaims()
	missing.Registers, missing.Events = measurement.Registers{}, nil
	if got = policy.Appraise(missing, newPolicy(t), now).Findings[0]; got.ExplainedBy != nil || got.Seen != "" || !strings.Contains(got.Remedy, "does not cover") {
		t.Errorf("a missing register is explained: %+v", got)
	}
}

// Findings are relative to the nearest release: fewest enforced mismatches, then
// one that is accepted, then fewest warnings, then the newest.
func TestNearestRelease(t *testing.T) {
	mixed := func(names ...string) func(*policy.Claims) {
		return func(c *policy.Claims) {
			log := bootLog("v1.1.0", pcrNames()...)
			for i := range log {
				for _, name := range names {
					if log[i] == event(name, "v1.1.0") {
						log[i] = event(name, "v1.2.0")
					}
				}
			}
			follow(c, log)
		}
	}
	withdraw := func(i int) func(*policy.Document) {
		return func(d *policy.Document) { d.Releases[i].Withdrawn, d.Releases[i].NotAfter = true, time.Time{} }
	}
	blind := func(d *policy.Document) { d.Registers[register("pcr6")] = measurement.Ignore }
	same := func(d *policy.Document) {
		d.Releases[0].References[0].Registers = d.Releases[1].References[0].Registers
	}
	sameButPCR6 := func(d *policy.Document) {
		newest := references(bootLog("v1.1.0", pcrNames()...))
		newest[register("pcr6")] = references(bootLog("v1.2.0", "pcr6"))[register("pcr6")]
		d.Releases[0].References[0].Registers = newest
	}
	tests := []struct {
		name    string
		change  func(*policy.Claims)
		changes []func(*policy.Document)
		want    string
	}{
		{"mostly the older", mixed("pcr4"), nil, "v1.1.0"},
		{"mostly the newer", mixed("pcr0", "pcr2", "pcr4", "pcr7", "pcr8", "pcr9"), nil, "v1.2.0"},
		{"as near to both", mixed("pcr0", "pcr2", "pcr4", "pcr7", "pcr8"), []func(*policy.Document){blind}, "v1.2.0"},
		{"as near to both, but for a warning", mixed("pcr0", "pcr2", "pcr4", "pcr7", "pcr8"), nil, "v1.1.0"},
		{"as near to both, and the newer is withdrawn", mixed("pcr0", "pcr2", "pcr4", "pcr7", "pcr8"), []func(*policy.Document){blind, withdraw(0)}, "v1.1.0"},
		{"equal releases", mixed(), []func(*policy.Document){same}, "v1.2.0"},
		{"equal releases, the newer withdrawn", mixed(), []func(*policy.Document){same, withdraw(0)}, "v1.1.0"},
		{"equal releases, the newer with a warning", mixed(), []func(*policy.Document){sameButPCR6}, "v1.1.0"},
		{"an exact withdrawn one before a similar accepted one", mixed(), []func(*policy.Document){withdraw(1)}, "v1.1.0"},
		{
			"equal releases, the newer expired", mixed(),
			[]func(*policy.Document){same, func(d *policy.Document) { d.Releases[0].NotAfter = now.Add(-time.Hour) }},
			"v1.1.0",
		},
		{"unknown to both", func(c *policy.Claims) { follow(c, bootLog("evil", pcrNames()...)) }, nil, "v1.2.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			claims := tpmClaims()
			tt.change(claims)
			if v := policy.Appraise(claims, newPolicy(t, tt.changes...), now); v.Release != tt.want {
				t.Errorf("nearest release = %s, want %s", v.Release, tt.want)
			}
		})
	}
}

// The launch digest counts like a register when releases are compared.
func TestLaunchDigestDecidesTheNearestRelease(t *testing.T) {
	claims := tdxClaims()
	follow(claims, replaced("rtmr1", "evil", rtmrNames()))
	claims.TDX.MRTD = sha384Of("v1.1.0")
	sameRegisters := func(d *policy.Document) {
		d.Releases[1].References[2].Registers = d.Releases[0].References[2].Registers
	}
	if v := policy.Appraise(claims, newPolicy(t, sameRegisters), now); v.Release != "v1.1.0" {
		t.Errorf("nearest release = %s, want v1.1.0", v.Release)
	}
}

// A verdict shares nothing with the policy: whoever writes into one changes no
// later verdict.
func TestVerdictsShareNothing(t *testing.T) {
	p := newPolicy(t, func(d *policy.Document) { d.Releases[2].Profile = "debug" })
	withdrawn, outdated := tpmClaims(), tdxClaims()
	follow(withdrawn, bootLog("v1.0.0", pcrNames()...))
	outdated.TDX.TCBStatus, outdated.TDX.Advisories = policy.SWHardeningNeeded, []string{"INTEL-SA-01036"}
	drifted := tpmClaims()
	follow(drifted, replaced("pcr9", "v1.0.0", pcrNames()))
	for _, claims := range []*policy.Claims{withdrawn, outdated, drifted} {
		before := fmt.Sprintf("%+v", deref(policy.Appraise(claims, p, now)))
		for _, f := range policy.Appraise(claims, p, now).Findings {
			for _, texts := range [][]string{f.Expected, f.ExplainedBy} {
				for i := range texts {
					texts[i] = f.Seen
				}
			}
			if f.Divergence != nil {
				*f.Divergence.Expected, *f.Divergence.Seen = measurement.Event{}, measurement.Event{}
			}
		}
		if after := fmt.Sprintf("%+v", deref(policy.Appraise(claims, p, now))); before != after {
			t.Errorf("%s: a verdict that was written into changed the next one:\n%s\n%s", claims.Platform, before, after)
		}
	}
}

// deref returns the findings with what their pointers lead to.
func deref(v policy.Verdict) []any {
	list := []any{v.Admitted, v.Findings}
	for _, f := range v.Findings {
		if d := f.Divergence; d != nil {
			list = append(list, *d.Expected, *d.Seen)
		}
	}
	for i := range v.Findings {
		v.Findings[i].Divergence = nil
	}
	return list
}

func TestThreat28NoTimeAndNothingToJudge(t *testing.T) {
	if v := policy.Appraise(tpmClaims(), newPolicy(t), time.Time{}); !slices.Contains(summary(v), "refuse TIME_MISSING time") {
		t.Errorf("findings at no time: %v", summary(v))
	}
	for _, v := range []policy.Verdict{
		policy.Appraise(nil, newPolicy(t), now), policy.Appraise(tpmClaims(), nil, now), policy.Appraise(nil, nil, now),
	} {
		if v.Admitted {
			t.Error("nothing is admitted, or by nothing")
		}
	}
}

func TestZeroPolicyRefuses(t *testing.T) {
	for _, claims := range []*policy.Claims{{}, tpmClaims(), snpClaims(), tdxClaims()} {
		if v := policy.Appraise(claims, &policy.Policy{}, now); v.Admitted {
			t.Errorf("%s is admitted by no policy", claims.Platform)
		}
	}
}

func TestAppraiseIsPureAndTotal(t *testing.T) {
	p := newPolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		claims := rapid.SampledFrom([]func() *policy.Claims{tpmClaims, snpClaims, tdxClaims}).Draw(t, "claims")()
		claims.Platform = rapid.SampledFrom(append(evidence.Platforms(), "", "pdp-11")).Draw(t, "platform")
		for _, drop := range []func(){
			func() { claims.TPM = nil }, func() { claims.SNP = nil }, func() { claims.TDX = nil }, func() { claims.Events = nil },
			func() { claims.Registers = measurement.Registers{} }, func() { claims.Locality = 255 },
			func() { claims.Endorsements = make([]policy.EndorsementClaims, 2) },
			func() {
				if claims.TDX != nil {
					claims.TDX.TEETCBSVN = nil
				}
			},
		} {
			if rapid.Bool().Draw(t, "drop") {
				drop()
			}
		}
		at := time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "time"), 0)
		before, _ := json.Marshal(claims)
		first, second := policy.Appraise(claims, p, at), policy.Appraise(claims, p, at)
		after, _ := json.Marshal(claims)
		if !reflect.DeepEqual(first, second) || !bytes.Equal(before, after) {
			t.Fatal("two appraisals differ, or one changed its claims")
		}
		refusals := slices.ContainsFunc(first.Findings, func(f policy.Finding) bool { return f.Severity == policy.Refuse })
		if first.Admitted == refusals {
			t.Fatalf("admitted = %v with findings %v", first.Admitted, summary(first))
		}
	})
}
