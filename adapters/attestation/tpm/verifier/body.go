package verifier

import (
	"crypto/sha256"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Bounds of a body. The whole evidence is bounded by evidence.MaxSize.
const (
	maxQuotes = 8
	maxLog    = 1 << 20
	maxCEL    = 64 << 10
)

// Fields of go-tpm-tools' messages attest.Attestation, tpm.Quote and tpm.PCRs.
const (
	fieldAKPublic = 1
	fieldQuotes   = 2
	fieldEventLog = 3
	fieldCEL      = 5

	fieldQuote     = 1
	fieldSignature = 2
	fieldPCRs      = 3

	fieldBank   = 1
	fieldValues = 2

	fieldIndex = 1
	fieldValue = 2
)

// body is what an attestation holds. Its byte strings alias the evidence.
type body struct {
	akPublic []byte
	quotes   []quoted
	eventLog []byte
	cel      []byte
}

// quoted is one quote with its signature and the values of the registers.
type quoted struct {
	quote     []byte
	signature []byte
	bank      tpm2.TPMAlgID
	values    [measurement.PCRCount][]byte
	count     int
}

// parseBody reads an attest.Attestation as our attester writes it: the fields
// in order, each at most once but quotes, and no field that a TPM's evidence has
// no use for. It returns nil where the encoding cannot be followed to its end.
func parseBody(data []byte, f *findings) *body {
	b := &body{}
	m := message{name: "attestation", rest: data, findings: f}
	for m.next() {
		switch m.number {
		case fieldAKPublic:
			b.akPublic = m.once(maxPublicSize)
		case fieldQuotes:
			b.addQuote(&m, f)
		case fieldEventLog:
			b.eventLog = m.once(maxLog)
		case fieldCEL:
			b.cel = m.once(maxCEL)
		default:
			m.unused(unusedField(m.number))
		}
	}
	if m.broken {
		return nil
	}
	return b
}

// unusedField names the fields that exist and that evidence of a TPM leaves
// empty.
func unusedField(number protowire.Number) string {
	names := map[protowire.Number]string{
		4: "instance_info", 6: "ak_cert", 7: "intermediate_certs", 8: "sev_snp_attestation", 9: "tdx_attestation",
	}
	return names[number]
}

func (b *body) addQuote(m *message, f *findings) {
	data := m.bytes(maxQuoteSize + maxSignatureSize + 4<<10)
	if len(b.quotes) == maxQuotes {
		m.fail("at most "+strconv.Itoa(maxQuotes)+" quotes", "more")
		return
	}
	q := quoted{}
	sub := message{name: "quote", rest: data, findings: f}
	for sub.next() {
		switch sub.number {
		case fieldQuote:
			q.quote = sub.once(maxQuoteSize)
		case fieldSignature:
			q.signature = sub.once(maxSignatureSize)
		case fieldPCRs:
			q.readPCRs(sub.once(4<<10), f)
		default:
			sub.unused("")
		}
	}
	m.broken = m.broken || sub.broken
	b.quotes = append(b.quotes, q)
}

func (q *quoted) readPCRs(data []byte, f *findings) {
	m := message{name: "PCRs", rest: data, findings: f}
	last, ordered := -1, true
	for m.next() {
		switch m.number {
		case fieldBank:
			q.bank = tpm2.TPMAlgID(m.onceVarint(1<<16 - 1))
		case fieldValues:
			index := q.readPCR(m.bytes(128), f)
			ordered = ordered && index > last
			last = index
		default:
			m.unused("")
		}
	}
	if !ordered {
		f.malformed("PCR values", "registers in order, as deterministic encoding writes them", "another order")
	}
}

// readPCR reads an entry of the map and returns its index.
func (q *quoted) readPCR(data []byte, f *findings) int {
	m := message{name: "PCR", rest: data, findings: f}
	index, value := -1, []byte(nil)
	for m.next() {
		switch m.number {
		case fieldIndex:
			index = int(m.onceVarint(1<<32 - 1))
		case fieldValue:
			value = m.once(64)
		default:
			m.unused("")
		}
	}
	if index < 0 || index >= measurement.PCRCount || q.values[index] != nil {
		f.malformed("PCR values", "each of the registers 0 to 23 once", "register "+strconv.Itoa(index))
		return index
	}
	q.values[index] = value
	q.count++
	return index
}

// sha256Values says whether there are 24 values of SHA-256's length.
func (q *quoted) sha256Values(f *findings) bool {
	ok := q.count == measurement.PCRCount
	for _, v := range &q.values {
		ok = ok && len(v) == sha256.Size
	}
	if !ok {
		f.malformed("PCR values", "24 values of 32 bytes", fmt.Sprintf("%d values", q.count))
	}
	return ok
}
