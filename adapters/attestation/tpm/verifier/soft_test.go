package verifier_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/google/go-tpm-tools/proto/attest"
	tpmpb "github.com/google/go-tpm-tools/proto/tpm"
	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/recordedtest"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// signer is a key that signs whatever a test has it sign, as no restricted key of
// a TPM does: it gives recorded registers a quote, and makes those that no TPM
// would.
type signer struct {
	key  *ecdsa.PrivateKey
	area tpm2.TPMTPublic
}

func newSigner(t testing.TB) *signer {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	point := must(key.PublicKey.Bytes())(t)
	area := profile.AKTemplate()
	area.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
		X: tpm2.TPM2BECCParameter{Buffer: point[1:33]}, Y: tpm2.TPM2BECCParameter{Buffer: point[33:]},
	})
	return &signer{key, area}
}

func (s *signer) public() []byte { return tpm2.Marshal(s.area) }

// sign returns a TPMT_SIGNATURE over data.
func (s *signer) sign(t testing.TB, data []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(data)
	r, sig, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	encoded := []byte{0, byte(tpm2.TPMAlgECDSA), 0, byte(tpm2.TPMAlgSHA256)}
	for _, n := range [][]byte{r.FillBytes(make([]byte, 32)), sig.FillBytes(make([]byte, 32))} {
		encoded = append(binary.BigEndian.AppendUint16(encoded, 32), n...)
	}
	return encoded
}

// statement is a TPMS_ATTEST in parts, to be changed by tests.
type statement struct {
	magic           uint32
	kind            uint16
	qualifiedSigner []byte
	extraData       []byte
	safe            byte
	selection       []byte // TPML_PCR_SELECTION
	pcrDigest       []byte
	trailing        []byte
}

// genuine is the statement that a TPM would make of those registers.
func genuine(values map[uint32][]byte) *statement {
	h := sha256.New()
	for i := range uint32(measurement.PCRCount) {
		h.Write(values[i])
	}
	return &statement{
		magic: uint32(tpm2.TPMGeneratedValue), kind: uint16(tpm2.TPMSTAttestQuote),
		qualifiedSigner: make([]byte, 34), extraData: reportData(), safe: 1,
		selection: tpm2.Marshal(profile.QuoteSelection()), pcrDigest: h.Sum(nil),
	}
}

func (s *statement) encode() []byte {
	data := binary.BigEndian.AppendUint32(nil, s.magic)
	data = binary.BigEndian.AppendUint16(data, s.kind)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(s.qualifiedSigner))), s.qualifiedSigner...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(s.extraData))), s.extraData...)
	data = binary.BigEndian.AppendUint64(data, 12345) // clock
	data = binary.BigEndian.AppendUint32(data, 7)     // resetCount
	data = binary.BigEndian.AppendUint32(data, 3)     // restartCount
	data = append(data, s.safe)
	data = binary.BigEndian.AppendUint64(data, 0x2024) // firmwareVersion
	data = append(data, s.selection...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(s.pcrDigest))), s.pcrDigest...)
	return append(data, s.trailing...)
}

// attestation is evidence of those registers, with that log.
func (s *signer) attestation(t testing.TB, values map[uint32][]byte, log []byte) *attest.Attestation {
	t.Helper()
	quote := genuine(values).encode()
	return &attest.Attestation{
		AkPub: s.public(), EventLog: log,
		Quotes: []*tpmpb.Quote{{
			Quote: quote, RawSig: s.sign(t, quote), Pcrs: &tpmpb.PCRs{Hash: tpmpb.HashAlgo_SHA256, Pcrs: values},
		}},
	}
}

// registersOf returns the registers of a recorded log, those that were not
// recorded as they are at power-on.
func registersOf(t testing.TB, log *recordedtest.Log) map[uint32][]byte {
	t.Helper()
	values := make(map[uint32][]byte)
	for i := range measurement.PCRCount {
		r := must(measurement.NewRegister(measurement.PCR, i))(t)
		value := log.Registers.Get(r)
		if value.IsZero() {
			value = r.PowerOn()
		}
		values[uint32(i)] = value.Bytes()
	}
	return values
}
