package verifier_test

import (
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
)

func TestContract(t *testing.T) {
	porttest.TestVerifier(t, func(t *testing.T) *porttest.VerifierFixture {
		t.Helper()
		m, other, engine := newMachine(t), newMachine(t), newAuthority(t, "engine")
		trust := m.trust()
		trust.EngineCAs = []evidence.SPKIHash{engine.spki()}
		certified := m.identity()
		certified.AKCertificate = must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
			AKPublic: m.ak.Public, EK: ekHashOf(t, m), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}))(t)
		return &porttest.VerifierFixture{
			Verifier: newVerifier(t, trust), Platform: evidence.TPM, Identity: m.identity(), Certified: certified,
			Answer: func(_ *testing.T, blob []byte) ([]byte, error) { return m.activate(blob) },
			Submission: func(t *testing.T, d evidence.ReportData) *ports.Submission {
				t.Helper()
				a, qualifying := m.attestation(t), d.Qualifying()
				a.Quotes[0] = m.quote(t, profile.QuoteSelection(), qualifying[:])
				return &ports.Submission{Evidence: m.evidence(t, a), Activated: m.identity()}
			},
			Carried: func(d evidence.ReportData) policy.Hex {
				qualifying := d.Qualifying()
				return qualifying[:]
			},
			Forgeries: map[string]func(*testing.T, *ports.Submission){
				"a bit of the body": func(_ *testing.T, s *ports.Submission) {
					s.Evidence.Body = slices.Clone(s.Evidence.Body)
					s.Evidence.Body[len(s.Evidence.Body)/2] ^= 1
				},
				"half of the body": func(_ *testing.T, s *ports.Submission) {
					s.Evidence.Body = s.Evidence.Body[:len(s.Evidence.Body)/2]
				},
				"another's identity":    func(_ *testing.T, s *ports.Submission) { s.Activated = other.identity() },
				"another's key":         func(_ *testing.T, s *ports.Submission) { s.Activated.AKPublic = other.ak.Public },
				"another's certificate": func(_ *testing.T, s *ports.Submission) { s.Activated.EKCertificate = other.EKCertificate },
				"an endorsement of another platform": func(_ *testing.T, s *ports.Submission) {
					s.Evidence = withEndorsement(s.Evidence, evidence.TDXCollateral, []byte("x"))
				},
			},
		}
	})
}
