package lp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors that a Reader gives; callers wrap them with the name of the field.
var (
	// ErrTruncated says that the input ends before the field does.
	ErrTruncated = errors.New("input ends inside the field")
	// ErrTooLong says that the field is longer than its bound.
	ErrTooLong = errors.New("field is longer than allowed")
	// ErrTrailing says that bytes follow the last field.
	ErrTrailing = errors.New("bytes follow the last field")
)

// Reader takes a string of length-prefixed fields apart. It never copies: the
// fields it returns alias the input. The zero value reads an empty input.
type Reader struct {
	rest []byte
	read int
}

// NewReader returns a Reader over data, which must not change while its fields
// are in use.
func NewReader(data []byte) *Reader { return &Reader{rest: data} }

// Offset returns how many bytes have been read, for errors that name a place.
func (r *Reader) Offset() int { return r.read }

// Literal reads exactly the bytes of want, which carry no length prefix.
func (r *Reader) Literal(want string) error {
	if len(r.rest) < len(want) {
		return ErrTruncated
	}
	if got := r.rest[:len(want)]; string(got) != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	r.advance(len(want))
	return nil
}

// Field reads one field of at most limit bytes.
func (r *Reader) Field(limit int) ([]byte, error) {
	n, err := r.peekUint32()
	if err != nil {
		return nil, err
	}
	if uint64(n) > uint64(limit) {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, n, limit)
	}
	if uint64(len(r.rest)-4) < uint64(n) {
		return nil, ErrTruncated
	}
	field := r.rest[4 : 4+int(n) : 4+int(n)]
	r.advance(4 + int(n))
	return field, nil
}

// Uint32 reads a bare big-endian uint32, which carries no length prefix.
func (r *Reader) Uint32() (uint32, error) {
	n, err := r.peekUint32()
	if err != nil {
		return 0, err
	}
	r.advance(4)
	return n, nil
}

// End says that the input must be used up.
func (r *Reader) End() error {
	if len(r.rest) != 0 {
		return fmt.Errorf("%w: %d bytes", ErrTrailing, len(r.rest))
	}
	return nil
}

func (r *Reader) peekUint32() (uint32, error) {
	if len(r.rest) < 4 {
		return 0, ErrTruncated
	}
	return binary.BigEndian.Uint32(r.rest), nil
}

func (r *Reader) advance(n int) {
	r.rest = r.rest[n:]
	r.read += n
}
