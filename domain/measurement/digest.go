package measurement

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrDigest is wrapped by every error about the text or length of a digest.
var ErrDigest = errors.New("not a digest")

// Algorithm is a hash algorithm that registers and launch digests use. SHA-1
// is missing on purpose: no bank of it is ever accepted.
type Algorithm uint8

// The algorithms, by their TCG names.
const (
	SHA256 Algorithm = iota + 1 // PCRs
	SHA384                      // RTMRs, MRTD and SNP launch digests
)

// Size returns the length of a digest in bytes, and 0 for an unknown algorithm.
func (a Algorithm) Size() int {
	switch a {
	case SHA256:
		return sha256.Size
	case SHA384:
		return sha512.Size384
	default:
		return 0
	}
}

// String returns the algorithm's name in lower case, as in "sha256".
func (a Algorithm) String() string {
	switch a {
	case SHA256:
		return "sha256"
	case SHA384:
		return "sha384"
	default:
		return fmt.Sprintf("algorithm(%d)", uint8(a))
	}
}

// Digest is a hash value that knows its algorithm. Digests compare with ==. The
// zero Digest has no algorithm, and stands for 'no value'.
type Digest struct {
	algorithm Algorithm
	sum       [sha512.Size384]byte
}

// NewDigest returns the digest whose bytes are sum, copied. The length must be
// the algorithm's.
func NewDigest(a Algorithm, sum []byte) (Digest, error) {
	if a.Size() == 0 || len(sum) != a.Size() {
		return Digest{}, fmt.Errorf("%w: %d bytes for %v, want %d", ErrDigest, len(sum), a, a.Size())
	}
	d := Digest{algorithm: a}
	copy(d.sum[:], sum)
	return d, nil
}

// DigestSHA256 returns sum as a digest.
func DigestSHA256(sum [sha256.Size]byte) Digest {
	d := Digest{algorithm: SHA256}
	copy(d.sum[:], sum[:])
	return d
}

// DigestSHA384 returns sum as a digest.
func DigestSHA384(sum [sha512.Size384]byte) Digest {
	return Digest{algorithm: SHA384, sum: sum}
}

// Sum hashes data. An unknown algorithm gives the zero Digest.
func Sum(a Algorithm, data []byte) Digest {
	switch a {
	case SHA256:
		return DigestSHA256(sha256.Sum256(data))
	case SHA384:
		return DigestSHA384(sha512.Sum384(data))
	default:
		return Digest{}
	}
}

// ParseDigest reads lower-case hexadecimal. Its length decides the algorithm:
// 64 digits are SHA-256, 96 are SHA-384, and nothing else is a digest.
func ParseDigest(text string) (Digest, error) {
	algorithm := SHA256
	switch len(text) {
	case 2 * sha256.Size:
	case 2 * sha512.Size384:
		algorithm = SHA384
	default:
		return Digest{}, fmt.Errorf("%w: %d hexadecimal digits, want 64 (SHA-256) or 96 (SHA-384)", ErrDigest, len(text))
	}
	sum, err := hex.DecodeString(text)
	if err != nil {
		return Digest{}, fmt.Errorf("%w: %w", ErrDigest, err)
	}
	d, err := NewDigest(algorithm, sum)
	if err == nil && d.String() != text {
		return Digest{}, fmt.Errorf("%w: upper-case digits, want lower case", ErrDigest)
	}
	return d, err
}

// Algorithm returns the digest's algorithm, 0 for the zero Digest.
func (d Digest) Algorithm() Algorithm { return d.algorithm }

// IsZero says whether d is the zero Digest, the absence of a value. A register
// that holds zero bytes is not zero in this sense.
func (d Digest) IsZero() bool { return d.algorithm == 0 }

// Bytes returns a copy of the hash value, empty for the zero Digest.
func (d Digest) Bytes() []byte { return append([]byte(nil), d.sum[:d.algorithm.Size()]...) }

// String returns lower-case hexadecimal, empty for the zero Digest.
func (d Digest) String() string {
	var text [2 * sha512.Size384]byte
	return string(text[:hex.Encode(text[:], d.sum[:d.algorithm.Size()])])
}

// MarshalText encodes like String.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText decodes like ParseDigest.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := ParseDigest(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Extend returns H(d ‖ event), the value of a register that held d after event
// was extended into it. Both must be of one algorithm; the result is the zero
// Digest otherwise, which equals no register value.
func (d Digest) Extend(event Digest) Digest {
	if d.algorithm != event.algorithm {
		return Digest{}
	}
	size := d.algorithm.Size()
	var both [2 * sha512.Size384]byte
	copy(both[:], d.sum[:size])
	copy(both[size:], event.sum[:size])
	return Sum(d.algorithm, both[:2*size])
}
