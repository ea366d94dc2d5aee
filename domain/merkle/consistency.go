package merkle

import (
	"fmt"
	"math/bits"
)

// Head is what a tree is known by: how many leaves it has, and their root
// (RFC 6962 §3.5, without the signature).
type Head struct {
	// Size is the number of leaves.
	Size uint64
	// Root is the root hash over them; [EmptyRoot] where Size is zero.
	Root Hash
}

// VerifyConsistency checks that the tree known by newer begins with all the
// leaves of the tree known by older, in order, given the path that
// [Tree.ConsistencyPath] makes (RFC 9162 §2.1.4.2). Two heads of one size are
// consistent if they are equal and path is empty. An empty older tree is
// refused: such a proof would prove nothing. Sizes have to be vouched for as
// roots are; see [VerifyInclusion].
//
// It returns nil or an error that wraps [ErrEmptyTree], [ErrOutOfRange],
// [ErrLength] or [ErrRootMismatch].
func VerifyConsistency(older, newer Head, path []Hash) error {
	if err := checkConsistency(older.Size, newer.Size, len(path)); err != nil {
		return err
	}
	oldRoot, newRoot := rootsFromConsistency(older, newer, path)
	if oldRoot != older.Root {
		return fmt.Errorf("%w: consistency path from %d to %d leads to the older root %v, not to %v",
			ErrRootMismatch, older.Size, newer.Size, oldRoot, older.Root)
	}
	if newRoot != newer.Root {
		return fmt.Errorf("%w: consistency path from %d to %d leads to the newer root %v, not to %v",
			ErrRootMismatch, older.Size, newer.Size, newRoot, newer.Root)
	}
	return nil
}

// rootsFromConsistency climbs from the last complete subtree of the older tree
// to both roots at once. Siblings on the left belong to both trees, siblings on
// the right are what the newer one added.
func rootsFromConsistency(older, newer Head, path []Hash) (oldRoot, newRoot Hash) {
	if older.Size == newer.Size {
		return older.Root, older.Root
	}
	node, next := older.Root, 0
	if !isPowerOfTwo(older.Size) {
		node, next = path[0], 1
	}
	oldRoot, newRoot = node, node
	index, last := subtree(older.Size, newer.Size)
	for ; last > 0; index, last = index>>1, last>>1 {
		switch {
		case index&1 == 1:
			oldRoot, newRoot = NodeHash(path[next], oldRoot), NodeHash(path[next], newRoot)
		case index < last:
			newRoot = NodeHash(newRoot, path[next])
		default: // An unpaired last node is carried up as it is.
			continue
		}
		next++
	}
	return oldRoot, newRoot
}

func checkConsistency(older, newer uint64, hashes int) error {
	if err := checkSizes(older, newer); err != nil {
		return err
	}
	if want := consistencyLength(older, newer); hashes != want {
		return fmt.Errorf("%w: the consistency path from %d to %d has %d, got %d",
			ErrLength, older, newer, want, hashes)
	}
	return nil
}

func checkSizes(older, newer uint64) error {
	if older == 0 {
		return fmt.Errorf("%w: consistency of size 0 with size %d proves nothing", ErrEmptyTree, newer)
	}
	if older > newer {
		return fmt.Errorf("%w: older size %d, newer size %d", ErrOutOfRange, older, newer)
	}
	return nil
}

// consistencyLength returns how many hashes a consistency path has. It wants
// 0 < older ≤ newer.
func consistencyLength(older, newer uint64) int {
	if older == newer {
		return 0
	}
	index, last := subtree(older, newer)
	length := pathLength(index, last+1)
	if !isPowerOfTwo(older) {
		length++ // The subtree itself; else it is the older root.
	}
	return length
}

// subtree finds the complete subtree at the end of the older tree, the largest
// that a newer tree of that size keeps as a node. It returns the subtree's place
// on its level, and the place of the newer tree's last node there.
func subtree(older, newer uint64) (index, last uint64) {
	level := bits.TrailingZeros64(older)
	return (older - 1) >> level, (newer - 1) >> level
}

func isPowerOfTwo(n uint64) bool {
	return bits.OnesCount64(n) == 1
}
