package join

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/fixedhex"
)

// RequestIDSize is the size of a RequestID in bytes.
const RequestIDSize = 16

// ErrRequestID is wrapped by every error about the text of a request's ID.
var ErrRequestID = errors.New("not the ID of a request")

// RequestID names one request to join; 16 random bytes that the node makes. It
// is not secret. The zero ID names none.
type RequestID [RequestIDSize]byte

// ParseRequestID reads what String writes. The zero ID is refused. The error
// wraps ErrRequestID.
func ParseRequestID(text string) (RequestID, error) {
	var id RequestID
	if err := fixedhex.Decode(id[:], []byte(text)); err != nil {
		return RequestID{}, fmt.Errorf("%w: %w", ErrRequestID, err)
	}
	if id.IsZero() {
		return RequestID{}, fmt.Errorf("%w: all bytes are zero", ErrRequestID)
	}
	return id, nil
}

// IsZero says whether the ID names no request.
func (r RequestID) IsZero() bool { return r == RequestID{} }

// String returns 32 lower-case hexadecimal digits.
func (r RequestID) String() string { return hex.EncodeToString(r[:]) }

// MarshalText encodes like String.
func (r RequestID) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText decodes like ParseRequestID, and leaves r as it was on an error.
func (r *RequestID) UnmarshalText(text []byte) error {
	parsed, err := ParseRequestID(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}
