package evidence

import (
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
)

const recordLabel = "asterism/evidence-record/v1"

// MaxRecordSize is how many bytes an encoded Record may have.
const MaxRecordSize = len(recordLabel) + 4*4 + MaxNonceSize + MaxStatementSize + MaxPathSize + MaxSize

// ErrRecord is wrapped by every error about the encoding of a record.
var ErrRecord = errors.New("not a record of evidence")

// Record is the answer to one request for verification, as it lies in a file:
// what was asked, what was said, and the evidence for both. Whoever reads it
// later needs nothing else to verify it, and decides for itself whether the
// nonce is its own.
type Record struct {
	Nonce     []byte // MinNonceSize to MaxNonceSize bytes
	Statement []byte // 1 to MaxStatementSize bytes
	Path      Path
	Evidence  *Evidence
}

// Encode returns
//
//	"asterism/evidence-record/v1" ‖ lp(nonce) ‖ lp(statement) ‖ lp(path) ‖ lp(evidence)
//
// A record has one encoding. The error wraps what is wrong with its parts.
func (r *Record) Encode() ([]byte, error) {
	if _, err := NewVerificationBinding(r.Nonce, r.Statement); err != nil {
		return nil, err
	}
	path := r.Path.Encode()
	if _, err := DecodePath(path); err != nil {
		return nil, err
	}
	encoded, err := r.Evidence.Encode()
	if err != nil {
		return nil, err
	}
	return lp.Append([]byte(recordLabel), r.Nonce, r.Statement, path, encoded), nil
}

// DecodeRecord reads what Encode writes, and nothing else. The result aliases
// data. The error wraps ErrRecord, and what is wrong with a part.
func DecodeRecord(data []byte) (*Record, error) {
	if len(data) > MaxRecordSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrRecord, len(data), MaxRecordSize)
	}
	r, err := decodeRecord(lp.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return r, nil
}

func decodeRecord(reader *lp.Reader) (*Record, error) {
	if err := reader.Literal(recordLabel); err != nil {
		return nil, fmt.Errorf("reading the label: %w", err)
	}
	r := &Record{}
	var path, envelope []byte
	for _, field := range []struct {
		name  string
		limit int
		dst   *[]byte
	}{
		{"nonce", MaxNonceSize, &r.Nonce},
		{"statement", MaxStatementSize, &r.Statement},
		{"path", MaxPathSize, &path},
		{"evidence", MaxSize, &envelope},
	} {
		var err error
		if *field.dst, err = reader.Field(field.limit); err != nil {
			return nil, fmt.Errorf("reading the %s at byte %d: %w", field.name, reader.Offset(), err)
		}
	}
	if err := reader.End(); err != nil {
		return nil, err
	}
	if err := r.open(path, envelope); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Record) open(path, envelope []byte) (err error) {
	if _, err = NewVerificationBinding(r.Nonce, r.Statement); err != nil {
		return err
	}
	if r.Path, err = DecodePath(path); err != nil {
		return err
	}
	r.Evidence, err = Decode(envelope)
	return err
}

// ReportData returns what the hardware must have signed if the evidence was made
// for the record's nonce and statement, and key was the attestation key.
func (r *Record) ReportData(key AttestationKey) (ReportData, error) {
	binding, err := NewVerificationBinding(r.Nonce, r.Statement)
	if err != nil {
		return ReportData{}, err
	}
	return r.Path.ReportData(binding.Leaf(), key)
}
