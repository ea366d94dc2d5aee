package verifier_test

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/google/go-tpm-tools/proto/attest"
	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// FuzzEvidenceBody: what is taken is what a deterministic encoder writes, and says
// the same to go-tpm-tools.
func FuzzEvidenceBody(f *testing.F) {
	v := newVerifier(f, &ports.Trust{})
	f.Fuzz(func(t *testing.T, body []byte) {
		verified, err := v.Verify(t.Context(), &ports.Submission{Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: body}})
		if err != nil {
			findings(t, err)
			return
		}
		var a attest.Attestation
		if err := proto.Unmarshal(body, &a); err != nil {
			t.Fatalf("protobuf refuses what was taken: %v", err)
		}
		if again := must(proto.MarshalOptions{Deterministic: true}.Marshal(&a))(t); !bytes.Equal(again, body) {
			t.Error("what was taken has another encoding")
		}
		if verified.AttestationKey != evidence.HashAttestationKey(a.GetAkPub()) {
			t.Error("the attestation key is another")
		}
	})
}

// FuzzQuote signs the bytes: what is taken is a quote to go-tpm as well, over all
// registers.
func FuzzQuote(f *testing.F) {
	s, values := newSigner(f), recordedValues(f)
	v := newVerifier(f, &ports.Trust{})
	f.Fuzz(func(t *testing.T, quote []byte) {
		a := s.attestation(t, values, nil)
		a.Quotes[0].Quote, a.Quotes[0].RawSig = quote, s.sign(t, quote)
		verified, err := v.Verify(t.Context(), &ports.Submission{Evidence: wrap(t, a)})
		if err != nil {
			findings(t, err)
			return
		}
		theirs := must(tpm2.Unmarshal[tpm2.TPMSAttest](quote))(t)
		info := must(theirs.Attested.Quote())(t)
		if !bytes.Equal(tpm2.Marshal(theirs), quote) || !bytes.Equal(tpm2.Marshal(info.PCRSelect), tpm2.Marshal(profile.QuoteSelection())) {
			t.Error("what was taken is no quote over all registers")
		}
		if !bytes.Equal(verified.Claims.ReportData, theirs.ExtraData.Buffer) || verified.Claims.TPM.ResetCount != theirs.ClockInfo.ResetCount {
			t.Error("the claims say something else than the quote")
		}
	})
}

// FuzzEKCertificate: a challenge is made only for a key that the certificate holds.
func FuzzEKCertificate(f *testing.F) {
	s := newSigner(f)
	v := newVerifier(f, &ports.Trust{}, func(c *verifier.Config) { c.Now = recordedAt })
	f.Fuzz(func(t *testing.T, der []byte) {
		if len(der) == 0 {
			return
		}
		challenge, err := v.Challenge(t.Context(), &ports.Identity{Platform: evidence.TPM, EKCertificate: der, AKPublic: s.public()})
		if err != nil {
			findings(t, err)
			return
		}
		if _, err := profile.ParseCredential(challenge.Blob); err != nil {
			t.Errorf("the challenge is none: %v", err)
		}
		certificates := must(x509.ParseCertificates(der))(t)
		for _, id := range certificates[0].UnhandledCriticalExtensions {
			if !id.Equal([]int{2, 5, 29, 17}) {
				t.Errorf("the critical extension %v was passed over", id)
			}
		}
	})
}

// FuzzAKCertificate: nothing but what the engine's CA signed is a proof.
func FuzzAKCertificate(f *testing.F) {
	s, engine := newSigner(f), newAuthority(f, "engine")
	genuine := must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
		AKPublic: s.public(), EK: someEK(), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}))(f)
	f.Add(genuine)
	v := newVerifier(f, &ports.Trust{EngineCAs: []evidence.SPKIHash{engine.spki()}})
	e := wrap(f, s.attestation(f, recordedValues(f), nil))
	f.Fuzz(func(t *testing.T, der []byte) {
		verified, err := v.Verify(t.Context(), &ports.Submission{Evidence: withEndorsement(e, evidence.AKCertificate, der)})
		if err != nil {
			findings(t, err)
			return
		}
		if proof := verified.Claims.TPM.AKProof; proof == policy.AKCertified && !bytes.Equal(der, genuine) {
			t.Error("a certificate that the CA did not sign is a proof")
		}
	})
}

// FuzzPublicArea: a public area that is taken as an attestation key's has the
// attributes of one to go-tpm as well.
func FuzzPublicArea(f *testing.F) {
	engine := newAuthority(f, "engine")
	f.Fuzz(func(t *testing.T, area []byte) {
		_, err := verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
			AKPublic: area, EK: someEK(), NotBefore: recordedAt(), NotAfter: recordedAt().Add(time.Hour),
		})
		if err != nil {
			return
		}
		theirs := must(tpm2.Unmarshal[tpm2.TPMTPublic](area))(t)
		o := theirs.ObjectAttributes
		if !bytes.Equal(tpm2.Marshal(theirs), area) || !o.Restricted || !o.SignEncrypt || o.Decrypt || !o.FixedTPM || !o.FixedParent || !o.SensitiveDataOrigin {
			t.Errorf("taken: %+v", o)
		}
	})
}
