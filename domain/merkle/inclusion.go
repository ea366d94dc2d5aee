package merkle

import (
	"fmt"
	"math/bits"
)

// VerifyInclusion checks that the tree of size leaves with that root holds leaf
// at index (from zero), given the path that [Tree.Path] makes (RFC 9162
// §2.1.3.2).
//
// A root does not bind its size: some paths are the same in trees of several
// sizes (leaf 0 of 3 and of 4). Whatever vouches for the root has to vouch for
// the size too, as a signed tree head does.
//
// It returns nil or an error that wraps [ErrEmptyTree], [ErrOutOfRange],
// [ErrLength] or [ErrRootMismatch].
func VerifyInclusion(leaf Hash, index, size uint64, path []Hash, root Hash) error {
	computed, err := RootFromInclusion(leaf, index, size, path)
	if err != nil {
		return err
	}
	if computed != root {
		return fmt.Errorf("%w: path of leaf %d of %d leads to %v, not to %v",
			ErrRootMismatch, index, size, computed, root)
	}
	return nil
}

// RootFromInclusion returns the root of the only tree of size leaves for which
// path proves leaf at index (from zero). It serves where the root is not known
// beforehand but vouched for by something that is computed from it.
//
// The error wraps [ErrEmptyTree], [ErrOutOfRange] or [ErrLength].
func RootFromInclusion(leaf Hash, index, size uint64, path []Hash) (Hash, error) {
	if err := checkInclusion(index, size, len(path)); err != nil {
		return Hash{}, err
	}
	node, next := leaf, 0
	for last := size - 1; last > 0; index, last = index>>1, last>>1 {
		switch {
		case index&1 == 1:
			node = NodeHash(path[next], node)
		case index < last:
			node = NodeHash(node, path[next])
		default: // An unpaired last node is carried up as it is.
			continue
		}
		next++
	}
	return node, nil
}

func checkInclusion(index, size uint64, hashes int) error {
	if err := checkIndex(index, size); err != nil {
		return err
	}
	if want := pathLength(index, size); hashes != want {
		return fmt.Errorf("%w: the path of leaf %d of %d has %d, got %d",
			ErrLength, index, size, want, hashes)
	}
	return nil
}

func checkIndex(index, size uint64) error {
	if size == 0 {
		return fmt.Errorf("%w: asked for leaf %d", ErrEmptyTree, index)
	}
	if index >= size {
		return fmt.Errorf("%w: leaf %d of %d", ErrOutOfRange, index, size)
	}
	return nil
}

// PathLength returns how many hashes the path of leaf index has in a tree of size
// leaves, so that a decoder can tell a path of another length before it reads
// it.
//
// The error wraps [ErrEmptyTree] or [ErrOutOfRange].
func PathLength(index, size uint64) (int, error) {
	if err := checkIndex(index, size); err != nil {
		return 0, err
	}
	return pathLength(index, size), nil
}

// pathLength returns how many siblings lie between leaf index and the root of a
// tree of size leaves. Below the level at which its path joins that of the last
// leaf every node has a sibling; from there up only a right child has one.
// It wants index < size.
func pathLength(index, size uint64) int {
	joined := bits.Len64(index ^ (size - 1))
	return joined + bits.OnesCount64(index>>joined)
}
