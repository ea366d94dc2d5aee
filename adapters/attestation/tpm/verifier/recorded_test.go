package verifier_test

import (
	"bytes"
	"crypto/rsa"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/google/go-tpm-tools/proto/attest"
	tpmpb "github.com/google/go-tpm-tools/proto/tpm"
	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/recordedtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// recordedAt is a time at which the tests verify what was recorded.
func recordedAt() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// onPrinciple is what is wrong with the recorded attestations. None of it is that a
// signature does not verify, or that the registers do not hash to the quote's digest.
func onPrinciple() []string {
	return []string{
		"EVIDENCE_MALFORMED PCR values", "EVIDENCE_MALFORMED PCR values", "EVIDENCE_MALFORMED PCR values",
		"EVIDENCE_MALFORMED attestation: ak_cert",
		"AK_UNACCEPTABLE attestation key: type", "AK_UNACCEPTABLE attestation key: scheme",
		"QUOTE_SELECTION PCR selection",
		"SIGNATURE_INVALID quote",
		"QUOTE_INVALID quote: extraData",
	}
}

// TestRecordedAttestations: real machines of a cloud are refused on principle. They
// have an RSA key, which signs otherwise and has its certificate in the body; a
// quote of each of three banks, with the registers in the order of a map; and a
// nonce of another length than report data has.
func TestRecordedAttestations(t *testing.T) {
	v := newVerifier(t, &ports.Trust{}, func(c *verifier.Config) { c.Now = recordedAt })
	for _, name := range []string{"gce-cos-85-no-nonce", "gce-cos-85-nonce9009"} {
		body := recordedtest.Attestation(t, name)
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: body}})
		if list := findings(t, err); !slices.Equal(list, onPrinciple()) {
			t.Errorf("%s:\n%q, want\n%q", name, list, onPrinciple())
		}
		for _, f := range findingsOf(t, err) {
			if f.Code == policy.CodeSignatureInvalid && f.Expected[0] != "ECDSA with SHA-256" {
				t.Errorf("%s: the signature is not refused for its scheme: %+v", name, f)
			}
		}
	}
}

// TestRecordedAreGenuine: by another path, the recorded quotes hold: the signature
// is the key's, and the registers hash to the digest. So what refuses them is the
// principle, and not that nothing real could pass.
func TestRecordedAreGenuine(t *testing.T) {
	v := newVerifier(t, &ports.Trust{}, func(c *verifier.Config) { c.Now = recordedAt })
	for _, name := range []string{"gce-cos-85-no-nonce", "gce-cos-85-nonce9009"} {
		body := recordedtest.Attestation(t, name)
		var a attest.Attestation
		if err := proto.Unmarshal(body, &a); err != nil {
			t.Fatal(err)
		}
		key := must(profile.RSAPublicKey(a.GetAkPub()))(t)
		for _, quote := range a.GetQuotes() {
			checkRSAQuote(t, name, key, quote)
		}
		// One bit of one register, and the verifier misses the digest as well.
		of256 := slices.IndexFunc(a.GetQuotes(), func(q *tpmpb.Quote) bool { return q.GetPcrs().GetHash() == tpmpb.HashAlgo_SHA256 })
		value := a.GetQuotes()[of256].GetPcrs().GetPcrs()[4]
		altered := bytes.Replace(body, value, append([]byte{value[0] ^ 1}, value[1:]...), 1)
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: altered}})
		list := slices.DeleteFunc(findings(t, err), func(f string) bool { return slices.Contains(onPrinciple(), f) })
		if len(list) != 1 || !hasCode(list, policy.CodePCRDigestMismatch) {
			t.Errorf("%s with another PCR 4: beside the principle %q", name, list)
		}
	}
}

// checkRSAQuote checks a quote with crypto/rsa and go-tpm.
func checkRSAQuote(t *testing.T, name string, key *rsa.PublicKey, q *tpmpb.Quote) {
	t.Helper()
	signature := must(tpm2.Unmarshal[tpm2.TPMTSignature](q.GetRawSig()))(t)
	scheme := must(signature.Signature.RSASSA())(t)
	hash := must(scheme.Hash.Hash())(t)
	sum := func(data []byte) []byte {
		h := hash.New()
		h.Write(data)
		return h.Sum(nil)
	}
	if err := rsa.VerifyPKCS1v15(key, hash, sum(q.GetQuote()), scheme.Sig.Buffer); err != nil {
		t.Errorf("%s: the recorded signature: %v", name, err)
	}
	info := must(must(tpm2.Unmarshal[tpm2.TPMSAttest](q.GetQuote()))(t).Attested.Quote())(t)
	var values []byte
	for i := range uint32(measurement.PCRCount) {
		values = append(values, q.GetPcrs().GetPcrs()[i]...)
	}
	if !bytes.Equal(info.PCRDigest.Buffer, sum(values)) {
		t.Errorf("%s: the recorded registers of %v do not hash to the quote's digest", name, q.GetPcrs().GetHash())
	}
}

// TestRecordedLogOfAttestation: the log inside is read like any other.
func TestRecordedLogOfAttestation(t *testing.T) {
	var a attest.Attestation
	if err := proto.Unmarshal(recordedtest.Attestation(t, "gce-cos-85-no-nonce"), &a); err != nil {
		t.Fatal(err)
	}
	values := recordedValues(t)
	for _, quote := range a.GetQuotes() {
		if quote.GetPcrs().GetHash() == 11 {
			values = quote.GetPcrs().GetPcrs()
		}
	}
	s, v := newSigner(t), newVerifier(t, &ports.Trust{}, func(c *verifier.Config) { c.Now = recordedAt })
	claims := must(v.Verify(t.Context(), &ports.Submission{Evidence: wrap(t, s.attestation(t, values, a.GetEventLog()))}))(t).Claims
	if unexplained := measurement.Unexplained(claims.Locality, claims.Events, &claims.Registers); len(unexplained) != 1 || unexplained[0].Index() != 10 {
		t.Errorf("the firmware's log does not lead to %v, want only the kernel's PCR 10", unexplained)
	}
	if claims.SecureBoot == nil {
		t.Error("the state of secure boot is not told")
	}
}
