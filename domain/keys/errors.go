package keys

import (
	"errors"
	"fmt"
)

// The reasons for which this package refuses, beside [IDError], [LengthError]
// and [SizeError]; returned errors wrap them.
var (
	// ErrEmpty says that a secret was never set, or was wiped.
	ErrEmpty = errors.New("keys: secret is empty")
	// ErrGeneration says that a key generation is zero.
	ErrGeneration = errors.New("keys: key generations count from 1")
	// ErrNotReadable says that a text was to be read into a [Secret]: what a
	// secret writes is not the secret.
	ErrNotReadable = errors.New("keys: a secret cannot be read from text")
	// ErrAllZero says that a key, a salt or an ID has no bit set: nobody filled
	// it in.
	ErrAllZero = errors.New("keys: all bytes are zero")
	// ErrHex says that a text is not made of lower-case hexadecimal digits.
	ErrHex = errors.New("keys: not lower-case hexadecimal")
)

// IDError says which part of an [ID] is not allowed, and what would be.
type IDError struct {
	// Field is "id", "purpose" or "name".
	Field string
	// Value is what was given in its place.
	Value string
	// Allowed describes in words what the field may be.
	Allowed string
}

// Error names field, value (its beginning, quoted) and what is allowed.
func (e *IDError) Error() string {
	return fmt.Sprintf("keys: %s %.64q is not allowed: want %s", e.Field, e.Value, e.Allowed)
}

// LengthError says that a data key was asked for with a length that is not
// allowed.
type LengthError struct {
	// Length is what was asked for, in bytes.
	Length int
}

// Error names the length and the bounds.
func (e *LengthError) Error() string {
	return fmt.Sprintf("keys: data key of %d bytes: want %d to %d", e.Length, MinLength, MaxLength)
}

// SizeError says that a value of one fixed size was given with another.
type SizeError struct {
	// What names the value, as in "master secret".
	What string
	// Got and Want are sizes in bytes, or in digits where the value is text.
	Got, Want int
}

// Error names the value and both sizes.
func (e *SizeError) Error() string {
	return fmt.Sprintf("keys: %s has size %d, want %d", e.What, e.Got, e.Want)
}
