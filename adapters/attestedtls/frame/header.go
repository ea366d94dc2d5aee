package frame

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// HeaderSize is the length of a frame's header in bytes.
const HeaderSize = 5

// Header is what a frame announces.
type Header struct {
	Kind   Kind
	Length int // of the message in bytes, at most Kind.Bound
}

// ReadHeader reads a header. A kind that is not among those allowed, and a length
// over the kind's bound, give an *Error, which wraps ErrUnexpected or ErrTooLarge.
// Other errors are the reader's; a frame that ends in its header gives
// io.ErrUnexpectedEOF, and io.EOF means that there is no frame.
func ReadHeader(r io.Reader, allowed ...Kind) (Header, error) {
	var raw [HeaderSize]byte
	if _, err := io.ReadFull(r, raw[:]); err != nil {
		return Header{}, err
	}
	kind, length := Kind(raw[0]), binary.BigEndian.Uint32(raw[1:])
	if !slices.Contains(allowed, kind) {
		return Header{}, &Error{kind, "", fmt.Errorf("%w: want %v", ErrUnexpected, allowed)}
	}
	if uint64(length) > uint64(kind.Bound()) {
		return Header{}, &Error{kind, "", fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, length, kind.Bound())}
	}
	return Header{kind, int(length)}, nil
}

// firstRead is how much memory a header is believed for.
const firstRead = 4 << 10

// Read reads the message that the header announced, still encoded. It takes 4 KiB
// of memory at most until these have arrived, and then the announced length, at
// once. A message that ends early gives io.ErrUnexpectedEOF.
func (h Header) Read(r io.Reader) ([]byte, error) {
	message := make([]byte, min(h.Length, firstRead))
	n, err := io.ReadFull(r, message)
	if err == nil && h.Length > n {
		message = append(make([]byte, 0, h.Length), message...)[:h.Length]
		_, err = io.ReadFull(r, message[n:])
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return message, err
}

// appendHeader appends a header; the length follows with putLength.
func appendHeader(dst []byte, k Kind) []byte {
	return append(dst, byte(k), 0, 0, 0, 0)
}

func putLength(header []byte, length int) {
	binary.BigEndian.PutUint32(header[1:HeaderSize], uint32(length))
}
