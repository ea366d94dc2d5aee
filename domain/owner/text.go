package owner

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/fixedhex"
)

// PublicKey is an Ed25519 public key (RFC 8032).
type PublicKey [ed25519.PublicKeySize]byte

// String returns 64 lower-case hexadecimal digits.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

// MarshalText encodes like String.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText decodes what String writes, and leaves k as it was on an error.
func (k *PublicKey) UnmarshalText(text []byte) error {
	if err := fixedhex.Decode(k[:], text); err != nil {
		return fmt.Errorf("reading a public key: %w", err)
	}
	return nil
}

// Hash is SHA-256 of an encoded document or statement.
type Hash [sha256.Size]byte

// String returns 64 lower-case hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText encodes like String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText decodes what String writes, and leaves h as it was on an error.
func (h *Hash) UnmarshalText(text []byte) error {
	if err := fixedhex.Decode(h[:], text); err != nil {
		return fmt.Errorf("reading a hash: %w", err)
	}
	return nil
}
