package lifecycle

import "math/bits"

// Indices is a set of the indices of shares, 0 to 255.
type Indices [4]uint64

// Has says whether i is in the set.
func (x Indices) Has(i uint8) bool { return x[i/64]&(1<<(i%64)) != 0 }

// With returns the set with i in it.
func (x Indices) With(i uint8) Indices {
	x[i/64] |= 1 << (i % 64)
	return x
}

// Len returns how many there are.
func (x Indices) Len() int {
	n := 0
	for _, word := range x {
		n += bits.OnesCount64(word)
	}
	return n
}
