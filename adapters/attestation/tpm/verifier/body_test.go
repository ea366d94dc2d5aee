package verifier_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// TestBodyIsCanonical: what our attester would not have written is refused.
func TestBodyIsCanonical(t *testing.T) {
	s := newSigner(t)
	a := s.attestation(t, recordedValues(t), nil)
	genuine := wrap(t, a).Body
	key := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), a.AkPub)
	rest := genuine[len(key):]
	long := append([]byte{0x8a, 0x00}, genuine[1:]...) // the first tag, with a zero byte more
	tests := map[string][]byte{
		"unknown field":       protowire.AppendBytes(protowire.AppendTag(bytes.Clone(genuine), 77, protowire.BytesType), []byte("x")),
		"instance info":       protowire.AppendBytes(protowire.AppendTag(bytes.Clone(genuine), 4, protowire.BytesType), nil),
		"empty event log":     protowire.AppendBytes(protowire.AppendTag(bytes.Clone(genuine), 3, protowire.BytesType), nil),
		"key as a number":     protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7),
		"key twice":           slices.Concat(key, genuine),
		"key after the quote": slices.Concat(rest, key),
		"long tag":            long,
		"cut":                 genuine[:len(genuine)-1],
		"trailing byte":       append(bytes.Clone(genuine), 0),
		"group":               protowire.AppendTag(bytes.Clone(genuine), 9, protowire.StartGroupType),
		"large key":           protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), make([]byte, 4096)),
	}
	v := newVerifier(t, &ports.Trust{})
	must(v.Verify(t.Context(), &ports.Submission{Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: genuine}}))(t)
	for name, body := range tests {
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: body}})
		if list := findings(t, err); !hasCode(list, policy.CodeEvidenceMalformed) {
			t.Errorf("%s: %v", name, list)
		}
	}
}

// TestEveryByte flips each byte of genuine evidence once: none of them is free.
func TestEveryByte(t *testing.T) {
	s := newSigner(t)
	genuine := wrap(t, s.attestation(t, recordedValues(t), nil)).Body
	v := newVerifier(t, &ports.Trust{})
	for i := range genuine {
		body := bytes.Clone(genuine)
		body[i] ^= 0x01
		if _, err := v.Verify(t.Context(), &ports.Submission{Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: body}}); err == nil {
			t.Errorf("byte %d of %d may be another", i, len(genuine))
		}
	}
}

func TestVerifyRefusesOthers(t *testing.T) {
	v := newVerifier(t, &ports.Trust{})
	s := newSigner(t)
	foreign := wrap(t, s.attestation(t, recordedValues(t), nil))
	foreign.Platform = evidence.QEMUVTPM
	tests := map[string]*evidence.Evidence{"none": nil, "another platform": foreign, "empty": {Platform: evidence.TPM}, "no platform": {Body: []byte("x")}}
	for name, e := range tests {
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: e})
		if list := findings(t, err); len(list) != 1 || !hasCode(list, policy.CodeEvidenceMalformed) {
			t.Errorf("%s: %v", name, list)
		}
	}
	for name, id := range map[string]*ports.Identity{
		"none": nil, "another platform": {Platform: evidence.QEMUVTPM}, "empty": {Platform: evidence.TPM},
		"too large": {Platform: evidence.TPM, EKCertificate: make([]byte, ports.MaxIdentitySize+1)},
	} {
		_, err := v.Challenge(t.Context(), id)
		if list := findings(t, err); len(list) == 0 {
			t.Errorf("identity %s: %v", name, list)
		}
	}
}

// TestGarbageIsBounded: evidence with no end of mistakes gives a bounded answer.
func TestGarbageIsBounded(t *testing.T) {
	var body []byte
	for i := range 100_000 {
		body = protowire.AppendVarint(protowire.AppendTag(body, protowire.Number(20+i%2), protowire.VarintType), 1)
	}
	_, err := newVerifier(t, &ports.Trust{}).Verify(t.Context(), &ports.Submission{Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: body}})
	if list := findings(t, err); len(list) > 64 {
		t.Errorf("%d findings", len(list))
	}
	if _, err := policy.EncodeVerdict(policy.Verdict{Findings: findingsOf(t, err)}); err != nil {
		t.Errorf("the findings do not fit a verdict: %v", err)
	}
}

func findingsOf(t testing.TB, err error) []policy.Finding {
	t.Helper()
	var refused *ports.EvidenceError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return refused.Findings
}

func TestNewRefuses(t *testing.T) {
	genuine := newAuthority(t, "root")
	leaf := genuine.certifyEK(t, &must(rsa.GenerateKey(rand.Reader, 2048))(t).PublicKey, nil)
	for name, change := range map[string]func(*verifier.Config){
		"no platform":      func(c *verifier.Config) { c.Platform = "" },
		"another platform": func(c *verifier.Config) { c.Platform = evidence.AzureTrustedLaunch },
		"no clock":         func(c *verifier.Config) { c.Now = nil },
		"no trust":         func(c *verifier.Config) { c.Trust = nil },
		"garbage":          func(c *verifier.Config) { c.Trust = &ports.Trust{Certificates: [][]byte{{1}}} },
		"a leaf":           func(c *verifier.Config) { c.Trust = &ports.Trust{Certificates: [][]byte{leaf.Raw}} },
	} {
		c := verifier.Config{Platform: evidence.TPM, Trust: &ports.Trust{}, Now: recordedAt}
		change(&c)
		if _, err := verifier.New(c); err == nil {
			t.Errorf("%s: a verifier", name)
		}
	}
}
