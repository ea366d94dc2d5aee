package frame

import (
	"errors"
	"fmt"
)

// Errors of this package.
var (
	// ErrFrame is wrapped by every error about what a peer sent.
	ErrFrame = errors.New("not a frame of the handshake")
	// ErrUnexpected is wrapped as well where the kind has no place here.
	ErrUnexpected = errors.New("out of place")
	// ErrTooLarge is wrapped as well where the frame is over its bound.
	ErrTooLarge = errors.New("over its bound")
)

// Error says what is wrong with a frame. It wraps ErrFrame.
type Error struct {
	Kind  Kind   // 0 where not even that is known
	Field string // of the message, as in frames.proto; empty where the frame as a whole is meant
	Err   error
}

// Error returns kind, field and cause.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%v: %v: %v", ErrFrame, e.Kind, e.Err)
	}
	return fmt.Sprintf("%v: %v: %s: %v", ErrFrame, e.Kind, e.Field, e.Err)
}

// Unwrap returns ErrFrame and the cause.
func (e *Error) Unwrap() []error { return []error{ErrFrame, e.Err} }

func wrong(k Kind, field, format string, args ...any) error {
	return &Error{k, field, fmt.Errorf(format, args...)}
}
