package eventlog

import (
	"encoding/binary"
	"fmt"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Types of fields of a record (TCG Canonical Event Log Format, section 5).
const (
	celRecordNumber = 0
	celRegister     = 1
	celDigests      = 3
	celSHA256       = algorithmSHA256

	maxContent = 1 << 10 // bytes of what was measured
)

// readCEL reads records numbered from 0, each with a register, one SHA-256 digest
// and its content, in this order. The content is believed where the digest is of
// it, and told where it is our mark.
func (p *parser) readCEL(log []byte) error {
	r := &tlvReader{rest: log}
	for n := uint64(0); len(r.rest) > 0; n++ {
		if err := p.count(); err != nil {
			return err
		}
		e, err := r.record(n)
		if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
		p.append(e)
	}
	return nil
}

// tlvReader reads fields of a type of one byte, a length of four, big endian, and
// a value.
type tlvReader struct{ rest []byte }

func (r *tlvReader) next() (kind uint8, value []byte, err error) {
	const header = 5
	if len(r.rest) < header {
		return 0, nil, fmt.Errorf("%w: it is cut off", ErrMalformed)
	}
	kind, size := r.rest[0], binary.BigEndian.Uint32(r.rest[1:])
	if uint64(size) > uint64(len(r.rest)-header) {
		return 0, nil, fmt.Errorf("%w: it is cut off", ErrMalformed)
	}
	value = r.rest[header : header+size]
	r.rest = r.rest[header+size:]
	return kind, value, nil
}

// field reads a field that must be of that type and size.
func (r *tlvReader) field(kind uint8, size int) ([]byte, error) {
	got, value, err := r.next()
	if err == nil && (got != kind || len(value) != size) {
		err = fmt.Errorf("%w: a field of type %d with %d bytes, want type %d with %d", ErrMalformed, got, len(value), kind, size)
	}
	return value, err
}

func (r *tlvReader) record(number uint64) (measurement.Event, error) {
	e := measurement.Event{}
	value, err := r.field(celRecordNumber, 8)
	if err != nil {
		return e, err
	}
	if got := binary.BigEndian.Uint64(value); got != number {
		return e, fmt.Errorf("%w: it has the number %d", ErrMalformed, got)
	}
	if value, err = r.field(celRegister, 1); err != nil {
		return e, err
	}
	if e.Register, err = measurement.NewRegister(measurement.PCR, int(value[0])); err != nil {
		return e, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if e.Digest, err = r.digest(); err != nil {
		return e, err
	}
	kind, content, err := r.next()
	if err != nil || len(content) > maxContent {
		return e, fmt.Errorf("%w: content of %d bytes, at most %d", ErrMalformed, len(content), maxContent)
	}
	if kind == profile.MarkContentType && e.Digest == measurement.Sum(measurement.SHA256, content) {
		e.Type, e.Description = "ASTERISM_MARK", markText(content)
	}
	return e, nil
}

// markText names the cluster and its owner.
func markText(content []byte) string {
	cluster, owner, ok := keys.ParseMarkContent(content)
	if !ok {
		return ""
	}
	return fmt.Sprintf("cluster %v, owner %v", cluster, owner)
}

func (r *tlvReader) digest() (measurement.Digest, error) {
	value, err := r.field(celDigests, 5+32)
	if err != nil {
		return measurement.Digest{}, err
	}
	sum, err := (&tlvReader{rest: value}).field(celSHA256, 32)
	if err != nil {
		return measurement.Digest{}, err
	}
	return measurement.DigestSHA256([32]byte(sum)), nil
}
