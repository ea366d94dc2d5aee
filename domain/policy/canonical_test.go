package policy_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

var update = flag.Bool("update", false, "write golden files anew")

// The canonical form is what owners sign: it must not change by accident.
func TestCanonicalJSONIsGolden(t *testing.T) {
	d := document()
	d.Description = "quote \" slash / backslash \\ tab \t bell \a less < amp & line\u2028 separator é"
	p, err := policy.New(d)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "canonical.golden.json")
	if *update {
		if err := os.WriteFile(golden, p.JSON(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.JSON(), want) {
		t.Errorf("the canonical form changed; run with -update and look at the difference")
	}
	if p.Hash() != sha256.Sum256(want) {
		t.Error("the hash is not SHA-256 of the canonical form")
	}
}

// RFC 8785: sorted keys, no white space, the shortest escapes, everything else
// as it is.
func TestCanonicalJSONEscapes(t *testing.T) {
	p := newPolicy(t, func(d *policy.Document) { d.Description = "\"\\/\b\f\n\r\t\x01\x1f<&>\u2028é\U0001F512\x7f" })
	want := `"description":"\"\\/\b\f\n\r\t\u0001\u001f<&>` + "\u2028é\U0001F512\x7f" + `","freshness"`
	if !strings.Contains(string(p.JSON()), want) {
		t.Errorf("%s is not in %s", want, p.JSON()[:400])
	}
	if !json.Valid(p.JSON()) || bytes.ContainsAny(p.JSON(), "\n\t") {
		t.Error("the canonical form is not compact JSON")
	}
}

// The order of what is a set does not matter; that of releases does.
func TestCanonicalJSONSortsSets(t *testing.T) {
	many := func() policy.Document {
		d := document()
		launchOwner(&d)
		tdxOwner(&d)
		d.Profiles = append(d.Profiles, "debug", "process")
		d.TPM.AllowedEKs = append(d.TPM.AllowedEKs, sha256Of("a"), sha256Of("b"))
		d.TPM.DeniedEKs = append(d.TPM.DeniedEKs, sha256Of("c"), sha256Of("d"))
		d.SNP.HostData = append(d.SNP.HostData, bytesOf(8, 32))
		d.SNP.IDKeys = append(d.SNP.IDKeys, sha384Of("e"))
		d.SNP.AuthorKeys = append(d.SNP.AuthorKeys, sha384Of("f"))
		d.SNP.ProductLines[1].Chips = append(d.SNP.ProductLines[1].Chips, bytesOf(2, 64))
		d.TDX.Advisories = append(d.TDX.Advisories, "INTEL-SA-01036")
		d.TDX.Require = append(d.TDX.Require, policy.NoMigration)
		d.TDX.Grace.TCBStatus = append(d.TDX.Grace.TCBStatus, policy.ConfigurationNeeded)
		d.TDX.FMSPCs = append(d.TDX.FMSPCs, bytesOf(5, 6))
		d.TDX.Chips = []policy.Hex{bytesOf(1, 16), bytesOf(2, 16)}
		d.TDX.MRConfigIDs = append(d.TDX.MRConfigIDs, sha384Of("g"))
		d.TDX.MROwners = append(d.TDX.MROwners, sha384Of("h"))
		ref := &d.Releases[0].References[2]
		ref.LaunchDigests = append(ref.LaunchDigests, sha384Of("i"))
		rtmr0 := register("rtmr0")
		ref.Registers[rtmr0] = append(ref.Registers[rtmr0], policy.ReferenceValue{Value: sha384Of("j")})
		return d
	}
	a, b := many(), many()
	reverse(&b)
	p, err := policy.New(a)
	if err != nil {
		t.Fatal(err)
	}
	q, err := policy.New(b)
	if err != nil || p.Hash() != q.Hash() {
		t.Fatalf("the order of sets changes the hash, or %v", err)
	}
	slices.Reverse(b.Releases)
	if r, err := policy.New(b); err != nil || p.Hash() == r.Hash() {
		t.Fatalf("the order of releases does not change the hash, or %v", err)
	}
}

// reverse turns every set of the document around.
func reverse(d *policy.Document) {
	slices.Reverse(d.Platforms)
	slices.Reverse(d.Profiles)
	slices.Reverse(d.DeniedChips)
	slices.Reverse(d.TPM.AllowedEKs)
	slices.Reverse(d.TPM.DeniedEKs)
	slices.Reverse(d.SNP.ProductLines)
	slices.Reverse(d.SNP.Require)
	slices.Reverse(d.SNP.IDKeys)
	slices.Reverse(d.SNP.AuthorKeys)
	slices.Reverse(d.SNP.HostData)
	for _, line := range d.SNP.ProductLines {
		slices.Reverse(line.Chips)
	}
	for _, list := range [][]policy.TCBStatus{d.TDX.TCBStatus, d.TDX.Grace.TCBStatus} {
		slices.Reverse(list)
	}
	slices.Reverse(d.TDX.Advisories)
	slices.Reverse(d.TDX.Require)
	slices.Reverse(d.TDX.FMSPCs)
	slices.Reverse(d.TDX.Chips)
	slices.Reverse(d.TDX.MRConfigIDs)
	slices.Reverse(d.TDX.MROwners)
	for _, release := range d.Releases {
		slices.Reverse(release.References)
		for _, ref := range release.References {
			slices.Reverse(ref.LaunchDigests)
			for _, values := range ref.Registers {
				slices.Reverse(values)
			}
		}
	}
}

func TestParseCanonical(t *testing.T) {
	p := newPolicy(t)
	q, err := policy.ParseCanonical(p.JSON())
	if err != nil || q.Hash() != p.Hash() || !bytes.Equal(q.JSON(), p.JSON()) {
		t.Fatalf("ParseCanonical of the canonical form: %v", err)
	}
}

func TestParseCanonicalRefuses(t *testing.T) {
	good := string(newPolicy(t).JSON())
	indented := new(bytes.Buffer)
	if err := json.Indent(indented, []byte(good), "", "  "); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"empty":           "",
		"null":            "null",
		"cut":             good[:len(good)-1],
		"white space":     indented.String(),
		"trailing byte":   good + "\n",
		"second document": good + good,
		"unknown field":   strings.Replace(good, `{"deniedChips"`, `{"abc":1,"deniedChips"`, 1),
		"field twice":     strings.Replace(good, `"serial":7`, `"serial":7,"serial":7`, 1),
		"field in other case": strings.Replace(good, `"serial":7`,
			`"SERIAL":7`, 1),
		"another order":       strings.TrimSuffix(strings.Replace(good, `"profiles":["release"],`, "", 1), "}") + `,"profiles":["release"]}`,
		"number as 7.0":       strings.Replace(good, `"serial":7`, `"serial":7.0`, 1),
		"escape that is long": strings.Replace(good, `"release"`, `"\u0072elease"`, 1),
		"explicit default":    strings.Replace(good, `"withdrawn":true`, `"withdrawn":false`, 1),
		"set in other order":  strings.Replace(good, `["alias-check","no-migration"]`, `["no-migration","alias-check"]`, 1),
		"upper-case digest":   strings.Replace(good, sha256Of("ek").String(), strings.ToUpper(sha256Of("ek").String()), 1),
		"upper-case chip":     strings.Replace(good, bytesOf(0xde, 16).String(), strings.ToUpper(bytesOf(0xde, 16).String()), 1),
		"odd chip":            strings.Replace(good, bytesOf(0xde, 16).String(), "d", 1),
		"another duration":    strings.Replace(good, `720h0m0s`, `720h`, 1),
		"no duration":         strings.Replace(good, `720h0m0s`, `30 days`, 1),
		"unknown rule":        strings.Replace(good, `"warn"`, `"complain"`, 1),
		"unknown register":    strings.Replace(good, `"pcr6":"warn"`, `"pcr66":"warn"`, 1),
		"too large":           good + strings.Repeat(" ", policy.MaxSize),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			if data == good {
				t.Fatal("the test changes nothing")
			}
			p, err := policy.ParseCanonical([]byte(data))
			var invalid *policy.InvalidError
			if p != nil || !errors.Is(err, policy.ErrNotCanonical) && !errors.As(err, &invalid) {
				t.Errorf("ParseCanonical = %v, %v; want a typed refusal and nothing", p, err)
			}
		})
	}
}

func TestNamesOfEnumerations(t *testing.T) {
	var (
		line   policy.ProductLine
		status policy.TCBStatus
		trust  policy.EKTrust
		need   policy.Requirement
		kind   policy.EndorsementKind
		proof  policy.AKProof
	)
	for name, err := range map[string]error{
		"Genoa":       line.UnmarshalText([]byte("Genoa")),
		"Revoked":     status.UnmarshalText([]byte("Revoked")),
		"certificate": trust.UnmarshalText([]byte("certificate")),
		"no-smt":      need.UnmarshalText([]byte("no-smt")),
		"crl":         kind.UnmarshalText([]byte("crl")),
		"activated":   proof.UnmarshalText([]byte("activated")),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if line != policy.Genoa || status != policy.Revoked || trust != policy.EKCertificate || need != policy.NoSMT || kind != policy.RevocationList || proof != policy.AKActivated {
		t.Error("a name was read as another")
	}
	err := line.UnmarshalText([]byte("genoa"))
	if want := `not a product line: "genoa", want Milan, Genoa or Turin`; err == nil || err.Error() != want || line != policy.Genoa {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func FuzzParseCanonical(f *testing.F) {
	f.Add(newPolicy(f).JSON())
	minimal := newPolicy(f, func(d *policy.Document) {
		d.Platforms, d.SNP, d.TDX, d.DeniedChips = d.Platforms[:1], nil, nil, nil
		d.Releases = d.Releases[:1]
		d.Releases[0].References = d.Releases[0].References[:1]
		for r, values := range d.Releases[0].References[0].Registers {
			d.Releases[0].References[0].Registers[r] = []policy.ReferenceValue{{Value: values[0].Value}}
		}
		d.Registers = map[measurement.Register]measurement.Rule{}
	}).JSON()
	f.Add(minimal)
	f.Add(minimal[:len(minimal)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.ParseCanonical(data)
		if (p == nil) == (err == nil) {
			t.Fatalf("ParseCanonical = %v, %v", p, err)
		}
		if err == nil && !bytes.Equal(p.JSON(), data) {
			t.Fatalf("accepted %q, whose canonical form is %q", data, p.JSON())
		}
		if err == nil {
			policy.Appraise(tpmClaims(), p, now)
		}
	})
}
