package keys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
)

// KEKSize is the size of a [KEK] in bytes.
const KEKSize = 32

// Bounds of a data key's length in bytes. Below 128 bits a key can be guessed.
// Above 512 bytes no cipher or seed needs one (AES-256-XTS with HMAC-SHA-512
// takes 128), and each 32 bytes cost a caller nothing and the deriver an HMAC.
const (
	MinLength = 16
	MaxLength = 512
)

const dataKeyLabel = "asterism/v1/data-key"

// KEK is the key-encryption key of one generation. It derives data keys.
type KEK struct {
	opaque
	generation Generation
}

// NewKEK returns the KEK of a generation that was derived before and kept or
// handed on. It shares its memory with secret: wiping one wipes both.
//
// The error is a [*SizeError] unless secret has [KEKSize] bytes, or wraps
// [ErrAllZero] or [ErrGeneration].
func NewKEK(secret Secret, generation Generation) (KEK, error) {
	if err := generation.check(); err != nil {
		return KEK{}, err
	}
	if err := checkSecret("KEK", secret, KEKSize); err != nil {
		return KEK{}, err
	}
	return KEK{opaque: secret, generation: generation}, nil
}

// Generation returns which generation the KEK is of; zero for the zero value.
func (k KEK) Generation() Generation {
	return k.generation
}

// DataKey derives the data key with that ID and a length in bytes, [MinLength]
// to [MaxLength]. Keys that differ in ID, length or generation are independent
// of each other. The caller owns the result and wipes it after use.
//
// The error is an [*IDError] for the zero ID, a [*LengthError], or wraps
// [ErrEmpty] after a wipe.
func (k KEK) DataKey(id ID, length int) (Secret, error) {
	if err := id.check(); err != nil {
		return Secret{}, err
	}
	if length < MinLength || length > MaxLength {
		return Secret{}, &LengthError{Length: length}
	}
	return k.derive(id.purpose, id.name, length)
}

// derive is K of the package comment. Its callers have checked purpose, name and
// length.
func (k KEK) derive(purpose Purpose, name string, length int) (Secret, error) {
	if k.Len() == 0 {
		return Secret{}, fmt.Errorf("deriving a key from the KEK: %w", ErrEmpty)
	}
	info := make([]byte, 0, len(dataKeyLabel)+lp.Size(string(purpose), name)+8)
	info = append(info, dataKeyLabel...)
	info = lp.Append(info, string(purpose), name)
	info = binary.BigEndian.AppendUint32(info, uint32(k.generation))
	info = binary.BigEndian.AppendUint32(info, uint32(length))
	key, err := hkdf.Expand(sha256.New, k.Reveal(), string(info), length)
	if err != nil {
		return Secret{}, fmt.Errorf("deriving key %s/%s: %w", purpose, name, err)
	}
	return ownSecret(key), nil
}
