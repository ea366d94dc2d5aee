package verifier_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// twoMachines have TPMs that one CA certified.
func twoMachines(t *testing.T) (victim, attacker *machine, v *verifier.Verifier) {
	t.Helper()
	victim, attacker = newMachine(t), newMachine(t)
	return victim, attacker, newVerifier(t, trustIn(victim.CA.Certificate(), attacker.CA.Certificate()))
}

// TestThreat09SwapAK: evidence of another key than the one that the challenge was
// answered for is refused.
func TestThreat09SwapAK(t *testing.T) {
	victim, attacker, v := twoMachines(t)
	s := attacker.submission(t)
	s.Activated = victim.identity()
	s.Evidence = withEndorsement(s.Evidence, evidence.EKCertificate, nil)
	_, err := v.Verify(t.Context(), s)
	if list := findings(t, err); !slices.Equal(list, []string{"AK_MISMATCH attestation key"}) {
		t.Errorf("%v", list)
	}
}

// TestThreat09ActivationOfAnother: a challenge for one machine's EK and another's
// AK is opened by neither, so that nobody can pair the keys of two machines.
func TestThreat09ActivationOfAnother(t *testing.T) {
	victim, attacker, v := twoMachines(t)
	id := victim.identity()
	id.AKPublic = attacker.ak.Public
	challenge := must(v.Challenge(t.Context(), id))(t)
	for _, m := range []*machine{victim, attacker} {
		if secret, err := m.activate(challenge.Blob); err == nil {
			t.Errorf("a TPM opened a challenge for keys of two TPMs: %x", secret)
		}
	}
	for range 2 {
		genuine := must(v.Challenge(t.Context(), victim.identity()))(t)
		if bytes.Equal(genuine.Secret.Reveal(), challenge.Secret.Reveal()) || bytes.Equal(genuine.Blob, challenge.Blob) {
			t.Error("two challenges are the same: an answer of one session serves another")
		}
		if bytes.Contains(genuine.Blob, genuine.Secret.Reveal()) {
			t.Error("the secret stands in the challenge")
		}
	}
}

// TestThreat09SwapEK: the identity of one TPM's certificate and another's key, and
// evidence with another's certificate beside it, are refused.
func TestThreat09SwapEK(t *testing.T) {
	victim, attacker, v := twoMachines(t)
	id := attacker.identity()
	id.EKCertificate = victim.EKCertificate
	_, err := v.Challenge(t.Context(), id)
	if list := findings(t, err); !slices.Equal(list, []string{"EK_UNACCEPTABLE endorsement key"}) {
		t.Errorf("a foreign certificate with our key: %v", list)
	}
	s := attacker.submission(t)
	s.Activated = id
	_, err = v.Verify(t.Context(), s)
	if list := findings(t, err); !slices.Equal(list, []string{"EK_UNACCEPTABLE endorsement key"}) {
		t.Errorf("a foreign certificate as the activated one: %v", list)
	}
	s = attacker.submission(t)
	s.Evidence = withEndorsement(s.Evidence, evidence.EKCertificate, victim.EKCertificate)
	_, err = v.Verify(t.Context(), s)
	if list := findings(t, err); !slices.Equal(list, []string{"AK_MISMATCH EK certificate"}) {
		t.Errorf("a foreign certificate beside the quote: %v", list)
	}
}

// TestThreat09Hearsay: a foreign certificate alone proves nothing, however genuine.
func TestThreat09Hearsay(t *testing.T) {
	victim, attacker, v := twoMachines(t)
	s := attacker.submission(t)
	s.Activated = nil
	s.Evidence = withEndorsement(s.Evidence, evidence.EKCertificate, victim.EKCertificate)
	claims := must(v.Verify(t.Context(), s))(t).Claims
	if claims.TPM.AKProof != "" {
		t.Errorf("the claims say %q", claims.TPM.AKProof)
	}
}

// TestThreat09SoftwareEK: keys that need not live in a TPM get no challenge.
func TestThreat09SoftwareEK(t *testing.T) {
	m := newMachine(t)
	v := newVerifier(t, m.trust())
	changes := map[string]func(*tpm2.TPMTPublic){
		"attributes fixedTPM":   func(p *tpm2.TPMTPublic) { p.ObjectAttributes.FixedTPM = false },
		"attributes restricted": func(p *tpm2.TPMTPublic) { p.ObjectAttributes.Restricted = false },
		"attributes decrypt":    func(p *tpm2.TPMTPublic) { p.ObjectAttributes.Decrypt = false },
		"attributes sign":       func(p *tpm2.TPMTPublic) { p.ObjectAttributes.SignEncrypt = true },
		"attributes user":       func(p *tpm2.TPMTPublic) { p.ObjectAttributes.UserWithAuth = true },
		"policy":                func(p *tpm2.TPMTPublic) { p.AuthPolicy.Buffer = nil },
		"name algorithm":        func(p *tpm2.TPMTPublic) { p.NameAlg = tpm2.TPMAlgSHA1 },
		"exponent":              func(p *tpm2.TPMTPublic) { changeRSA(p, func(r *tpm2.TPMSRSAParms) { r.Exponent = 3 }) },
		"symmetric algorithm": func(p *tpm2.TPMTPublic) {
			changeRSA(p, func(r *tpm2.TPMSRSAParms) { r.Symmetric = tpm2.TPMTSymDefObject{Algorithm: tpm2.TPMAlgNull} })
		},
		"size": func(p *tpm2.TPMTPublic) { changeRSA(p, func(r *tpm2.TPMSRSAParms) { r.KeyBits = 1024 }) },
		"modulus": func(p *tpm2.TPMTPublic) {
			p.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: []byte{3}})
		},
		"type": func(p *tpm2.TPMTPublic) { *p = profile.AKTemplate() },
	}
	for name, change := range changes {
		area := must(tpm2.Unmarshal[tpm2.TPMTPublic](m.ek.Public))(t)
		change(area)
		for _, certificate := range [][]byte{nil, m.EKCertificate} {
			id := m.identity()
			id.EKPublic, id.EKCertificate = tpm2.Marshal(*area), certificate
			_, err := v.Challenge(t.Context(), id)
			if list := findings(t, err); !hasCode(list, policy.CodeEKUnacceptable) {
				t.Errorf("%s: %v", name, list)
			}
		}
	}
}

func changeRSA(p *tpm2.TPMTPublic, change func(*tpm2.TPMSRSAParms)) {
	parameters, err := p.Parameters.RSADetail()
	if err != nil {
		panic(err)
	}
	changed := *parameters
	change(&changed)
	p.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgRSA, &changed)
}

// TestThreat09ForeignAKCertificate: the engine's word is about one key, in one TPM.
func TestThreat09ForeignAKCertificate(t *testing.T) {
	victim, attacker := newMachine(t), newMachine(t)
	engine := newAuthority(t, "engine")
	trust := trustIn(victim.CA.Certificate(), attacker.CA.Certificate())
	trust.EngineCAs = []evidence.SPKIHash{engine.spki()}
	v := newVerifier(t, trust)
	of := func(m *machine, ek measurement.Digest) []byte {
		return must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
			AKPublic: m.ak.Public, EK: ek, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		}))(t)
	}
	s := attacker.submission(t)
	s.Activated = nil
	s.Evidence = withEndorsement(s.Evidence, evidence.AKCertificate, of(victim, ekHashOf(t, victim)))
	_, err := v.Verify(t.Context(), s)
	if list := findings(t, err); !slices.Equal(list, []string{"AK_MISMATCH AK certificate"}) {
		t.Errorf("another machine's certificate: %v", list)
	}
	id := attacker.identity()
	id.AKCertificate = of(victim, ekHashOf(t, victim))
	_, err = v.Challenge(t.Context(), id)
	if list := findings(t, err); !slices.Equal(list, []string{"AK_MISMATCH AK certificate"}) {
		t.Errorf("another machine's certificate in an identity: %v", list)
	}
	s = attacker.submission(t)
	s.Evidence = withEndorsement(s.Evidence, evidence.AKCertificate, of(attacker, ekHashOf(t, victim)))
	for _, activated := range []*ports.Identity{attacker.identity(), nil} {
		s.Activated = activated
		_, err = v.Verify(t.Context(), s)
		if list := findings(t, err); !hasCode(list, policy.CodeAKMismatch) {
			t.Errorf("a certificate that names another TPM: %v", list)
		}
	}
}
