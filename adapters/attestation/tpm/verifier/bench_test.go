package verifier_test

import (
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/recordedtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
)

// someEK is the hash of an endorsement key of no machine.
func someEK() measurement.Digest { return measurement.Sum(measurement.SHA256, []byte("ek")) }

// BenchmarkVerify is the verification of a member's evidence, whose attestation
// key an engine's CA has certified, with logs of real machines.
func BenchmarkVerify(b *testing.B) {
	logs := map[string]string{"no-log": "", "23kB": "cos-101-amd-sev", "34kB": "rhel8-uefi"}
	engine := newAuthority(b, "engine")
	for name, file := range logs {
		b.Run(name, func(b *testing.B) {
			s, values, log := newSigner(b), recordedValues(b), []byte(nil)
			if file != "" {
				recording := recordedtest.FindLog(b, file)
				values, log = registersOf(b, &recording), recording.Data
			}
			certificate := must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
				AKPublic: s.public(), EK: someEK(), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			}))(b)
			submission := &ports.Submission{Evidence: withEndorsement(wrap(b, s.attestation(b, values, log)), evidence.AKCertificate, certificate)}
			v := newVerifier(b, &ports.Trust{EngineCAs: []evidence.SPKIHash{engine.spki()}})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), submission); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifyActivated is the verification of a new machine's evidence, whose
// EK certificate was seen before.
func BenchmarkVerifyActivated(b *testing.B) {
	m := newMachine(b)
	v, s := newVerifier(b, m.trust()), m.submission(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChallenge is the making of a challenge, whose cost is RSA's.
func BenchmarkChallenge(b *testing.B) {
	m := newMachine(b)
	v, id := newVerifier(b, m.trust()), m.identity()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Challenge(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAllocations holds the figure that the design promises.
func TestAllocations(t *testing.T) {
	s := newSigner(t)
	submission := &ports.Submission{Evidence: wrap(t, s.attestation(t, recordedValues(t), nil))}
	v := newVerifier(t, &ports.Trust{})
	allocations := testing.AllocsPerRun(20, func() {
		if _, err := v.Verify(t.Context(), submission); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 200 {
		t.Errorf("%.0f allocations, want at most 200", allocations)
	}
}
