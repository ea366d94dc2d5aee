package profile

import (
	"crypto/sha256"

	"github.com/google/go-tpm/tpm2"
)

// PCRCount is how many registers the bank has (PC Client Platform TPM Profile,
// section 4.6). Quotes are over all of them.
const PCRCount = 24

// PCRBank is the bank that is quoted.
const PCRBank = tpm2.TPMAlgSHA256

// PCRValues are the registers of the bank, by index.
type PCRValues [PCRCount][sha256.Size]byte

// Digest returns SHA-256 over the values in the order of their indices, which is
// what a quote over all of them holds (TPMS_QUOTE_INFO, pcrDigest).
func (v *PCRValues) Digest() [sha256.Size]byte {
	h := sha256.New()
	for i := range v {
		h.Write(v[i][:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// QuoteSelection returns the one selection that quotes are made with and
// verified against: every register of the bank, and of no other bank.
func QuoteSelection() tpm2.TPMLPCRSelection { return selection(0xff, 0xff, 0xff) }

// ReadSelection returns the selection of the eight registers from 8*octet on,
// octet being 0, 1 or 2: TPM2_PCR_Read returns eight digests at most.
func ReadSelection(octet int) tpm2.TPMLPCRSelection {
	var mask [PCRCount / 8]byte
	mask[octet] = 0xff
	return selection(mask[:]...)
}

func selection(mask ...byte) tpm2.TPMLPCRSelection {
	return tpm2.TPMLPCRSelection{PCRSelections: []tpm2.TPMSPCRSelection{{Hash: PCRBank, PCRSelect: mask}}}
}
