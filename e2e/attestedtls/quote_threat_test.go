package attestedtls_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/google/go-tpm-tools/proto/tpm"
	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// join has the rogue join, and wants it refused for the code.
func (r *rogue) join(t *testing.T, code policy.Code) {
	t.Helper()
	c := with(t)
	ends := c.ours.ends(evidence.Join)
	ends.client.Attester = r
	client, server := ends.meet(t)
	wantRefused(t, &client, &server, code)
}

// A rogue that says the truth is found out for what it runs, so that the others
// below are refused for their lies.
func TestRogueReleaseIsRefused(t *testing.T) {
	newRogue(t, profile.AKTemplate()).join(t, policy.CodePCRMismatch)
}

// Quotes that do not cover what would give the rogue away.
func TestThreat06QuotesOverOtherRegistersAreRefused(t *testing.T) {
	r := newRogue(t, profile.AKTemplate())
	r.pretend(current)
	t.Run("all selected, other values beside", func(t *testing.T) { r.join(t, policy.CodePCRDigestMismatch) })
	for missing := range profile.PCRCount {
		t.Run(fmt.Sprintf("without PCR %d", missing), func(t *testing.T) {
			mask := []byte{0xff, 0xff, 0xff}
			mask[missing/8] &^= 1 << (missing % 8)
			r.selection = selected(tpm2.TPMAlgSHA256, mask)
			r.join(t, policy.CodeQuoteSelection)
		})
	}
	t.Run("nothing selected", func(t *testing.T) {
		r.selection = selected(tpm2.TPMAlgSHA256, []byte{0, 0, 0})
		r.join(t, policy.CodeQuoteSelection)
	})
	t.Run("SHA-1 selected", func(t *testing.T) {
		r.selection = selected(tpm2.TPMAlgSHA1, []byte{0xff, 0xff, 0xff})
		r.join(t, policy.CodeQuoteSelection)
	})
	t.Run("SHA-1 said", func(t *testing.T) {
		r.selection, r.bank = profile.QuoteSelection(), tpm.HashAlgo_SHA1
		r.join(t, policy.CodeQuoteSelection)
	})
}

func selected(bank tpm2.TPMAlgID, mask []byte) tpm2.TPMLPCRSelection {
	return tpm2.TPMLPCRSelection{PCRSelections: []tpm2.TPMSPCRSelection{{Hash: bank, PCRSelect: mask}}}
}

// Quotes that the TPM did not make: it was handed them to sign.
func TestThreat08InventedQuotesAreRefused(t *testing.T) {
	t.Run("signed by an unrestricted key", func(t *testing.T) {
		r := newRogue(t, unrestricted())
		r.pretend(current)
		r.quote = func(qualifying [sha256.Size]byte) (attested, signature []byte) {
			attested = r.invented(tpm2.TPMGeneratedValue, qualifying)
			return attested, r.sign(attested)
		}
		r.join(t, policy.CodeAKUnacceptable)
		t.Run("said to be restricted", func(t *testing.T) {
			area, err := tpm2.Unmarshal[tpm2.TPMTPublic](r.public)
			if err != nil {
				t.Fatal(err)
			}
			area.ObjectAttributes.Restricted = true
			r.public = tpm2.Marshal(area)
			r.join(t, policy.CodeActivationFailed) // the name is another key's
		})
	})
	t.Run("signed by the attestation key, under another magic", func(t *testing.T) {
		r := newRogue(t, profile.AKTemplate())
		r.pretend(current)
		r.quote = func(qualifying [sha256.Size]byte) (attested, signature []byte) {
			attested = r.invented(tpm2.TPMGeneratedValue^1, qualifying)
			return attested, r.sign(attested)
		}
		r.join(t, policy.CodeQuoteInvalid)
	})
}
