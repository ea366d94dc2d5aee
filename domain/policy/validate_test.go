package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// refusalTest is one change that makes the fixture no policy, and the paths of
// all problems that must be named.
type refusalTest struct {
	name   string
	change func(*policy.Document)
	want   []string
}

func (tt *refusalTest) run(t *testing.T) {
	d := document()
	tt.change(&d)
	p, err := policy.New(d)
	var invalid *policy.InvalidError
	if !errors.As(err, &invalid) || p != nil {
		t.Fatalf("New = %v, %v; want an InvalidError and nothing", p, err)
	}
	var paths []string
	for _, problem := range invalid.Problems {
		paths = append(paths, problem.Path)
		if problem.Message == "" || !strings.Contains(err.Error(), problem.String()) {
			t.Errorf("the error %q hides %+v", err, problem)
		}
	}
	if diff := cmp.Diff(tt.want, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s\n%v", diff, err)
	}
}

func runRefusals(t *testing.T, tests []refusalTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func TestNewRefusesHead(t *testing.T) {
	runRefusals(t, []refusalTest{
		{"version", func(d *policy.Document) { d.Version = "asterism/policy/v2" }, []string{"version"}},
		{"no serial", func(d *policy.Document) { d.Serial = 0 }, []string{"serial"}},
		{"serial that JSON cannot hold", func(d *policy.Document) { d.Serial = 1 << 53 }, []string{"serial"}},
		{"long description", func(d *policy.Document) { d.Description = strings.Repeat("x", 1025) }, []string{"description"}},
		{"description of other bytes", func(d *policy.Document) { d.Description = "\xff" }, []string{"description"}},
		{"profile twice", func(d *policy.Document) { d.Profiles = []string{"release", "release"} }, []string{"profiles[1]"}},
		{"profile's name", func(d *policy.Document) { d.Profiles = append(d.Profiles, "a b") }, []string{"profiles[1]"}},
		{"negative age", func(d *policy.Document) { d.Freshness.MaxAge = -1 }, []string{"freshness.maxAge"}},
		{"negative skew", func(d *policy.Document) { d.Freshness.MaxClockSkew = -1 }, []string{"freshness.maxClockSkew"}},
		{"skew of over a day", func(d *policy.Document) { d.Freshness.MaxClockSkew = policy.Duration(24*time.Hour + 1) }, []string{"freshness.maxClockSkew"}},
		{"negative bounds", func(d *policy.Document) { d.Bounds = policy.Bounds{EvidenceBytes: -1, Events: -1} }, []string{"bounds.evidenceBytes", "bounds.events"}},
		{
			"bounds over the maximum",
			func(d *policy.Document) {
				d.Bounds = policy.Bounds{EvidenceBytes: evidence.MaxSize + 1, Events: policy.MaxEvents + 1}
			},
			[]string{"bounds.evidenceBytes", "bounds.events"},
		},
		{
			"empty", func(d *policy.Document) { *d = policy.Document{} },
			[]string{"version", "serial", "profiles", "platforms", "releases"},
		},
	})
}

func TestNewRefusesPlatformsAndRules(t *testing.T) {
	runRefusals(t, []refusalTest{
		{"unknown platform", func(d *policy.Document) { d.Platforms = append(d.Platforms, "pdp-11") }, []string{"platforms[3]"}},
		{"platform twice", func(d *policy.Document) { d.Platforms = append(d.Platforms, evidence.QEMUTDX) }, []string{"platforms[3]"}},
		{"platform without reference", func(d *policy.Document) { d.Platforms = append(d.Platforms, evidence.TPM) }, []string{"platforms[3]"}},
		{
			"platform with withdrawn references only",
			func(d *policy.Document) {
				d.Releases[0].Withdrawn, d.Releases[1].Withdrawn, d.Releases[1].NotAfter = true, true, time.Time{}
			},
			[]string{"platforms[0]", "platforms[1]", "platforms[2]"},
		},
		{"unknown rule", func(d *policy.Document) { d.Registers[register("pcr6")] = 3 }, []string{"registers.pcr6"}},
		{"rule for the mark", func(d *policy.Document) { d.Registers[register("pcr15")] = measurement.Ignore }, []string{"registers.pcr15"}},
		{"rule without effect", func(d *policy.Document) { d.Registers[register("pcr5")] = measurement.Enforce }, []string{"registers.pcr5"}},
		{"warning without effect", func(d *policy.Document) { d.Registers[register("pcr5")] = measurement.Warn }, []string{"registers.pcr5"}},
		{
			"every register that covers the boot of a guest is warned about",
			func(d *policy.Document) {
				for _, name := range rtmrNames() {
					d.Registers[register(name)] = measurement.Warn
				}
			},
			[]string{"registers.rtmr0", "registers.rtmr1", "registers.rtmr2"},
		},
		{
			"every register that covers the boot is ignored or warned about",
			func(d *policy.Document) {
				for _, name := range []string{"pcr4", "pcr8", "pcr9", "pcr11", "pcr12", "pcr13"} {
					d.Registers[register(name)] = measurement.Ignore
				}
				d.Registers[register("pcr14")] = measurement.Warn
			},
			[]string{
				"registers.pcr4", "registers.pcr8", "registers.pcr9", "registers.pcr11", "registers.pcr12", "registers.pcr13", "registers.pcr14",
			},
		},
	})
}

// Demands that an accepted platform can never meet, and lists that nothing reads.
func TestNewRefusesWhatHasNoEffect(t *testing.T) {
	bare := func(d *policy.Document) {
		d.Platforms, d.TPM, d.TDX, d.Registers, d.DeniedChips = []evidence.Platform{evidence.QEMUSNP}, nil, nil, nil, nil
		d.Releases = d.Releases[:1]
		d.Releases[0].References = []policy.Reference{{Platform: evidence.QEMUSNP, LaunchDigests: []measurement.Digest{sha384Of("x")}}}
	}
	newPolicy(t, bare)
	pcr15 := register("pcr15")
	runRefusals(t, []refusalTest{
		{"event log of a platform without", func(d *policy.Document) { bare(d); d.RequireEventLog = true }, []string{"requireEventLog"}},
		{"Secure Boot of a platform without", func(d *policy.Document) { bare(d); d.RequireSecureBoot = true }, []string{"requireSecureBoot"}},
		{"mark of a platform without", func(d *policy.Document) { bare(d); d.Releases[0].References[0].Mark = &pcr15 }, []string{"releases[0].references[0].mark"}},
		{
			"mark in the provider's TPM, where RTMRs decide",
			func(d *policy.Document) {
				d.Platforms[2] = evidence.GCPTDX
				for i := range d.Releases {
					d.Releases[i].References[2].Platform = evidence.GCPTDX
				}
				d.Releases[0].References[2].Mark = &pcr15
			},
			[]string{"releases[0].references[2].mark"},
		},
		{
			"denied chips where no platform tells one",
			func(d *policy.Document) {
				d.Platforms, d.SNP, d.TDX = d.Platforms[:1], nil, nil
				for i := range d.Releases {
					d.Releases[i].References = d.Releases[i].References[:1]
				}
			},
			[]string{"deniedChips"},
		},
	})
}

func TestNewRefusesReleases(t *testing.T) {
	pcr5, rtmr1 := register("pcr5"), register("rtmr1")
	runRefusals(t, []refusalTest{
		{
			"too many", func(d *policy.Document) { d.Releases = make([]policy.Release, policy.MaxReleases+1) },
			[]string{"platforms[0]", "platforms[1]", "platforms[2]", "releases", "registers.pcr6"},
		},
		{"name twice", func(d *policy.Document) { d.Releases[1].Name = "v1.2.0" }, []string{"releases[1]"}},
		{"no name", func(d *policy.Document) { d.Releases[0].Name = "" }, []string{"releases[0].name"}},
		{"name too long", func(d *policy.Document) { d.Releases[0].Name = strings.Repeat("v", 65) }, []string{"releases[0].name"}},
		{"name with a blank", func(d *policy.Document) { d.Releases[0].Name = "v1 beta" }, []string{"releases[0].name"}},
		{"name that looks like an option", func(d *policy.Document) { d.Releases[0].Name = "-v1" }, []string{"releases[0].name"}},
		{"profile that is not accepted", func(d *policy.Document) { d.Releases[0].Profile = "debug" }, []string{"releases[0].profile"}},
		{"manifest of another algorithm", func(d *policy.Document) { d.Releases[0].Manifest = sha384Of("m") }, []string{"releases[0].manifest"}},
		{"end of the window in another zone", func(d *policy.Document) { d.Releases[0].NotAfter = now.In(time.FixedZone("CET", 3600)) }, []string{"releases[0].notAfter"}},
		{"end of the window with a fraction", func(d *policy.Document) { d.Releases[0].NotAfter = now.Add(1) }, []string{"releases[0].notAfter"}},
		{"no references", func(d *policy.Document) { d.Releases[2].References = nil }, []string{"releases[2].references"}},
		{
			"too many references", func(d *policy.Document) { d.Releases[2].References = make([]policy.Reference, policy.MaxReferences+1) },
			[]string{"releases[2].references"},
		},
		{"reference twice", func(d *policy.Document) { r := &d.Releases[2]; r.References = append(r.References, r.References[0]) }, []string{"releases[2].references[3]"}},
		{"reference for an unknown platform", func(d *policy.Document) { d.Releases[2].References[0].Platform = "pdp-11" }, []string{"releases[2].references[0].platform"}},
		{
			"reference for a platform that is not accepted", func(d *policy.Document) { d.Releases[2].References[0].Platform = evidence.OpenStackVTPM },
			[]string{"releases[2].references[0].platform"},
		},
		{"long firmware", func(d *policy.Document) { d.Releases[0].References[0].Firmware = strings.Repeat("x", 1025) }, []string{"releases[0].references[0].firmware"}},
		{
			"hole in the boot", func(d *policy.Document) { delete(d.Releases[0].References[0].Registers, register("pcr12")) },
			[]string{"releases[0].references[0].registers"},
		},
		{
			"register of another bank",
			func(d *policy.Document) {
				d.Releases[0].References[0].Registers[rtmr1] = []policy.ReferenceValue{{Value: sha384Of("x")}}
			},
			[]string{"releases[0].references[0].registers.rtmr1"},
		},
		{
			"PCR where there is no TPM",
			func(d *policy.Document) {
				d.Releases[0].References[2].Registers[pcr5] = []policy.ReferenceValue{{Value: sha256Of("x")}}
			},
			[]string{"releases[0].references[2].registers.pcr5"},
		},
		{"register without value", func(d *policy.Document) { d.Releases[0].References[0].Registers[pcr5] = nil }, []string{"releases[0].references[0].registers.pcr5"}},
		{
			"register with too many values",
			func(d *policy.Document) {
				d.Releases[0].References[0].Registers[pcr5] = make([]policy.ReferenceValue, policy.MaxValues+1)
			},
			[]string{"releases[0].references[0].registers.pcr5"},
		},
		{
			"value twice",
			func(d *policy.Document) {
				v := policy.ReferenceValue{Value: sha256Of("x")}
				d.Releases[0].References[0].Registers[pcr5] = []policy.ReferenceValue{v, v}
			},
			[]string{"releases[0].references[0].registers.pcr5[1]"},
		},
		{
			"value of another algorithm",
			func(d *policy.Document) {
				d.Releases[0].References[0].Registers[pcr5] = []policy.ReferenceValue{{Value: sha384Of("x")}}
			},
			[]string{"releases[0].references[0].registers.pcr5[0].value"},
		},
		{
			"events that lead elsewhere", func(d *policy.Document) {
				d.Releases[0].References[0].Registers[register("pcr4")][0].Value = sha256Of("x")
			},
			[]string{"releases[0].references[0].registers.pcr4[0].events"},
		},
		{
			"too many events",
			func(d *policy.Document) {
				d.Releases[0].References[0].Registers[register("pcr4")][0].Events = make([]policy.ReferenceEvent, policy.MaxEvents+1)
			},
			[]string{"releases[0].references[0].registers.pcr4[0].events"},
		},
		{
			"event's texts",
			func(d *policy.Document) {
				e := &d.Releases[0].References[0].Registers[register("pcr4")][0].Events[1]
				e.Type, e.Description = "\xff", strings.Repeat("x", 1025)
			},
			[]string{
				"releases[0].references[0].registers.pcr4[0].events[1].type",
				"releases[0].references[0].registers.pcr4[0].events[1].description",
			},
		},
		{"no launch digest", func(d *policy.Document) { d.Releases[0].References[2].LaunchDigests = nil }, []string{"releases[0].references[2].launchDigests"}},
		{
			"no launch digest, and no key either", func(d *policy.Document) { d.Releases[0].References[1].LaunchDigests = nil },
			[]string{"releases[0].references[1].launchDigests"},
		},
		{
			"an SNP launch key does not stand in on TDX",
			func(d *policy.Document) { launchOwner(d); d.Releases[0].References[2].LaunchDigests = nil },
			[]string{"releases[0].references[2].launchDigests"},
		},
		{
			"launch digest of another algorithm", func(d *policy.Document) { d.Releases[0].References[2].LaunchDigests[0] = sha256Of("x") },
			[]string{"releases[0].references[2].launchDigests[0]"},
		},
		{
			"too many launch digests",
			func(d *policy.Document) {
				d.Releases[0].References[2].LaunchDigests = make([]measurement.Digest, policy.MaxValues+1)
			},
			[]string{"releases[0].references[2].launchDigests"},
		},
		{
			"launch digest where nothing is launched",
			func(d *policy.Document) {
				d.Releases[0].References[0].LaunchDigests = []measurement.Digest{sha384Of("x")}
			},
			[]string{"releases[0].references[0].launchDigests"},
		},
		{"no mark where there is a TPM", func(d *policy.Document) { d.Releases[0].References[1].Mark = nil }, []string{"releases[0].references[1].mark"}},
		{
			"a window of a withdrawn release", func(d *policy.Document) { d.Releases[2].NotAfter = now },
			[]string{"releases[2].notAfter"},
		},
		{
			"end of the window before all time", func(d *policy.Document) { d.Releases[0].NotAfter = now.AddDate(-3000, 0, 0) },
			[]string{"releases[0].notAfter"},
		},
		{
			"launch digest of zeros", func(d *policy.Document) {
				d.Releases[0].References[2].LaunchDigests[0] = measurement.DigestSHA384([48]byte{})
			},
			[]string{"releases[0].references[2].launchDigests[0]"},
		},
		{"mark in another register", func(d *policy.Document) { d.Releases[0].References[0].Mark = &pcr5 }, []string{"releases[0].references[0].mark"}},
		{
			"mark in a register of another bank", func(d *policy.Document) { d.Releases[0].References[0].Mark = d.Releases[0].References[2].Mark },
			[]string{"releases[0].references[0].mark"},
		},
		{
			"reference value for the mark",
			func(d *policy.Document) {
				d.Releases[0].References[0].Registers[register("pcr15")] = []policy.ReferenceValue{{Value: sha256Of("x")}}
			},
			[]string{"releases[0].references[0].mark"},
		},
	})
}

// What is allowed at the edge of a rule.
func TestNewAccepts(t *testing.T) {
	for name, change := range map[string]func(*policy.Document){
		"a rule that says what holds anyway": func(d *policy.Document) {
			d.Registers[register("pcr4")] = measurement.Enforce
		},
		"a launch key in place of the digest": func(d *policy.Document) {
			launchOwner(d)
			for i := range d.Releases {
				d.Releases[i].References[1].LaunchDigests = nil
			}
		},
		"Turin and its component": func(d *policy.Document) {
			d.SNP.ProductLines[0] = policy.ProductLinePolicy{Name: policy.Turin, TCB: policy.TCB{FMC: 1}}
		},
		"largest bounds": func(d *policy.Document) {
			d.Serial = 1<<53 - 1
			d.Description = strings.Repeat("x", 1024)
			d.Bounds = policy.Bounds{EvidenceBytes: evidence.MaxSize, Events: policy.MaxEvents}
			d.Freshness.MaxClockSkew = policy.Duration(24 * time.Hour)
			d.SNP.MaxVMPL = 3
			d.Releases[0].Name = strings.Repeat("v", 64)
		},
		"requirements that are empty on purpose": func(d *policy.Document) {
			d.SNP.Require, d.TDX.Require = []policy.Requirement{}, []policy.Requirement{}
		},
		"certificates without a list": func(d *policy.Document) { d.TPM = &policy.TPM{EKTrust: policy.EKCertificate} },
		"a withdrawn release of another profile": func(d *policy.Document) {
			d.Releases[2].Profile = "debug"
		},
		"another firmware of the same platform": func(d *policy.Document) {
			r := &d.Releases[0]
			r.References = append(r.References, r.References[0])
			r.References[3].Firmware = "OVMF 2025.05"
		},
	} {
		t.Run(name, func(t *testing.T) { newPolicy(t, change) })
	}
}

// A policy shares nothing with the document that it was made of.
func TestNewCopies(t *testing.T) {
	d := document()
	p, err := policy.New(d)
	if err != nil {
		t.Fatal(err)
	}
	hash := p.Hash()
	d.Platforms[0], d.SNP.ProductLines[0].TCB, d.TPM.AllowedEKs[0] = "pdp-11", policy.TCB{}, sha256Of("evil")
	for _, values := range d.Releases[0].References[0].Registers {
		values[0] = policy.ReferenceValue{}
	}
	copied, err := p.Document()
	if err != nil || slices.Contains(copied.Platforms, "pdp-11") {
		t.Errorf("Document = %v, %v", copied.Platforms, err)
	}
	copied.Releases[0].Name = "evil"
	if p.Hash() != hash || !policy.Appraise(tpmClaims(), p, now).Admitted || p.Serial() != 7 {
		t.Error("changing a document changed the policy")
	}
}
