package policyfile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

var update = flag.Bool("update", false, "rewrite golden files and the examples")

const examples = "../../docs/examples"

// exampleTime lies within the grace periods of the example, and before the end
// of its oldest release.
func exampleTime() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }

// TestExampleFiles holds the committed examples against what makes them.
func TestExampleFiles(t *testing.T) {
	checkFile(t, "policy.yaml", renderPolicy(t, "policy.yaml.tmpl"))
	checkFile(t, "policy-minimal.yaml", renderPolicy(t, "policy-minimal.yaml.tmpl"))
	for name, claims := range exampleClaims() {
		data, err := json.MarshalIndent(claims, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		checkFile(t, name, append(data, '\n'))
	}
}

// TestExampleVerdicts holds each example against the policy.
func TestExampleVerdicts(t *testing.T) {
	cases := map[string][]string{
		"claims-admitted.json": nil,
		"claims-refused.json": {
			"refuse EVENT_LOG_UNREPLAYABLE PCR 11", "refuse PCR_MISMATCH PCR 4", "refuse PCR_MISMATCH PCR 9",
			"refuse PCR_MISMATCH PCR 12", "refuse EK_NOT_TRUSTED endorsement key", "refuse ENDORSEMENT_EXPIRED EK issuer CRL",
			"refuse ENDORSEMENT_STALE EK issuer CRL", "warn PCR_MISMATCH PCR 0",
		},
		"claims-snp-refused.json": {
			"refuse DEBUG_ALLOWED guest", "refuse CHIP_NOT_ALLOWED chip", "refuse REQUIREMENT_NOT_MET no-migration",
			"refuse VLEK_NOT_ACCEPTED signing key", "warn TCB_BELOW_FLOOR reported TCB", "warn TCB_BELOW_FLOOR launch TCB",
		},
		"claims-unproven.json": {"warn AK_NOT_PROVEN attestation key"},
	}
	p := parseExample(t, "policy.yaml")
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			claims, err := policyfile.ParseClaims(name, readFile(t, filepath.Join(examples, name)))
			if err != nil {
				t.Fatal(err)
			}
			verdict := policy.Session{}.Offline().Appraise(claims, p, exampleTime())
			var got []string
			for _, f := range verdict.Findings {
				got = append(got, string(f.Severity)+" "+string(f.Code)+" "+f.Subject)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if refused := strings.Contains(name, "refused"); verdict.Admitted == refused {
				t.Errorf("admitted is %v", verdict.Admitted)
			}
		})
	}
}

// TestExampleDivergence makes sure that the example shows what it is there for.
func TestExampleDivergence(t *testing.T) {
	claims := exampleClaims()["claims-refused.json"]
	verdict := policy.Appraise(claims, parseExample(t, "policy.yaml"), exampleTime())
	bySubject := map[string]policy.Finding{}
	for _, f := range verdict.Findings {
		bySubject[f.Subject] = f
	}
	if d := bySubject["PCR 4"].Divergence; d == nil || d.Position != 2 {
		t.Errorf("PCR 4 diverges at %+v, want at event 2", d)
	}
	if got := bySubject["PCR 9"].ExplainedBy; !slices.Equal(got, []string{"v1.3.2 (OVMF 2025.02)"}) {
		t.Errorf("PCR 9 is explained by %v", got)
	}
}

// TestMinimalExample is what docs/policy.md begins with.
func TestMinimalExample(t *testing.T) {
	p := parseExample(t, "policy-minimal.yaml")
	claims := exampleClaims()["claims-admitted.json"]
	if v := policy.Appraise(claims, p, exampleTime()); !v.Admitted {
		t.Errorf("refused: %+v", v.Findings)
	}
}

func exampleClaims() map[string]*policy.Claims {
	return map[string]*policy.Claims{
		"claims-admitted.json":    admittedClaims(),
		"claims-refused.json":     refusedClaims(),
		"claims-snp-refused.json": refusedSNPClaims(),
		"claims-unproven.json":    unprovenClaims(),
	}
}

// unprovenClaims is of the machine that is admitted, from evidence that nobody
// challenged it for.
func unprovenClaims() *policy.Claims {
	c := admittedClaims()
	c.TPM.AKProof = ""
	return c
}

func admittedClaims() *policy.Claims {
	b := boot{"v1.4.0", evidence.QEMUVTPM}
	secureBoot := true
	reportData := digest(measurement.SHA256, "report data")
	return &policy.Claims{
		Platform: b.platform, ReportData: reportData.Bytes(), Registers: b.registers(), Events: b.log(),
		SecureBoot: &secureBoot, EvidenceSize: 24310,
		TPM: &policy.TPMClaims{EK: endorsementKey(1), AKProof: policy.AKActivated, ResetCount: 12},
		Endorsements: []policy.EndorsementClaims{{
			Kind: policy.RevocationList, Subject: "EK issuer CRL",
			Issued: exampleTime().AddDate(0, 0, -10), Expires: exampleTime().AddDate(0, 0, 20),
		}},
	}
}

// refusedClaims is of a machine on which somebody rebuilt the image, kept the old
// initial ramdisk and passed a parameter to the kernel. The log of PCR 11 lacks
// its end, and the machine is none of the owner's.
func refusedClaims() *policy.Claims {
	c := admittedClaims()
	old := boot{"v1.3.2", evidence.QEMUVTPM}.log()
	for i := range c.Events {
		switch e := &c.Events[i]; {
		case e.Description == "asterism-v1.4.0.efi":
			e.Digest, e.Description = digest(measurement.SHA256, "rebuilt"), "asterism-v1.4.0-rebuilt.efi"
		case e.Register == register("pcr9"):
			*e = old[len(old)-1]
		case e.Description == "firmware version":
			e.Digest = digest(measurement.SHA256, "newer firmware")
		}
	}
	c.Events = append(c.Events, measurement.Event{
		Register: register("pcr12"), Digest: digest(measurement.SHA256, "parameter"),
		Type: "EV_IPL", Description: "kernel parameters: console=ttyS0 init=/bin/sh",
	})
	c.Registers = measurement.Replay(0, c.Events)
	for _, name := range []string{"pcr8", "pcr13", "pcr14"} {
		setRegister(&c.Registers, register(name), register(name).PowerOn())
	}
	c.Events = slices.DeleteFunc(c.Events, func(e measurement.Event) bool { return e.Description == "section .initrd" })
	secureBoot := false
	c.SecureBoot, c.TPM.EK = &secureBoot, endorsementKey(7)
	c.Endorsements[0].Issued, c.Endorsements[0].Expires = exampleTime().AddDate(0, -3, 0), exampleTime().AddDate(0, -2, 0)
	return c
}

func refusedSNPClaims() *policy.Claims {
	b := boot{"v1.4.0", evidence.AzureSNP}
	reportData := digest(measurement.SHA256, "report data")
	floor := policy.TCB{BootLoader: 4, SNP: 24, Microcode: 219}
	old := policy.TCB{BootLoader: 4, SNP: 22, Microcode: 215}
	return &policy.Claims{
		Platform: b.platform, ReportData: reportData.Bytes(), Registers: b.registers(), Events: b.log(), EvidenceSize: 41200,
		TPM: &policy.TPMClaims{ResetCount: 3},
		SNP: &policy.SNPClaims{
			Measurement: b.launch(), ProductLine: policy.Milan,
			ReportedTCB: old, CommittedTCB: floor, LaunchTCB: old,
			ChipID: chip(5), VLEK: true, Debug: true, MigrationAgent: true, SMT: true,
		},
		Endorsements: []policy.EndorsementClaims{
			{
				Kind: policy.Certificate, Subject: "VLEK",
				Issued: exampleTime().AddDate(0, -6, 0), Expires: exampleTime().AddDate(0, 6, 0),
			},
			{
				Kind: policy.RevocationList, Subject: "AMD Milan CRL",
				Issued: exampleTime().AddDate(0, 0, -3), Expires: exampleTime().AddDate(0, 2, 0),
			},
		},
	}
}

func renderPolicy(t *testing.T, name string) []byte {
	t.Helper()
	functions := template.FuncMap{
		"registers": func(release, platform string) string {
			return boot{release, evidence.Platform(platform)}.registersYAML(true)
		},
		"values": func(release, platform string) string {
			return boot{release, evidence.Platform(platform)}.registersYAML(false)
		},
		"launch": func(release, platform string) string {
			return boot{release, evidence.Platform(platform)}.launch().String()
		},
		"sha256": func(seed string) string { return digest(measurement.SHA256, seed).String() },
		"chip":   func(n int) string { return chip(n).String() },
	}
	parsed, err := template.New(name).Funcs(functions).ParseFiles(filepath.Join("testdata/examples", name))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// checkFile holds an example against what it should be, or rewrites it.
func checkFile(t *testing.T, name string, want []byte) {
	t.Helper()
	path := filepath.Join(examples, name)
	if *update {
		writeFile(t, path, want)
	}
	if diff := cmp.Diff(string(want), string(readFile(t, path))); diff != "" {
		t.Errorf("%s is not what makes it; run go test with -update (-want +got):\n%s", name, diff)
	}
}

func parseExample(t *testing.T, name string) *policy.Policy {
	t.Helper()
	p, err := policyfile.ParsePolicy(name, readFile(t, filepath.Join(examples, name)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
