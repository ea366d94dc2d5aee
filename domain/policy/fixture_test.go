package policy_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// The fixtures are one policy for three platforms, and for each of them the
// claims of a machine that it admits.

var now = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func register(name string) measurement.Register {
	r, err := measurement.ParseRegister(name)
	if err != nil {
		panic(err)
	}
	return r
}

func sha256Of(text string) measurement.Digest {
	return measurement.Sum(measurement.SHA256, []byte(text))
}

func sha384Of(text string) measurement.Digest {
	return measurement.Sum(measurement.SHA384, []byte(text))
}

func bytesOf(b byte, n int) policy.Hex { return bytes.Repeat([]byte{b}, n) }

// event returns what a machine of the release extends into the register.
func event(name, release string) measurement.Event {
	r := register(name)
	text := release + " " + name
	return measurement.Event{Register: r, Digest: measurement.Sum(r.Bank().Algorithm(), []byte(text)), Type: "EV_IPL", Description: text}
}

// bootLog returns the log of a machine of the release: two events in each
// register, the first the same in all releases.
func bootLog(release string, names ...string) []measurement.Event {
	var log []measurement.Event
	for _, name := range names {
		log = append(log, event(name, "common"), event(name, release))
	}
	return log
}

func pcrNames() []string {
	return []string{"pcr0", "pcr2", "pcr3", "pcr4", "pcr6", "pcr7", "pcr8", "pcr9", "pcr11", "pcr12", "pcr13", "pcr14"}
}

func rtmrNames() []string { return []string{"rtmr0", "rtmr1", "rtmr2"} }

func references(log []measurement.Event) map[measurement.Register][]policy.ReferenceValue {
	registers := map[measurement.Register][]policy.ReferenceValue{}
	values := measurement.Replay(0, log)
	for r, value := range values.All() {
		reference := policy.ReferenceValue{Value: value}
		for _, e := range log {
			if e.Register == r {
				reference.Events = append(reference.Events, policy.ReferenceEvent{Digest: e.Digest, Type: e.Type, Description: e.Description})
			}
		}
		registers[r] = []policy.ReferenceValue{reference}
	}
	return registers
}

func release(name string) policy.Release {
	pcr15, rtmr3 := register("pcr15"), register("rtmr3")
	return policy.Release{
		Name: name, Profile: "release", Manifest: sha256Of(name),
		References: []policy.Reference{
			{Platform: evidence.QEMUVTPM, Firmware: "OVMF 2025.02", Mark: &pcr15, Registers: references(bootLog(name, pcrNames()...))},
			{Platform: evidence.AzureSNP, Mark: &pcr15, Registers: references(bootLog(name, pcrNames()...)), LaunchDigests: []measurement.Digest{sha384Of("paravisor")}},
			{Platform: evidence.QEMUTDX, Mark: &rtmr3, Registers: references(bootLog(name, rtmrNames()...)), LaunchDigests: []measurement.Digest{sha384Of(name)}},
		},
	}
}

func document() policy.Document {
	withdrawn := release("v1.0.0")
	withdrawn.Withdrawn = true
	old := release("v1.1.0")
	old.NotAfter = now.Add(24 * time.Hour)
	return policy.Document{
		Version: policy.Version, Serial: 7, Profiles: []string{"release"},
		Platforms: []evidence.Platform{evidence.QEMUVTPM, evidence.AzureSNP, evidence.QEMUTDX},
		Registers: map[measurement.Register]measurement.Rule{register("pcr6"): measurement.Warn, register("pcr3"): measurement.Ignore},
		Releases:  []policy.Release{release("v1.2.0"), old, withdrawn},
		TPM:       &policy.TPM{EKTrust: policy.EKAllowList, AllowedEKs: []measurement.Digest{sha256Of("ek")}, DeniedEKs: []measurement.Digest{sha256Of("stolen")}},
		SNP: &policy.SNP{
			ProductLines: []policy.ProductLinePolicy{
				{
					Name: policy.Genoa, TCB: policy.TCB{BootLoader: 10, SNP: 23, Microcode: 84},
					Grace: &policy.Grace{Until: now.Add(time.Hour), TCB: policy.TCB{BootLoader: 9, SNP: 21, Microcode: 72}},
				},
				{Name: policy.Milan, TCB: policy.TCB{BootLoader: 4, SNP: 24, Microcode: 219}, Chips: []policy.Hex{bytesOf(1, 64)}},
			},
			Require: []policy.Requirement{policy.AliasCheck, policy.NoMigration},
		},
		TDX: &policy.TDX{
			TCBStatus:            []policy.TCBStatus{policy.UpToDate, policy.SWHardeningNeeded},
			Grace:                &policy.StatusGrace{Until: now.Add(time.Hour), TCBStatus: []policy.TCBStatus{policy.OutOfDate}},
			Advisories:           []string{"INTEL-SA-00960"},
			Require:              []policy.Requirement{policy.SEPTVEDisable},
			EvaluationDataNumber: 17,
			TEETCBSVN:            bytesOf(3, 16),
		},
		DeniedChips: []policy.Hex{bytesOf(0xde, 64), bytesOf(0xde, 16)},
		Freshness:   policy.Freshness{MaxAge: policy.Duration(30 * 24 * time.Hour)},
	}
}

// newPolicy makes a policy of the fixture after the changes.
func newPolicy(t testing.TB, changes ...func(*policy.Document)) *policy.Policy {
	t.Helper()
	d := document()
	for _, change := range changes {
		change(&d)
	}
	p, err := policy.New(d)
	if err != nil {
		t.Fatalf("making the policy: %v", err)
	}
	return p
}

func baseClaims(platform evidence.Platform, log []measurement.Event) *policy.Claims {
	c := &policy.Claims{Platform: platform, Registers: measurement.Replay(0, log), Events: log, EvidenceSize: 4000}
	c.Endorsements = []policy.EndorsementClaims{
		{Kind: policy.Certificate, Subject: "EK certificate", Issued: now.AddDate(-5, 0, 0), Expires: now.AddDate(5, 0, 0)},
		{Kind: policy.RevocationList, Subject: "CRL", Issued: now.AddDate(0, 0, -3), Expires: now.AddDate(0, 0, 3)},
		{Kind: policy.Collateral, Subject: "TCB info", Issued: now.AddDate(0, 0, -3), Expires: now.AddDate(0, 0, 3)},
	}
	return c
}

// setMark records the value of the register that holds the mark.
func setMark(c *policy.Claims, name string, value measurement.Digest) {
	if err := c.Registers.Set(register(name), value); err != nil {
		panic(err)
	}
}

func tpmClaims() *policy.Claims {
	c := baseClaims(evidence.QEMUVTPM, bootLog("v1.2.0", pcrNames()...))
	setMark(c, "pcr15", register("pcr15").PowerOn())
	c.TPM = &policy.TPMClaims{EK: sha256Of("ek"), AKProof: policy.AKActivated, ResetCount: 3}
	return c
}

func snpClaims() *policy.Claims {
	c := baseClaims(evidence.AzureSNP, bootLog("v1.2.0", pcrNames()...))
	setMark(c, "pcr15", register("pcr15").PowerOn())
	c.TPM = &policy.TPMClaims{}
	tcb := policy.TCB{BootLoader: 10, SNP: 23, Microcode: 84}
	c.SNP = &policy.SNPClaims{
		Measurement: sha384Of("paravisor"), ProductLine: policy.Genoa, ReportedTCB: tcb, CommittedTCB: tcb, LaunchTCB: tcb,
		ChipID: bytesOf(5, 64), AliasCheck: true,
	}
	return c
}

func tdxClaims() *policy.Claims {
	c := baseClaims(evidence.QEMUTDX, bootLog("v1.2.0", rtmrNames()...))
	setMark(c, "rtmr3", register("rtmr3").PowerOn())
	c.TDX = &policy.TDXClaims{
		MRTD: sha384Of("v1.2.0"), FMSPC: bytesOf(9, 6), PPID: bytesOf(8, 16), TEETCBSVN: bytesOf(3, 16),
		TCBStatus: policy.UpToDate, EvaluationDataNumber: 17, SEPTVEDisable: true,
	}
	return c
}

// summary returns severity, code and subject of each finding, one a line.
func summary(v policy.Verdict) (lines []string) {
	for _, f := range v.Findings {
		lines = append(lines, fmt.Sprintf("%s %s %s", f.Severity, f.Code, f.Subject))
	}
	return lines
}
