package owner

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
	"github.com/asterism-k8s/asterism/domain/keys"
)

const documentLabel = "asterism/owner-document/v1"

// Bounds of documents.
const (
	MaxKeys         = 16
	MaxDocumentSize = len(documentLabel) + 4 + 4 + sha256.Size + 4 + 4 + MaxKeys*(4+ed25519.PublicKeySize) // bytes, encoded
)

// ErrDocument is wrapped by every error about the encoding of a document.
var ErrDocument = errors.New("not an owner document")

// Document is one state of an owner's keys.
type Document struct {
	Number    uint32      // place in the chain, from 0
	Previous  Hash        // of the document before; zero in the first
	Threshold uint32      // how many of the keys must sign, from 1
	Keys      []PublicKey // sorted, none twice, at most MaxKeys
}

// Encode returns
//
//	"asterism/owner-document/v1" ‖ uint32(number) ‖ lp(previous) ‖ uint32(threshold) ‖ uint32(keys) ‖ lp(key)…
//
// with previous empty in the first document. A document has one encoding. The
// error wraps ErrDocument.
func (d *Document) Encode() ([]byte, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	previous := d.Previous[:]
	if d.Number == 0 {
		previous = nil
	}
	data := binary.BigEndian.AppendUint32([]byte(documentLabel), d.Number)
	data = lp.Append(data, previous)
	data = binary.BigEndian.AppendUint32(data, d.Threshold)
	data = binary.BigEndian.AppendUint32(data, uint32(len(d.Keys)))
	for i := range d.Keys {
		data = lp.Append(data, d.Keys[i][:])
	}
	return data, nil
}

// DecodeDocument reads what Encode writes, and nothing else. The error wraps
// ErrDocument.
func DecodeDocument(data []byte) (*Document, error) {
	d, err := decodeDocument(lp.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if err := d.validate(); err != nil {
		return nil, err
	}
	return d, nil
}

func decodeDocument(r *lp.Reader) (*Document, error) {
	if err := r.Literal(documentLabel); err != nil {
		return nil, fmt.Errorf("reading the label: %w", err)
	}
	d := &Document{}
	var err error
	if d.Number, err = r.Uint32(); err != nil {
		return nil, fmt.Errorf("reading the number: %w", err)
	}
	if d.Number > 0 {
		err = readFixed(r, d.Previous[:])
	} else {
		err = readFixed(r, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the hash of the previous document: %w", err)
	}
	if d.Threshold, err = r.Uint32(); err != nil {
		return nil, fmt.Errorf("reading the threshold: %w", err)
	}
	if d.Keys, err = readKeys(r); err != nil {
		return nil, err
	}
	return d, r.End()
}

func readKeys(r *lp.Reader) ([]PublicKey, error) {
	count, err := r.Uint32()
	if err != nil {
		return nil, fmt.Errorf("reading the number of keys: %w", err)
	}
	if count > MaxKeys {
		return nil, fmt.Errorf("%d keys, at most %d", count, MaxKeys)
	}
	list := make([]PublicKey, count)
	for i := range list {
		if err := readFixed(r, list[i][:]); err != nil {
			return nil, fmt.Errorf("reading key %d: %w", i, err)
		}
	}
	return list, nil
}

// readFixed reads a field that must fill dst exactly.
func readFixed(r *lp.Reader, dst []byte) error {
	field, err := r.Field(len(dst))
	if err != nil {
		return err
	}
	if len(field) != len(dst) {
		return fmt.Errorf("%d bytes, want %d", len(field), len(dst))
	}
	copy(dst, field)
	return nil
}

func (d *Document) validate() error {
	switch {
	case len(d.Keys) > MaxKeys:
		return fmt.Errorf("%w: %d keys, at most %d", ErrDocument, len(d.Keys), MaxKeys)
	case d.Threshold == 0 || uint64(d.Threshold) > uint64(len(d.Keys)):
		return fmt.Errorf("%w: threshold %d of %d keys", ErrDocument, d.Threshold, len(d.Keys))
	case (d.Number == 0) != (d.Previous == Hash{}):
		return fmt.Errorf("%w: document %d names %v as the one before", ErrDocument, d.Number, d.Previous)
	case slices.Contains(d.Keys, PublicKey{}):
		return fmt.Errorf("%w: a key is all zeros", ErrDocument)
	}
	for i := 1; i < len(d.Keys); i++ {
		if bytes.Compare(d.Keys[i-1][:], d.Keys[i][:]) >= 0 {
			return fmt.Errorf("%w: key %d is not sorted after key %d", ErrDocument, i, i-1)
		}
	}
	return nil
}

// Hash returns the hash that the next document names. The error wraps
// ErrDocument.
func (d *Document) Hash() (Hash, error) {
	data, err := d.Encode()
	if err != nil {
		return Hash{}, err
	}
	return sha256.Sum256(data), nil
}

// ID returns the owner ID of an owner whose first document this is. The error
// wraps ErrDocument.
func (d *Document) ID() (keys.OwnerID, error) {
	if d.Number != 0 {
		return keys.OwnerID{}, fmt.Errorf("%w: document %d is not an owner's first", ErrDocument, d.Number)
	}
	hash, err := d.Hash()
	return keys.OwnerID(hash), err
}
