package fixedhex

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrText is wrapped by every refusal.
var ErrText = errors.New("not lower-case hexadecimal of the right length")

// Decode fills dst from text, two lower-case digits a byte. It leaves dst as it
// was on an error, which wraps ErrText.
func Decode(dst, text []byte) error {
	if len(text) != hex.EncodedLen(len(dst)) {
		return fmt.Errorf("%w: %d digits, want %d", ErrText, len(text), hex.EncodedLen(len(dst)))
	}
	for i, c := range text {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return fmt.Errorf("%w: digit %d is %q", ErrText, i, c)
		}
	}
	_, err := hex.Decode(dst, text)
	return err
}
