package evidence

import (
	"encoding/hex"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/fixedhex"
)

// SPKIHash is SHA-256 of a certificate's SubjectPublicKeyInfo in DER (RFC 5280,
// section 4.1.2.7). It names a key, whatever certificates there are of it.
type SPKIHash [SPKIHashSize]byte

// String returns 64 lower-case hexadecimal digits.
func (h SPKIHash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText encodes like String.
func (h SPKIHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText decodes what String writes, and leaves h as it was on an error.
func (h *SPKIHash) UnmarshalText(text []byte) error {
	if err := fixedhex.Decode(h[:], text); err != nil {
		return fmt.Errorf("reading the hash of a public key: %w", err)
	}
	return nil
}
