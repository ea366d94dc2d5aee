// Package porttest holds the contract of each port as a suite of tests. Every
// adapter of a port passes its suite, against the real thing where one can run. A
// suite names no technology: what it needs of one comes in as a fixture.
package porttest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// VerifierFixture is a verifier with genuine machines that it must believe, and
// what must make it stop believing them.
type VerifierFixture struct {
	Verifier ports.Verifier
	Platform evidence.Platform
	// Identity is a machine's that has no certificate of its attestation key, nil
	// where the platform has no such keys.
	Identity *ports.Identity
	// Certified is the identity of a machine whose attestation key is certified,
	// nil where the platform has none.
	Certified *ports.Identity
	// Answer opens a challenge that was made for Identity.
	Answer func(t *testing.T, blob []byte) (secret []byte, err error)
	// Submission is genuine evidence for the report data. Each call makes it anew.
	Submission func(t *testing.T, d evidence.ReportData) *ports.Submission
	// Carried is how claims carry the report data.
	Carried func(evidence.ReportData) policy.Hex
	// Forgeries change a genuine submission so that it must be refused.
	Forgeries map[string]func(*testing.T, *ports.Submission)
}

// TestVerifier is the contract of ports.Verifier.
func TestVerifier(t *testing.T, newFixture func(*testing.T) *VerifierFixture) {
	t.Helper()
	f := newFixture(t)
	t.Run("Genuine", f.genuine)
	t.Run("Forged", f.forged)
	t.Run("Garbage", f.garbage)
	t.Run("Challenge", f.challenge)
	t.Run("Certified", f.certified)
	t.Run("Identities", f.identities)
	t.Run("Cancelled", f.cancelled)
	t.Run("Concurrency", f.concurrency)
}

// genuine: evidence is verified without knowing what it should be fresh for, and
// says so itself.
func (f *VerifierFixture) genuine(t *testing.T) {
	for _, d := range []evidence.ReportData{{1}, {2}} {
		verified, err := f.Verifier.Verify(t.Context(), f.Submission(t, d))
		if err != nil {
			t.Fatalf("Verify: %v", err)
		}
		c := &verified.Claims
		if c.Platform != f.Platform || !reflect.DeepEqual(c.ReportData, f.Carried(d)) || c.EvidenceSize <= 0 {
			t.Errorf("the claims are of %s, %d bytes, with report data %v", c.Platform, c.EvidenceSize, c.ReportData)
		}
		if f.Identity != nil && verified.AttestationKey != evidence.HashAttestationKey(f.Identity.AKPublic) {
			t.Error("the attestation key is another")
		}
	}
}

func (f *VerifierFixture) forged(t *testing.T) {
	if len(f.Forgeries) == 0 {
		t.Error("the fixture forges nothing")
	}
	for name, forge := range f.Forgeries {
		s := f.Submission(t, evidence.ReportData{3})
		forge(t, s)
		verified, err := f.Verifier.Verify(t.Context(), s)
		wantRefused(t, name, verified, err)
	}
}

// wantRefused demands findings, and nothing else.
func wantRefused(t *testing.T, name string, verified *ports.Verified, err error) {
	t.Helper()
	var refused *ports.EvidenceError
	if verified != nil || !errors.As(err, &refused) || len(refused.Findings) == 0 {
		t.Errorf("%s: %+v (%v), want an *EvidenceError with findings", name, verified, err)
		return
	}
	for i := range refused.Findings {
		finding := &refused.Findings[i]
		if finding.Severity != policy.Refuse || finding.Code == "" || finding.Subject == "" || finding.Remedy == "" {
			t.Errorf("%s: the finding %+v does not say enough", name, finding)
		}
	}
	if _, err := policy.EncodeVerdict(policy.Verdict{Findings: refused.Findings}); err != nil {
		t.Errorf("%s: the findings do not fit a verdict: %v", name, err)
	}
}

func (f *VerifierFixture) garbage(t *testing.T) {
	for name, e := range map[string]*evidence.Evidence{
		"nothing": nil, "empty": {}, "no body": {Platform: f.Platform},
		"a body of zeros":     {Platform: f.Platform, Body: make([]byte, 4096)},
		"an unknown platform": {Platform: "unheard-of", Body: []byte("x")},
	} {
		verified, err := f.Verifier.Verify(t.Context(), &ports.Submission{Evidence: e})
		wantRefused(t, name, verified, err)
	}
}

// challenge: the machine that it was made for opens it, and each is a new one.
func (f *VerifierFixture) challenge(t *testing.T) {
	if f.Identity == nil {
		t.Skip("the platform has no keys to be challenged")
	}
	seen := map[string]bool{}
	for range 2 {
		c, err := f.Verifier.Challenge(t.Context(), f.Identity)
		if err != nil || c == nil {
			t.Fatalf("Challenge: %v (%v)", c, err)
		}
		if len(c.Blob) == 0 || len(c.Blob) > ports.MaxChallengeSize || len(c.Secret.Reveal()) < 16 || seen[string(c.Secret.Reveal())] {
			t.Errorf("a challenge of %d bytes, with a secret of %d, seen before: %t", len(c.Blob), len(c.Secret.Reveal()), seen[string(c.Secret.Reveal())])
		}
		seen[string(c.Secret.Reveal())] = true
		if secret, err := f.Answer(t, c.Blob); err != nil || !bytes.Equal(secret, c.Secret.Reveal()) {
			t.Errorf("the machine opens another secret than the challenge's: %v", err)
		}
	}
}

func (f *VerifierFixture) certified(t *testing.T) {
	if f.Certified == nil {
		t.Skip("the platform's attestation keys have no certificates")
	}
	if c, err := f.Verifier.Challenge(t.Context(), f.Certified); c != nil || err != nil {
		t.Errorf("Challenge: %v (%v), want none", c, err)
	}
}

func (f *VerifierFixture) identities(t *testing.T) {
	if f.Identity == nil {
		t.Skip("the platform has no keys to be challenged")
	}
	other := *f.Identity
	other.Platform = "unheard-of"
	large := *f.Identity
	large.EKCertificate = make([]byte, ports.MaxIdentitySize)
	keyless := *f.Identity
	keyless.AKPublic = nil
	for name, id := range map[string]*ports.Identity{
		"nothing": nil, "empty": {}, "of another platform": &other, "too large": &large, "without a key": &keyless,
	} {
		_, err := f.Verifier.Challenge(t.Context(), id)
		wantRefused(t, name, nil, err)
	}
}

func (f *VerifierFixture) cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Verifier.Verify(ctx, f.Submission(t, evidence.ReportData{4})); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify: %v, want context.Canceled", err)
	}
}

// concurrency: many verify at once, and get what one alone gets.
func (f *VerifierFixture) concurrency(t *testing.T) {
	s := f.Submission(t, evidence.ReportData{5})
	want, err := f.Verifier.Verify(t.Context(), s)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if got, err := f.Verifier.Verify(t.Context(), s); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Verify: %+v (%v), alone %+v", got, err, want)
			}
			if f.Identity != nil {
				if _, err := f.Verifier.Challenge(t.Context(), f.Identity); err != nil {
					t.Errorf("Challenge: %v", err)
				}
			}
		})
	}
	group.Wait()
}
