package policyfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// TestRefused holds what is said of each bad file against the text beside it.
func TestRefused(t *testing.T) {
	for _, name := range filesIn(t, "testdata/refused") {
		if strings.HasSuffix(name, ".want") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata/refused", name)
			p, err := policyfile.ParsePolicy(name, readFile(t, path))
			if p != nil {
				t.Error("a policy came with the error")
			}
			var invalid *policyfile.Error
			if !errors.As(err, &invalid) || len(invalid.Problems) == 0 {
				t.Fatalf("error is %v, want an *Error with problems", err)
			}
			checkGolden(t, path+".want", err.Error()+"\n")
		})
	}
}

func TestAccepted(t *testing.T) {
	for _, name := range filesIn(t, "testdata/accepted") {
		t.Run(name, func(t *testing.T) {
			if _, err := policyfile.ParsePolicy(name, readFile(t, filepath.Join("testdata/accepted", name))); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNotations makes sure that JSON and YAML are two notations of one policy.
func TestNotations(t *testing.T) {
	var hashes [][32]byte
	for _, name := range []string{"plain.yaml", "plain.json", "no-extension"} {
		p, err := policyfile.ParsePolicy(name, readFile(t, filepath.Join("testdata/accepted", name)))
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, p.Hash())
	}
	if hashes[0] != hashes[1] || hashes[1] != hashes[2] {
		t.Errorf("hashes differ: %x", hashes)
	}
}

// TestTextAsWritten reads what YAML has other ideas about.
func TestTextAsWritten(t *testing.T) {
	p, err := policyfile.ParsePolicy("p.yaml", readFile(t, "testdata/accepted/implicit-types.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Document()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{d.Description, d.Releases[0].Name, d.Releases[0].Profile}
	for _, v := range d.Releases[0].References[0].Registers[register("pcr11")] {
		got = append(got, v.Value.String())
	}
	want := []string{"no", "1.10", "2026-01-31", strings.Repeat("0", 64), strings.Repeat("1", 64), strings.Repeat("1e10", 16)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
}

func TestSizes(t *testing.T) {
	cases := map[string]struct {
		parse func() error
		want  string
	}{
		"policy": {
			func() error {
				_, err := policyfile.ParsePolicy("p", make([]byte, policy.MaxSize+1))
				return err
			}, "p: is too large: more than 16777216 bytes",
		},
		"claims": {
			func() error {
				_, err := policyfile.ParseClaims("c", make([]byte, policyfile.MaxClaimsSize+1))
				return err
			}, "c: is too large: more than 4194304 bytes",
		},
		"parts of YAML": {
			func() error {
				_, err := policyfile.ParsePolicy("p.yaml", []byte("["+strings.Repeat("a,", 1<<20)+"]"))
				return err
			}, "p.yaml: has too many parts, at most 1048576",
		},
		"parts of JSON": {
			func() error {
				_, err := policyfile.ParsePolicy("p.json", []byte("["+strings.Repeat("1,", 1<<20)+"1]"))
				return err
			}, "p.json:1:2097152: is nested deeper than 32 levels, or has more than 1048576 parts",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := c.parse(); err == nil || err.Error() != c.want {
				t.Errorf("error is %v, want %s", err, c.want)
			}
		})
	}
}

// TestManyProblems bounds what is told.
func TestManyProblems(t *testing.T) {
	data := "version: asterism/policy/v1\nserial: 1\nprofiles: [a]\nreleases: []\nplatforms: [" + strings.Repeat("[], ", 1200) + "]\n"
	_, err := policyfile.ParsePolicy("p.yaml", []byte(data))
	var invalid *policyfile.Error
	if !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	if len(invalid.Problems) != 1000 || invalid.Dropped != 200 {
		t.Errorf("%d problems, %d dropped, want 1000 and 200", len(invalid.Problems), invalid.Dropped)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 51 || lines[50] != "and 1150 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestClaimsRefused(t *testing.T) {
	cases := map[string]struct{ data, want string }{
		"no platform":          {`{}`, `c.json:1:1: platform: is missing, want text`},
		"wrong bank":           {`{"platform":"tpm","registers":{"pcr4":"` + strings.Repeat("0", 96) + `"}}`, `c.json:1:39: registers.pcr4: not a digest: PCR 4 takes sha256, not sha384`},
		"unknown register":     {`{"platform":"tpm","registers":{"pcr99":"00"}}`, `c.json:1:32: registers.pcr99: not a register: "pcr99", want pcr0 to pcr23 or rtmr0 to rtmr3`},
		"locality of 9 bits":   {`{"platform":"tpm","startupLocality":256}`, `c.json:1:37: startupLocality: is out of range, want a whole number in decimal digits from 0 to 255`},
		"register as a list":   {`{"platform":"tpm","registers":[]}`, `c.json:1:19: registers: is a list, want a mapping`},
		"unknown proof":        {`{"platform":"tpm","tpm":{"ekCertified":false,"akProof":"promised","resetCount":1,"restartCount":0}}`, `c.json:1:56: tpm.akProof: not a proof of an attestation key: "promised", want activated or certified`},
		"empty proof":          {`{"platform":"tpm","tpm":{"ekCertified":false,"akProof":"","resetCount":1,"restartCount":0}}`, `c.json:1:56: tpm.akProof: not a proof of an attestation key: "", want activated or certified`},
		"digest of a register": {`{"platform":"tpm","registers":{"pcr4":"00"}}`, `c.json:1:39: registers.pcr4: not a digest: 2 hexadecimal digits, want 64 (SHA-256) or 96 (SHA-384)`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			claims, err := policyfile.ParseClaims("c.json", []byte(c.data))
			if claims != nil || err == nil || err.Error() != c.want {
				t.Errorf("got %v, %v\nwant %s", claims, err, c.want)
			}
		})
	}
}

func filesIn(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatalf("%s is empty", folder)
	}
	return names
}

// checkGolden holds text against a golden file, or rewrites it.
func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		writeFile(t, path, []byte(got))
	}
	if diff := cmp.Diff(string(readFile(t, path)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
