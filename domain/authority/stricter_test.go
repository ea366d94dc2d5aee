package authority_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func bytesOf(b byte, n int) policy.Hex { return bytes.Repeat([]byte{b}, n) }

func register(name string) measurement.Register {
	r, err := measurement.ParseRegister(name)
	if err != nil {
		panic(err)
	}
	return r
}

func sha384Of(text string) measurement.Digest {
	return measurement.Sum(measurement.SHA384, []byte(text))
}

// wide is a statement that has something to say about everything, and narrow a
// policy that is exactly as strict.
func wide(s *owner.Statement) {
	s.TPM = tpm()
	s.SNP, s.TDX, s.DeniedChips = snp(), tdx(), []policy.Hex{bytesOf(0xde, 64), bytesOf(0xde, 16)}
	s.Releases[0].References = append(s.Releases[0].References, tdxReference())
	s.Releases[0].References[0].Registers[register("pcr7")] = []policy.ReferenceValue{{Value: sha256Of("a")}, {Value: sha256Of("b")}}
	s.Releases[0].NotAfter = until()
}

func narrow(d *policy.Document) {
	d.TPM = tpm()
	d.SNP, d.TDX, d.DeniedChips = snp(), tdx(), []policy.Hex{bytesOf(0xde, 64), bytesOf(0xde, 16)}
	d.Platforms = append(d.Platforms, evidence.QEMUTDX)
	d.Releases[0].References = append(d.Releases[0].References, tdxReference())
	d.Releases[0].References[0].Registers[register("pcr7")] = []policy.ReferenceValue{{Value: sha256Of("a")}, {Value: sha256Of("b")}}
	d.Releases[0].NotAfter = until()
}

func until() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }

func tpm() *policy.TPM {
	return &policy.TPM{
		EKTrust: policy.EKCertificate, AllowedEKs: []measurement.Digest{sha256Of("ek 1"), sha256Of("ek 2")}, DeniedEKs: []measurement.Digest{sha256Of("stolen")},
	}
}

func snp() *policy.SNP {
	return &policy.SNP{
		ProductLines: []policy.ProductLinePolicy{
			{
				Name: policy.Genoa, TCB: policy.TCB{BootLoader: 10, SNP: 23, Microcode: 84},
				Grace: &policy.Grace{Until: until(), TCB: policy.TCB{BootLoader: 9, SNP: 22, Microcode: 84}},
			},
			{Name: policy.Milan, TCB: policy.TCB{SNP: 20}, Chips: []policy.Hex{bytesOf(1, 64), bytesOf(2, 64)}},
		},
		Require: []policy.Requirement{policy.AliasCheck, policy.NoMigration}, MaxVMPL: 1, AllowVLEK: true,
		IDKeys: []measurement.Digest{sha384Of("id 1"), sha384Of("id 2")}, AuthorKeys: []measurement.Digest{sha384Of("author")},
		HostData: []policy.Hex{bytesOf(3, 32)},
	}
}

func tdx() *policy.TDX {
	return &policy.TDX{
		TCBStatus:  []policy.TCBStatus{policy.UpToDate, policy.SWHardeningNeeded},
		Grace:      &policy.StatusGrace{Until: until(), TCBStatus: []policy.TCBStatus{policy.OutOfDate}},
		Advisories: []string{"INTEL-SA-00960"}, Require: []policy.Requirement{policy.SEPTVEDisable}, EvaluationDataNumber: 17,
		TEETCBSVN: bytesOf(3, 16), FMSPCs: []policy.Hex{bytesOf(4, 6)}, Chips: []policy.Hex{bytesOf(5, 16)},
		MRConfigIDs: []measurement.Digest{sha384Of("config")}, MROwners: []measurement.Digest{sha384Of("owner")},
	}
}

func tdxReference() policy.Reference {
	mark := register("rtmr3")
	ref := policy.Reference{
		Platform: evidence.QEMUTDX, Mark: &mark, LaunchDigests: []measurement.Digest{sha384Of("one"), sha384Of("two")},
		Registers: map[measurement.Register][]policy.ReferenceValue{},
	}
	for _, name := range []string{"rtmr0", "rtmr1", "rtmr2"} {
		ref.Registers[register(name)] = []policy.ReferenceValue{{Value: sha384Of(name)}}
	}
	return ref
}

// Each change makes the policy accept something more.
func looser() map[string]func(*policy.Document) {
	type document = *policy.Document
	return map[string]func(*policy.Document){
		"releases[0].references[0]: name": func(d document) { d.Releases[0].Manifest = sha256Of("other") },
		"releases[0].references[0]: profile": func(d document) {
			d.Releases[0].Profile, d.Profiles = "debug", []string{"debug"}
		},
		"releases[0].references[0]: window":      func(d document) { d.Releases[0].NotAfter = until().Add(time.Second) },
		"releases[0].references[0]: no window":   func(d document) { d.Releases[0].NotAfter = time.Time{} },
		"releases[0].references[1]: value":       func(d document) { setRegister(d, "pcr11", sha256Of("other")) },
		"releases[0].references[1]: more values": func(d document) { setRegister(d, "pcr7", sha256Of("a"), sha256Of("b"), sha256Of("c")) },
		"releases[0].references[1]: no value":    func(d document) { delete(d.Releases[0].References[0].Registers, register("pcr7")) },
		"releases[0].references[3]: mark":        func(d document) { d.Releases[0].References[3].Mark = nil },
		"releases[0].references[3]: launch digest": func(d document) {
			d.Releases[0].References[3].LaunchDigests = append(d.Releases[0].References[3].LaunchDigests, sha384Of("three"))
		},
		"releases[1].references[0]: release": func(d document) {
			more := d.Releases[0]
			more.Name, more.Manifest, more.References = "v0.9.0", sha256Of("v0.9.0"), more.References[:1]
			d.Releases = append(d.Releases, more)
		},
		"registers.pcr7: rule": func(d document) {
			d.Registers = map[measurement.Register]measurement.Rule{register("pcr7"): measurement.Warn}
		},
		"tpm.allowedEKs: key":                   func(d document) { d.TPM.AllowedEKs = append(d.TPM.AllowedEKs, sha256Of("ek 3")) },
		"tpm.deniedEKs: key":                    func(d document) { d.TPM.DeniedEKs = nil },
		"snp.productLines[2]: line":             func(d document) { d.SNP.ProductLines = append(d.SNP.ProductLines, turin()) },
		"snp.productLines[0].minimumTCB: floor": func(d document) { d.SNP.ProductLines[0].TCB.SNP-- },
		"snp.productLines[0].grace: floor":      func(d document) { d.SNP.ProductLines[0].Grace.TCB.BootLoader-- },
		"snp.productLines[0].grace: end":        func(d document) { d.SNP.ProductLines[0].Grace.Until = until().Add(time.Second) },
		"snp.productLines[1].grace: grace": func(d document) {
			d.SNP.ProductLines[1].Grace = &policy.Grace{Until: until(), TCB: policy.TCB{SNP: 19}}
		},
		"snp.productLines[1].chips: chip":            func(d document) { d.SNP.ProductLines[1].Chips[1] = bytesOf(9, 64) },
		"snp.require: requirement":                   func(d document) { d.SNP.Require = []policy.Requirement{policy.AliasCheck, policy.NoSMT} },
		"snp.maxVMPL: level":                         func(d document) { d.SNP.MaxVMPL = 2 },
		"snp.idKeyDigests: none":                     func(d document) { d.SNP.IDKeys = nil },
		"snp.authorKeyDigests: key":                  func(d document) { d.SNP.AuthorKeys = append(d.SNP.AuthorKeys, sha384Of("another")) },
		"snp.hostData: none":                         func(d document) { d.SNP.HostData = nil },
		"tdx.tcbStatus: status":                      func(d document) { d.TDX.TCBStatus = append(d.TDX.TCBStatus, policy.ConfigurationNeeded) },
		"tdx.grace: end":                             func(d document) { d.TDX.Grace.Until = until().Add(time.Second) },
		"tdx.grace: status":                          func(d document) { d.TDX.Grace.TCBStatus[0] = policy.ConfigurationNeeded },
		"tdx.acceptedAdvisories: advisory":           func(d document) { d.TDX.Advisories[0] = "INTEL-SA-00001" },
		"tdx.require: requirement":                   func(d document) { d.TDX.Require = []policy.Requirement{} },
		"tdx.minimumTCBEvaluationDataNumber: number": func(d document) { d.TDX.EvaluationDataNumber-- },
		"tdx.minimumTEETCBSVN: byte":                 func(d document) { d.TDX.TEETCBSVN[15]-- },
		"tdx.minimumTEETCBSVN: none":                 func(d document) { d.TDX.TEETCBSVN = nil },
		"tdx.fmspcs: none":                           func(d document) { d.TDX.FMSPCs = nil },
		"tdx.chips: chip":                            func(d document) { d.TDX.Chips[0] = bytesOf(6, 16) },
		"tdx.mrConfigIDs: none":                      func(d document) { d.TDX.MRConfigIDs = nil },
		"tdx.mrOwners: another":                      func(d document) { d.TDX.MROwners[0] = sha384Of("another") },
		"deniedChips: chip":                          func(d document) { d.DeniedChips = d.DeniedChips[:1] },
	}
}

func turin() policy.ProductLinePolicy {
	return policy.ProductLinePolicy{Name: policy.Turin, TCB: policy.TCB{SNP: 1}}
}

func setRegister(d *policy.Document, name string, values ...measurement.Digest) {
	var list []policy.ReferenceValue
	for _, v := range values {
		list = append(list, policy.ReferenceValue{Value: v})
	}
	d.Releases[0].References[0].Registers[register(name)] = list
}

func TestThreat30PoliciesAreOnlyStricterThanTheStatement(t *testing.T) {
	author := newAuthor(t)
	a := apply(t, author.Begin(), author.Statement(wide))
	apply(t, a, author.Fork().Policy(narrow))
	for name, change := range looser() {
		_, err := a.Apply(author.Fork().Policy(narrow, change))
		path, _, _ := strings.Cut(name, ": ")
		if reasonOf(err) != authority.BadDocument || !strings.Contains(err.Error(), path+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each change makes the policy accept less, or no more.
func TestStricterPoliciesAreAccepted(t *testing.T) {
	type document = *policy.Document
	author := newAuthor(t)
	a := apply(t, author.Begin(), author.Statement(wide))
	for name, change := range map[string]func(*policy.Document){
		"an earlier end":   func(d document) { d.Releases[0].NotAfter = until().Add(-time.Hour) },
		"one value of two": func(d document) { setRegister(d, "pcr7", sha256Of("b")) },
		"another register": func(d document) { setRegister(d, "pcr5", sha256Of("more")) },
		"one launch digest of two": func(d document) {
			d.Releases[0].References[3].LaunchDigests = d.Releases[0].References[3].LaunchDigests[:1]
		},
		"another name of a release": func(d document) { d.Releases[0].Name = "one" },
		"a withdrawn release of which the statement knows nothing": func(d document) {
			more := d.Releases[0]
			more.Name, more.Manifest, more.Withdrawn, more.NotAfter = "v0.9.0", sha256Of("v0.9.0"), true, time.Time{}
			d.Releases = append(d.Releases, more)
		},
		"fewer platforms": func(d document) {
			d.Platforms, d.Releases[0].References, d.TPM = d.Platforms[1:], d.Releases[0].References[1:], nil
		},
		"listed keys only": func(d document) {
			d.TPM = &policy.TPM{EKTrust: policy.EKAllowList, AllowedEKs: d.TPM.AllowedEKs[:1]}
		},
		"a higher floor":     func(d document) { d.SNP.ProductLines[0].TCB.SNP++ },
		"no grace":           func(d document) { d.SNP.ProductLines[0].Grace, d.TDX.Grace = nil, nil },
		"a shorter grace":    func(d document) { d.SNP.ProductLines[0].Grace.Until = until().Add(-time.Hour) },
		"one line of two":    func(d document) { d.SNP.ProductLines = d.SNP.ProductLines[:1] },
		"one chip of two":    func(d document) { d.SNP.ProductLines[1].Chips = d.SNP.ProductLines[1].Chips[:1] },
		"more requirements":  func(d document) { d.SNP.Require = append(d.SNP.Require, policy.NoSMT) },
		"no VLEK":            func(d document) { d.SNP.AllowVLEK, d.SNP.MaxVMPL = false, 0 },
		"fewer statuses":     func(d document) { d.TDX.TCBStatus, d.TDX.Advisories = d.TDX.TCBStatus[:1], nil },
		"a higher number":    func(d document) { d.TDX.EvaluationDataNumber++ },
		"a higher byte":      func(d document) { d.TDX.TEETCBSVN[0]++ },
		"more denied":        func(d document) { d.DeniedChips = append(d.DeniedChips, bytesOf(0xdf, 16)) },
		"more that are kept": func(d document) { d.RequireEventLog = false; d.Freshness.MaxAge = policy.Duration(time.Hour) },
	} {
		if _, err := a.Apply(author.Fork().Policy(narrow, change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatementsThatSayLessThanThePolicy(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*owner.Statement)
		path   string
	}{
		"listed keys only": {func(s *owner.Statement) { s.TPM.EKTrust = policy.EKAllowList }, "tpm.ekTrust"},
		"no VLEK":          {func(s *owner.Statement) { s.SNP.AllowVLEK = false }, "snp.allowVLEK"},
		"no section of TDX": {func(s *owner.Statement) {
			s.TDX, s.DeniedChips, s.Releases[0].References = nil, s.DeniedChips[:1], s.Releases[0].References[:3]
		}, "tdx"},
	} {
		author := newAuthor(t)
		a := apply(t, author.Begin(), author.Statement(wide, tt.change))
		if _, err := a.Apply(author.Policy(narrow)); reasonOf(err) != authority.BadDocument || !strings.Contains(err.Error(), tt.path+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
