package verifier_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/google/go-tpm-tools/proto/attest"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/recordedtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
)

// recordedAt is a time at which the tests verify what was recorded.
func recordedAt() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// TestRecordedAttestations: real machines of a cloud are refused on principle. They
// have an RSA key, which signs otherwise and has its certificate in the body; a
// quote of each of three banks, with the registers in the order of a map; and a
// nonce of another length than report data has.
func TestRecordedAttestations(t *testing.T) {
	want := []string{
		"EVIDENCE_MALFORMED PCR values", "EVIDENCE_MALFORMED PCR values", "EVIDENCE_MALFORMED PCR values",
		"EVIDENCE_MALFORMED attestation: ak_cert",
		"AK_UNACCEPTABLE attestation key: type", "AK_UNACCEPTABLE attestation key: scheme",
		"QUOTE_SELECTION PCR selection",
		"SIGNATURE_INVALID quote",
		"QUOTE_INVALID quote: extraData",
	}
	v := newVerifier(t, &ports.Trust{}, func(c *verifier.Config) { c.Now = recordedAt })
	for _, name := range []string{"gce-cos-85-no-nonce", "gce-cos-85-nonce9009"} {
		body := recordedtest.Attestation(t, name)
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: &evidence.Evidence{Platform: evidence.TPM, Body: body}})
		if list := findings(t, err); !slices.Equal(list, want) {
			t.Errorf("%s:\n%q, want\n%q", name, list, want)
		}
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
