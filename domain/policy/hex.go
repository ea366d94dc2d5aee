package policy

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrHex is wrapped by every error about hexadecimal text.
var ErrHex = errors.New("not lower-case hexadecimal")

// Hex is a byte string that documents hold as lower-case hexadecimal.
type Hex []byte

// String returns lower-case hexadecimal.
func (h Hex) String() string { return hex.EncodeToString(h) }

// MarshalText encodes like String.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText decodes lower-case hexadecimal of even length.
func (h *Hex) UnmarshalText(text []byte) error {
	decoded := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(decoded, text); err != nil {
		return fmt.Errorf("%w: %w", ErrHex, err)
	}
	if Hex(decoded).String() != string(text) {
		return fmt.Errorf("%w: upper-case digits", ErrHex)
	}
	*h = decoded
	return nil
}
