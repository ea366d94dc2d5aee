package keys

import (
	"encoding/hex"
	"fmt"
)

// fixedSize is the size in bytes of everything in this package that is fixed and
// not secret.
const fixedSize = 32

// checkSecret refuses a secret of another size than it must have, and one that
// nobody filled in.
func checkSecret(what string, secret Secret, size int) error {
	if secret.Len() != size {
		return &SizeError{What: what, Got: secret.Len(), Want: size}
	}
	if allZero(secret.Reveal()) {
		return fmt.Errorf("checking the %s: %w", what, ErrAllZero)
	}
	return nil
}

// fixed reads a value of fixed size that is not secret.
func fixed[T ~[fixedSize]byte](what string, b []byte) (T, error) {
	if len(b) != fixedSize {
		return T{}, &SizeError{What: what, Got: len(b), Want: fixedSize}
	}
	if allZero(b) {
		return T{}, fmt.Errorf("checking the %s: %w", what, ErrAllZero)
	}
	return T(b), nil
}

// fixedHex reads the one text form of such a value.
func fixedHex[T ~[fixedSize]byte](what, text string) (T, error) {
	if len(text) != hex.EncodedLen(fixedSize) {
		return T{}, &SizeError{What: what, Got: len(text), Want: hex.EncodedLen(fixedSize)}
	}
	for i := range len(text) {
		if !isLowerHex(text[i]) {
			return T{}, fmt.Errorf("reading the %s: digit %d is %q: %w", what, i, text[i], ErrHex)
		}
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return T{}, fmt.Errorf("reading the %s: %w", what, err)
	}
	return fixed[T](what, b)
}

// readFixedHex is fixedHex into a value that stays as it was on an error.
func readFixedHex[T ~[fixedSize]byte](value *T, what string, text []byte) error {
	parsed, err := fixedHex[T](what, string(text))
	if err != nil {
		return err
	}
	*value = parsed
	return nil
}

// allZero looks at every byte whatever it has seen before.
func allZero(b []byte) bool {
	var seen byte
	for _, c := range b {
		seen |= c
	}
	return seen == 0
}
