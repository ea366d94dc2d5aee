package lp

import (
	"encoding/binary"
	"math"
)

// MaxLength is the longest field in bytes that a length prefix can state.
const MaxLength = math.MaxUint32

// Size returns the number of bytes that Append adds for fields.
func Size[T ~[]byte | ~string](fields ...T) int {
	n := 0
	for _, f := range fields {
		n += 4 + len(f)
	}
	return n
}

// Append appends lp(field) for each field in order to dst. Callers bound their
// fields; one longer than MaxLength is a defect of the program, and panics
// rather than being encoded as something shorter.
func Append[T ~[]byte | ~string](dst []byte, fields ...T) []byte {
	for _, f := range fields {
		if uint64(len(f)) > MaxLength {
			panic("lp: field longer than its length prefix can state")
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(f)))
		dst = append(dst, f...)
	}
	return dst
}

// AppendUint32 appends lp of n as four bytes, big-endian.
func AppendUint32(dst []byte, n uint32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 4)
	return binary.BigEndian.AppendUint32(dst, n)
}
