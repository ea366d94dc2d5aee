package merkle

import (
	"fmt"
	"math/bits"
)

// MaxSize is the largest size from which [NewFrontier] resumes: 2^63 leaves. It
// leaves so much room that no count of appended leaves overflows.
const MaxSize uint64 = 1 << 63

// Frontier is the growing edge of a tree: the roots of its complete subtrees,
// one for each bit of its size, at most 64. That is all that appending and
// the root need. The zero value is the empty tree. A Frontier is a plain value:
// an assignment makes an independent copy, and == compares.
type Frontier struct {
	size uint64
	// peaks[i] is the root of the complete subtree of 2^i leaves if bit i of size
	// is set, and zero otherwise. Larger subtrees lie further left in the tree.
	peaks [64]Hash
}

// NewFrontier resumes from a size (leaves) and the subtree roots that
// [Frontier.Peaks] returned for it, the largest subtree first. It wants exactly
// as many as the size has bits set.
//
// The error wraps [ErrOutOfRange] if size is above [MaxSize], and [ErrLength].
// Whether the peaks are the right ones only the root tells: compare
// [Frontier.Root] with a trusted one.
func NewFrontier(size uint64, peaks []Hash) (Frontier, error) {
	if size > MaxSize {
		return Frontier{}, fmt.Errorf("%w: %d leaves, at most %d", ErrOutOfRange, size, MaxSize)
	}
	if want := bits.OnesCount64(size); len(peaks) != want {
		return Frontier{}, fmt.Errorf("%w: a frontier of %d leaves has %d, got %d",
			ErrLength, size, want, len(peaks))
	}
	f := Frontier{size: size}
	for rest := size; rest != 0; rest &= rest - 1 {
		last := len(peaks) - 1
		f.peaks[bits.TrailingZeros64(rest)] = peaks[last]
		peaks = peaks[:last]
	}
	return f, nil
}

// Append adds one leaf, given its hash ([LeafHash]). On average it computes less
// than one node.
func (f *Frontier) Append(leaf Hash) {
	node, level := leaf, 0
	for ; f.size>>level&1 == 1; level++ {
		node = NodeHash(f.peaks[level], node)
		f.peaks[level] = Hash{}
	}
	f.peaks[level] = node
	f.size++
}

// Size returns the number of leaves.
func (f *Frontier) Size() uint64 {
	return f.size
}

// Root returns the root hash; [EmptyRoot] of an empty tree.
func (f *Frontier) Root() Hash {
	if f.size == 0 {
		return EmptyRoot()
	}
	root := f.peaks[bits.TrailingZeros64(f.size)]
	for rest := f.size & (f.size - 1); rest != 0; rest &= rest - 1 {
		root = NodeHash(f.peaks[bits.TrailingZeros64(rest)], root)
	}
	return root
}

// Head returns size and root.
func (f *Frontier) Head() Head {
	return Head{Size: f.size, Root: f.Root()}
}

// Peaks returns the roots of the complete subtrees, the largest first: the state
// from which [NewFrontier] resumes. The caller owns the result.
func (f *Frontier) Peaks() []Hash {
	peaks := make([]Hash, 0, bits.OnesCount64(f.size))
	for level := bits.Len64(f.size) - 1; level >= 0; level-- {
		if f.size>>level&1 == 1 {
			peaks = append(peaks, f.peaks[level])
		}
	}
	return peaks
}

// Root returns the root of the tree over leaves, which are leaf hashes
// ([LeafHash]) in order, without keeping its nodes. No leaves give [EmptyRoot].
func Root(leaves []Hash) Hash {
	var f Frontier
	for _, leaf := range leaves {
		f.Append(leaf)
	}
	return f.Root()
}
