package policy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// What findings say to people and programs is golden: texts, expected and seen
// values, remedies.
func TestFindingsAreGolden(t *testing.T) {
	var got bytes.Buffer
	for _, c := range goldenCases() {
		v := c.session.Appraise(c.claims, newPolicy(t, c.policy), now)
		data, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString("== " + c.name + "\n")
		got.Write(append(data, '\n'))
	}
	golden := filepath.Join("testdata", "findings.golden.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("findings changed; run with -update and look at the difference")
	}
}

type goldenCase struct {
	name    string
	claims  *policy.Claims
	policy  func(*policy.Document)
	session policy.Session
}

func goldenCases() []goldenCase {
	var data evidence.ReportData
	return []goldenCase{
		{"a TPM in every way wrong", wrongTPM(), func(d *policy.Document) { d.RequireSecureBoot = true }, policy.Session{}.Expecting(data).Unmarked()},
		{
			"a TPM without a mark, certificates trusted, Secure Boot off", unmarkedTPM(),
			func(d *policy.Document) { d.RequireSecureBoot, d.RequireEventLog = true, true; trustCertificates(d) },
			policy.Session{}.MarkedFor(ids(1, 1)),
		},
		{"an SNP guest in every way wrong", wrongSNP(), everyRequirement, policy.Session{}},
		{"a product line that is not accepted", otherLine(), func(*policy.Document) {}, policy.Session{}},
		{"a TDX guest in every way wrong", wrongTDX(), everyRequirement, policy.Session{}},
		{"a TDX guest that is out of date, in the grace period", outOfDate(), func(*policy.Document) {}, policy.Session{}},
		{"a TPM of which nothing shows that its keys belong together", unprovenTPM(), func(*policy.Document) {}, policy.Session{}},
		{"the same, explained from a file", unprovenTPM(), func(*policy.Document) {}, policy.Session{}.Offline()},
		{"a platform that is not accepted", &policy.Claims{Platform: evidence.TPM}, func(*policy.Document) {}, policy.Session{}},
	}
}

func wrongTPM() *policy.Claims {
	c := tpmClaims()
	follow(c, bootLog("evil", pcrNames()...))
	cluster, owner := ids(2, 2)
	mark(c, "pcr15", cluster, owner)
	c.Locality = 3
	c.TPM.EK = sha256Of("stolen")
	c.EvidenceSize = evidence.MaxSize + 1
	c.Endorsements[0].Expires = now.Add(-1)
	c.Endorsements[1].Issued = now.AddDate(-1, 0, 0)
	c.Endorsements[2].Issued = now.AddDate(1, 0, 0)
	return c
}

func unmarkedTPM() *policy.Claims {
	c := tpmClaims()
	c.Events, c.SecureBoot, c.TPM.EK = nil, new(bool), sha256Of("new")
	return c
}

func unprovenTPM() *policy.Claims {
	c := tpmClaims()
	c.TPM.AKProof = ""
	return c
}

func wrongSNP() *policy.Claims {
	c := snpClaims()
	follow(c, bootLog("v1.0.0", pcrNames()...))
	c.Endorsements = nil
	*c.SNP = policy.SNPClaims{
		Measurement: sha384Of("evil"), ProductLine: policy.Genoa, ReportedTCB: policy.TCB{BootLoader: 9, SNP: 21, Microcode: 72}, VMPL: 2,
		ChipID: bytesOf(0xde, 64), VLEK: true, Debug: true, MigrationAgent: true, SMT: true, HostData: bytesOf(1, 32),
	}
	return c
}

func otherLine() *policy.Claims {
	c := snpClaims()
	c.SNP.ProductLine = policy.Turin
	return c
}

func wrongTDX() *policy.Claims {
	c := tdxClaims()
	c.Registers, c.Events = measurement.Registers{}, nil
	*c.TDX = policy.TDXClaims{
		MRTD: sha384Of("v1.1.0"), FMSPC: bytesOf(1, 6), PPID: bytesOf(0xde, 16), TEETCBSVN: bytesOf(0, 16), TCBStatus: policy.OutOfDate,
		Advisories: []string{"INTEL-SA-01036"}, Debug: true, Migratable: true,
	}
	return c
}

func outOfDate() *policy.Claims {
	c := tdxClaims()
	c.TDX.TCBStatus, c.TDX.Advisories = policy.OutOfDate, []string{"INTEL-SA-01036"}
	return c
}

func everyRequirement(d *policy.Document) {
	launchOwner(d)
	tdxOwner(d)
	d.SNP.Require = []policy.Requirement{policy.AliasCheck, policy.CiphertextHiding, policy.NoMigration, policy.NoSMT, policy.RAPLDisabled}
	d.TDX.Require = []policy.Requirement{policy.NoMigration, policy.SEPTVEDisable}
	d.TDX.Chips = []policy.Hex{bytesOf(8, 16)}
	d.TDX.Grace = nil
}
