package policyfile_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// TestRoundTrip writes any policy in both notations and reads it back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document := drawDocument(t)
		p, err := policy.New(document)
		if err != nil {
			t.Fatalf("drew an invalid document: %v", err)
		}
		asYAML, err := policyfile.EncodeYAML(document)
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"p.yaml": asYAML, "p.json": asJSON, "canonical.json": p.JSON()} {
			read, err := policyfile.ParsePolicy(name, data)
			if err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			if read.Hash() != p.Hash() {
				t.Fatalf("%s: hash differs\n%s\n%s\n%s", name, data, p.JSON(), read.JSON())
			}
		}
	})
}

// TestClaimsRoundTrip does the same with the claims of the examples.
func TestClaimsRoundTrip(t *testing.T) {
	for name, claims := range exampleClaims() {
		asYAML, err := policyfile.EncodeYAML(claims)
		if err != nil {
			t.Fatal(err)
		}
		read, err := policyfile.ParseClaims("c.yaml", asYAML)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, asYAML)
		}
		want, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\nwant %s\ngot  %s", name, want, got)
		}
	}
}
