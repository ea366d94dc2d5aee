package policyfile_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// FuzzParsePolicy holds that data is a policy or an error with problems, and
// that what is accepted has a canonical form that says the same.
func FuzzParsePolicy(f *testing.F) {
	for _, folder := range []string{"testdata/accepted", "testdata/refused", examples} {
		seed(f, folder)
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		p, err := policyfile.ParsePolicy(name, data)
		if checkOutcome(t, p != nil, err) {
			return
		}
		again, err := policy.ParseCanonical(p.JSON())
		if err != nil {
			t.Fatalf("canonical form: %v", err)
		}
		if again.Hash() != p.Hash() {
			t.Fatalf("canonical form says something else: %s", p.JSON())
		}
	})
}

// FuzzParseClaims holds that data is claims or an error with problems, and that
// what is accepted can be written and read again.
func FuzzParseClaims(f *testing.F) {
	seed(f, examples)
	for _, name := range []string{"deep.json", "duplicate-key.json", "tag.yaml", "alias.yaml", "null.json", "nul.yaml"} {
		f.Add(name, readFile(f, filepath.Join("testdata/refused", name)))
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		claims, err := policyfile.ParseClaims(name, data)
		if checkOutcome(t, claims != nil, err) {
			return
		}
		encoded, err := json.Marshal(claims)
		if err != nil {
			t.Fatalf("encoding what was accepted: %v", err)
		}
		if _, err := policyfile.ParseClaims("again.json", encoded); err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
	})
}

// checkOutcome says whether the data was refused.
func checkOutcome(t *testing.T, accepted bool, err error) bool {
	t.Helper()
	if accepted == (err != nil) {
		t.Fatalf("accepted is %v, the error %v", accepted, err)
	}
	var invalid *policyfile.Error
	if err != nil && (!errors.As(err, &invalid) || len(invalid.Problems) == 0) {
		t.Fatalf("error is %v, want an *Error with problems", err)
	}
	return err != nil
}

func seed(f *testing.F, folder string) {
	f.Helper()
	for _, name := range filesIn(f, folder) {
		if !strings.HasSuffix(name, ".want") && !strings.HasPrefix(name, "BUILD") {
			f.Add(name, readFile(f, filepath.Join(folder, name)))
		}
	}
}
