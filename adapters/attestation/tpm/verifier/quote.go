package verifier

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

const (
	maxQuoteSize     = 1 << 10
	maxSignatureSize = 1 << 10 // of another key; then that is the finding
	maxSelections    = 16
	qualifyingSize   = sha256.Size // of the report data: evidence.ReportData.Qualifying
)

// attest is a TPMS_ATTEST of a quote (TPM 2.0 Library, Part 2, section 10.12.12).
// Its byte strings alias the evidence.
type attest struct {
	magic           uint32
	kind            uint16
	qualifiedSigner []byte
	extraData       []byte
	resetCount      uint32
	restartCount    uint32
	safe            uint8
	selections      []selection
	pcrDigest       []byte
	whole           bool
}

// selection is a TPMS_PCR_SELECTION: a bank, and a bit for each register.
type selection struct {
	bank tpm2.TPMAlgID
	mask []byte
}

// String reads as in "sha256:000810", the mask in hexadecimal.
func (s selection) String() string {
	names := map[tpm2.TPMAlgID]string{tpm2.TPMAlgSHA1: "sha1", tpm2.TPMAlgSHA256: "sha256", tpm2.TPMAlgSHA384: "sha384"}
	name := names[s.bank]
	if name == "" {
		name = fmt.Sprintf("%#04x", uint16(s.bank))
	}
	return name + ":" + hex.EncodeToString(s.mask)
}

// parseAttest reads as much as there is. Where magic or kind are others than a
// quote's, what follows has another shape and is left alone.
func parseAttest(data []byte) attest {
	c := cursor{rest: data}
	a := attest{magic: c.uint32(), kind: c.uint16()}
	if a.magic != uint32(tpm2.TPMGeneratedValue) || a.kind != uint16(tpm2.TPMSTAttestQuote) {
		return a
	}
	a.qualifiedSigner, a.extraData = c.sized(), c.sized()
	c.take(8) // clock
	a.resetCount, a.restartCount, a.safe = c.uint32(), c.uint32(), c.uint8()
	c.take(8) // firmwareVersion
	count := c.uint32()
	for i := uint32(0); i < count && i < maxSelections && !c.cut; i++ {
		s := selection{bank: tpm2.TPMAlgID(c.uint16())}
		s.mask = c.take(int(c.uint8()))
		a.selections = append(a.selections, s)
	}
	a.pcrDigest = c.sized()
	a.whole = c.whole() && count <= maxSelections
	return a
}

// isQuote says whether a TPM made the structure, as a quote: a key that signs
// whatever it is handed could not make it say so if it is restricted.
func (a *attest) isQuote(f *findings) bool {
	ok := true
	if want := uint32(tpm2.TPMGeneratedValue); a.magic != want {
		ok = false
		f.add(invalidQuote("magic", fmt.Sprintf("%#x (TPM_GENERATED_VALUE)", want), fmt.Sprintf("%#x", a.magic)))
	}
	if want := uint16(tpm2.TPMSTAttestQuote); a.kind != want {
		ok = false
		f.add(invalidQuote("type", fmt.Sprintf("%#04x (TPM_ST_ATTEST_QUOTE)", want), fmt.Sprintf("%#04x", a.kind)))
	}
	if ok && !a.whole {
		ok = false
		f.add(invalidQuote("structure", "one TPMS_ATTEST and nothing after it", "bytes that do not add up"))
	}
	return ok
}

// check holds the quote's fields against what a verifier asks for.
func (a *attest) check(f *findings) {
	if len(a.extraData) != qualifyingSize {
		f.add(invalidQuote("extraData", fmt.Sprintf("%d bytes", qualifyingSize), fmt.Sprintf("%d bytes", len(a.extraData))))
	}
	if a.safe > 1 {
		f.add(invalidQuote("clockInfo.safe", "YES or NO", fmt.Sprintf("%d", a.safe)))
	}
	a.checkSelection(f)
	if len(a.pcrDigest) != sha256.Size {
		f.add(invalidQuote("pcrDigest", fmt.Sprintf("%d bytes", sha256.Size), fmt.Sprintf("%d bytes", len(a.pcrDigest))))
	}
}

// checkSelection takes one selection alone: any other one leaves registers out,
// or brings in a bank that can be forged.
func (a *attest) checkSelection(f *findings) {
	asked := profile.QuoteSelection().PCRSelections[0]
	want := selection{bank: asked.Hash, mask: asked.PCRSelect}
	if len(a.selections) == 1 && a.selections[0].bank == want.bank && bytes.Equal(a.selections[0].mask, want.mask) {
		return
	}
	f.add(wrongSelection(want.String(), fmt.Sprint(a.selections)))
}

func wrongSelection(expected, seen string) *problem {
	return &problem{
		code: policy.CodeQuoteSelection, subject: "PCR selection", expected: expected, seen: seen,
		remedy: "A quote must be over all 24 registers of the SHA-256 bank and nothing else; enable that bank in the TPM.",
	}
}

// checkDigest says whether the registers are those that the TPM hashed.
func (a *attest) checkDigest(values *[measurement.PCRCount][]byte, f *findings) {
	h := sha256.New()
	for _, v := range values {
		h.Write(v)
	}
	var sum [sha256.Size]byte
	if seen := h.Sum(sum[:0]); !bytes.Equal(seen, a.pcrDigest) {
		f.add(&problem{
			code: policy.CodePCRDigestMismatch, subject: "register values", expected: hex.EncodeToString(a.pcrDigest), seen: hex.EncodeToString(seen),
			remedy: "The values beside the quote are not those that the TPM signed; if nobody altered them, a register was extended in between: attest again.",
		})
	}
}

// checkSignature reads a TPMT_SIGNATURE (TPM 2.0 Library, Part 2, section
// 11.3.4) and checks it over the quote.
func checkSignature(ak *attestationKey, quote, signature []byte, f *findings) {
	c := cursor{rest: signature}
	scheme, hash := tpm2.TPMAlgID(c.uint16()), tpm2.TPMAlgID(c.uint16())
	if scheme != tpm2.TPMAlgECDSA || hash != tpm2.TPMAlgSHA256 {
		f.add(invalidSignature("ECDSA with SHA-256", fmt.Sprintf("scheme %#04x, hash %#04x", uint16(scheme), uint16(hash))))
		return
	}
	r, s := c.sized(), c.sized()
	if !c.whole() || len(r) > sha256.Size || len(s) > sha256.Size {
		f.add(invalidSignature("a TPMT_SIGNATURE", "bytes that do not add up"))
		return
	}
	if ak == nil {
		return // there is a finding on the key
	}
	sum := sha256.Sum256(quote)
	if !ecdsa.Verify(ak.key, sum[:], new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)) {
		f.add(invalidSignature("a signature of the attestation key over the quote", "one that does not verify"))
	}
}

func invalidQuote(subject, expected, seen string) *problem {
	return &problem{
		code: policy.CodeQuoteInvalid, subject: "quote: " + subject, expected: expected, seen: seen,
		remedy: "This is not what TPM2_Quote returns; if the machine's software is genuine, somebody forges quotes.",
	}
}

func invalidSignature(expected, seen string) *problem {
	return &problem{
		code: policy.CodeSignatureInvalid, subject: "quote", expected: expected, seen: seen,
		remedy: "The quote was not signed by the key that came with it, or was altered afterwards.",
	}
}
