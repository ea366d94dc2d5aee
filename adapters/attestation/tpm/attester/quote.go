package attester

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/ports"
)

// maxQuoteAttempts is how often a quote is made again when registers were
// extended while it was made.
const maxQuoteAttempts = 5

var errUnsteady = errors.New("registers change all the time")

// quote is a quote with the values that its digest covers.
type quote struct {
	attest    []byte // TPMS_ATTEST
	signature []byte // TPMT_SIGNATURE
	pcrs      profile.PCRValues
}

// quote makes a quote over all registers. Their values are read only where those
// that were seen last are not those that were quoted.
func (c *connection) quote(qualifying [sha256.Size]byte) (*quote, error) {
	for range maxQuoteAttempts {
		q, digest, err := c.sign(qualifying)
		if err != nil {
			return nil, err
		}
		if c.pcrs.Digest() != digest {
			if c.pcrs, err = c.readPCRs(); err != nil {
				return nil, err
			}
		}
		if c.pcrs.Digest() == digest {
			q.pcrs = c.pcrs
			return q, nil
		}
	}
	return nil, fmt.Errorf("%w: %w: %d quotes did not agree with the registers that were read after them",
		ports.ErrUnavailable, errUnsteady, maxQuoteAttempts)
}

// sign makes one quote (TPM2_Quote, TPM 2.0 Library, Part 3, section 18.4) and
// returns the digest of registers in it.
func (c *connection) sign(qualifying [sha256.Size]byte) (*quote, [sha256.Size]byte, error) {
	var response *tpm2.QuoteResponse
	var digest [sha256.Size]byte
	err := c.ak.with(c.tpm, func(ak tpm2.AuthHandle) error {
		var err error
		response, err = tpm2.Quote{
			SignHandle:     ak,
			QualifyingData: tpm2.TPM2BData{Buffer: qualifying[:]},
			InScheme:       tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
			PCRSelect:      profile.QuoteSelection(),
		}.Execute(c.tpm)
		if err != nil {
			return err
		}
		digest, err = c.pcrDigest(&response.Quoted)
		return err
	})
	if err != nil {
		return nil, [sha256.Size]byte{}, fmt.Errorf("quoting: %w", err)
	}
	return &quote{attest: response.Quoted.Bytes(), signature: tpm2.Marshal(response.Signature)}, digest, nil
}

// pcrDigest returns the digest in what our key, and no other, has signed.
func (c *connection) pcrDigest(quoted *tpm2.TPM2BAttest) ([sha256.Size]byte, error) {
	attest, err := quoted.Contents()
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("reading what was signed: %w", err)
	}
	if !bytes.Equal(attest.QualifiedSigner.Buffer, c.ak.qualified) {
		return [sha256.Size]byte{}, errEvicted
	}
	info, err := attest.Attested.Quote()
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("reading what was signed: %w", err)
	}
	if len(info.PCRDigest.Buffer) != sha256.Size {
		return [sha256.Size]byte{}, fmt.Errorf("a digest of registers of %d bytes", len(info.PCRDigest.Buffer))
	}
	return [sha256.Size]byte(info.PCRDigest.Buffer), nil
}

// readPCRs reads all registers, eight at a time. Whether they are of one moment
// shows when their digest is compared with a quote's.
func (c *connection) readPCRs() (profile.PCRValues, error) {
	var values profile.PCRValues
	for octet := range profile.PCRCount / 8 {
		if err := c.readOctet(octet, &values); err != nil {
			return profile.PCRValues{}, err
		}
	}
	return values, nil
}

func (c *connection) readOctet(octet int, values *profile.PCRValues) error {
	selection := profile.ReadSelection(octet)
	response, err := tpm2.PCRRead{PCRSelectionIn: selection}.Execute(c.tpm)
	if err != nil {
		return fmt.Errorf("reading registers: %w", err)
	}
	got, asked := response.PCRSelectionOut.PCRSelections, selection.PCRSelections[0]
	if len(got) != 1 || got[0].Hash != asked.Hash || !bytes.Equal(got[0].PCRSelect, asked.PCRSelect) || len(response.PCRValues.Digests) != 8 {
		return fmt.Errorf("%w: the TPM keeps no SHA-256 registers; activate that bank in the firmware's settings", ports.ErrUnavailable)
	}
	for i, digest := range response.PCRValues.Digests {
		if len(digest.Buffer) != sha256.Size {
			return fmt.Errorf("reading registers: register %d has %d bytes", 8*octet+i, len(digest.Buffer))
		}
		values[8*octet+i] = [sha256.Size]byte(digest.Buffer)
	}
	return nil
}
