package verifier_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"io"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

func ekHashOf(t testing.TB, m *machine) measurement.Digest {
	t.Helper()
	key := must(profile.RSAPublicKey(m.ek.Public))(t)
	return measurement.DigestSHA256(sha256.Sum256(must(x509.MarshalPKIXPublicKey(key))(t)))
}

// TestVerifyActivated is the whole way of a machine on its first contact.
func TestVerifyActivated(t *testing.T) {
	m := newMachine(t)
	v := newVerifier(t, m.trust())
	challenge := must(v.Challenge(t.Context(), m.identity()))(t)
	secret := must(m.activate(challenge.Blob))(t)
	if !bytes.Equal(secret, challenge.Secret.Reveal()) {
		t.Fatal("the TPM opened another secret than the challenge's")
	}
	verified := must(v.Verify(t.Context(), m.submission(t)))(t)
	c := &verified.Claims
	if c.TPM.EK != ekHashOf(t, m) || !c.TPM.EKCertified || c.TPM.AKProof != policy.AKActivated {
		t.Errorf("claims about the keys are %+v", c.TPM)
	}
	if !bytes.Equal(c.ReportData, reportData()) || c.Registers.Len() != measurement.PCRCount || c.Platform != evidence.TPM {
		t.Errorf("report data %x, %d registers of %s", c.ReportData, c.Registers.Len(), c.Platform)
	}
	if verified.AttestationKey != evidence.HashAttestationKey(m.ak.Public) {
		t.Error("the attestation key's hash is another")
	}
	if len(c.Endorsements) != 2 || c.Endorsements[0].Subject != "EK certificate" {
		t.Errorf("endorsements are %+v", c.Endorsements)
	}
}

// TestVerifyCounters has the claims follow the TPM's clock.
func TestVerifyCounters(t *testing.T) {
	m := newMachine(t)
	v := newVerifier(t, m.trust())
	before := must(v.Verify(t.Context(), m.submission(t)))(t).Claims.TPM.ResetCount
	if err := m.device.(io.Closer).Close(); err != nil {
		t.Fatal(err)
	}
	m.Reboot(t)
	m.device = m.Open(t)
	m.ek, m.ak = must(profile.CreateEK(m.device))(t), must(profile.CreateAK(m.device))(t)
	if after := must(v.Verify(t.Context(), m.submission(t)))(t).Claims.TPM.ResetCount; after != before+1 {
		t.Errorf("the reset counter went from %d to %d over a reboot", before, after)
	}
}

func TestVerifyRegisters(t *testing.T) {
	m := newMachine(t)
	v := newVerifier(t, m.trust())
	digest := sha256.Sum256([]byte("measured"))
	must(tpm2.PCRExtend{
		PCRHandle: tpm2.AuthHandle{Handle: 12, Auth: tpm2.PasswordAuth(nil)},
		Digests:   tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: digest[:]}}},
	}.Execute(m.device))(t)
	registers := must(v.Verify(t.Context(), m.submission(t)))(t).Claims.Registers
	register := must(measurement.NewRegister(measurement.PCR, 12))(t)
	if want := register.PowerOn().Extend(measurement.DigestSHA256(digest)); registers.Get(register) != want {
		t.Errorf("PCR 12 is %v, want %v", registers.Get(register), want)
	}
}

// TestVerifyHearsay: without a proof the endorsement key is told and not believed.
func TestVerifyHearsay(t *testing.T) {
	m := newMachine(t)
	s := m.submission(t)
	s.Activated = nil
	claims := must(newVerifier(t, m.trust()).Verify(t.Context(), s))(t).Claims
	if claims.TPM.AKProof != "" || !claims.TPM.EKCertified || claims.TPM.EK != ekHashOf(t, m) {
		t.Errorf("claims about the keys are %+v", claims.TPM)
	}
	s.Evidence.Endorsements = nil
	claims = must(newVerifier(t, m.trust()).Verify(t.Context(), s))(t).Claims
	if claims.TPM.AKProof != "" || claims.TPM.EKCertified || !claims.TPM.EK.IsZero() {
		t.Errorf("claims about the keys are %+v", claims.TPM)
	}
}

// TestVerifyUncertified: a machine without a certificate, or with one of somebody
// who is not trusted, is known by its key, which policy may list.
func TestVerifyUncertified(t *testing.T) {
	m := newMachine(t, swtpmtest.WithoutCertificate())
	v := newVerifier(t, &ports.Trust{})
	challenge := must(v.Challenge(t.Context(), m.identity()))(t)
	if secret := must(m.activate(challenge.Blob))(t); !bytes.Equal(secret, challenge.Secret.Reveal()) {
		t.Fatal("the TPM opened another secret than the challenge's")
	}
	claims := must(v.Verify(t.Context(), m.submission(t)))(t).Claims
	if claims.TPM.AKProof != policy.AKActivated || claims.TPM.EKCertified || claims.TPM.EK != ekHashOf(t, m) {
		t.Errorf("claims about the keys are %+v", claims.TPM)
	}

	foreign := newMachine(t)
	claims = must(v.Verify(t.Context(), foreign.submission(t)))(t).Claims
	if claims.TPM.AKProof != policy.AKActivated || claims.TPM.EKCertified || claims.TPM.EK != ekHashOf(t, foreign) || len(claims.Endorsements) != 0 {
		t.Errorf("claims about the keys are %+v, endorsements %v", claims.TPM, claims.Endorsements)
	}
}

// TestChallengeCertificateAlone: a certificate holds all of the endorsement key
// that a challenge needs.
func TestChallengeCertificateAlone(t *testing.T) {
	m := newMachine(t)
	id := m.identity()
	id.EKPublic = nil
	v := newVerifier(t, m.trust())
	challenge := must(v.Challenge(t.Context(), id))(t)
	if secret := must(m.activate(challenge.Blob))(t); !bytes.Equal(secret, challenge.Secret.Reveal()) {
		t.Fatal("the TPM opened another secret than the challenge's")
	}
	s := m.submission(t)
	s.Activated = id
	if claims := must(v.Verify(t.Context(), s))(t).Claims; !claims.TPM.EKCertified {
		t.Errorf("claims about the keys are %+v", claims.TPM)
	}
}

// TestIntermediate: the chain may come with the certificate or with the trust.
func TestIntermediate(t *testing.T) {
	root := swtpmtest.NewCA(t)
	issuer := must(root.Intermediate())(t)
	m := newMachine(t, swtpmtest.WithCA(issuer))
	known := trustIn(root.Certificate())
	known.Certificates = append(known.Certificates, issuer.Certificate().Raw)
	if claims := must(newVerifier(t, known).Verify(t.Context(), m.submission(t)))(t).Claims; !claims.TPM.EKCertified || len(claims.Endorsements) != 3 {
		t.Errorf("with the issuer in the trust: %+v, %v", claims.TPM, claims.Endorsements)
	}
	bare := newVerifier(t, &ports.Trust{EndorsementRoots: trustIn(root.Certificate()).EndorsementRoots})
	s := m.submission(t)
	if claims := must(bare.Verify(t.Context(), s))(t).Claims; claims.TPM.EKCertified {
		t.Error("a chain with a gap in it holds")
	}
	s.Activated.EKCertificate = bytes.Join([][]byte{m.EKCertificate, issuer.Certificate().Raw, root.Certificate().Raw}, nil)
	if claims := must(bare.Verify(t.Context(), s))(t).Claims; !claims.TPM.EKCertified {
		t.Error("a chain that the machine brought does not hold, although its root's key is trusted")
	}
}

// TestAKCertificate: what an engine's CA has certified needs no challenge.
func TestAKCertificate(t *testing.T) {
	m := newMachine(t)
	engine := newAuthority(t, "engine")
	trust := &ports.Trust{EngineCAs: []evidence.SPKIHash{engine.spki()}}
	certificate := must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
		AKPublic: m.ak.Public, EK: ekHashOf(t, m), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}))(t)
	id := m.identity()
	id.AKCertificate = certificate
	v := newVerifier(t, trust)
	if challenge := must(v.Challenge(t.Context(), id))(t); challenge != nil {
		t.Error("a certified attestation key is challenged")
	}
	s := &ports.Submission{Evidence: withEndorsement(m.submission(t).Evidence, evidence.AKCertificate, certificate)}
	claims := must(v.Verify(t.Context(), s))(t).Claims
	if claims.TPM.AKProof != policy.AKCertified || claims.TPM.EKCertified || claims.TPM.EK != ekHashOf(t, m) {
		t.Errorf("claims about the keys are %+v", claims.TPM)
	}

	stranger := newVerifier(t, &ports.Trust{})
	if challenge := must(stranger.Challenge(t.Context(), id))(t); challenge == nil {
		t.Error("the certificate of a CA that is not trusted spares the challenge")
	}
	if claims := must(stranger.Verify(t.Context(), s))(t).Claims; claims.TPM.AKProof != "" || claims.TPM.EKCertified {
		t.Errorf("under another trust the claims about the keys are %+v", claims.TPM)
	}

	late := newVerifier(t, trust, func(c *verifier.Config) { c.Now = func() time.Time { return time.Now().Add(2 * time.Hour) } })
	if challenge := must(late.Challenge(t.Context(), id))(t); challenge == nil {
		t.Error("a certificate that has expired spares the challenge")
	}
	_, err := late.Verify(t.Context(), s)
	if list := findings(t, err); len(list) != 1 || list[0] != "CERTIFICATE_INVALID AK certificate" {
		t.Errorf("after the certificate expired: %v", list)
	}
	s.Activated = m.identity()
	if claims := must(late.Verify(t.Context(), s))(t).Claims; claims.TPM.AKProof != policy.AKActivated {
		t.Errorf("after the machine answered a challenge instead: %+v", claims.TPM)
	}
}
