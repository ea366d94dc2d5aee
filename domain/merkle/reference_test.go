package merkle_test

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// The definitions of RFC 6962 §2.1 as they are written there, recursive and
// slow, with nothing of the package under test but the type Hash. They also
// tell a path's shape: on which side each of its hashes goes.

// numbered returns n distinct leaf hashes that are the same in each run.
func numbered(n int) []merkle.Hash {
	leaves := make([]merkle.Hash, n)
	for i := range leaves {
		leaves[i] = sha256.Sum256(binary.BigEndian.AppendUint64([]byte("leaf"), uint64(i)))
	}
	return leaves
}

func headOf(leaves []merkle.Hash) merkle.Head {
	return merkle.Head{Size: uint64(len(leaves)), Root: rfcRoot(leaves)}
}

func rfcNode(left, right merkle.Hash) merkle.Hash {
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// rfcSplit returns the largest power of two below n.
func rfcSplit(n uint64) uint64 {
	k := uint64(1)
	for n-k > k {
		k *= 2
	}
	return k
}

func rfcRoot(leaves []merkle.Hash) merkle.Hash {
	switch n := uint64(len(leaves)); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := rfcSplit(n)
		return rfcNode(rfcRoot(leaves[:k]), rfcRoot(leaves[k:]))
	}
}

func rfcPath(leaves []merkle.Hash, index uint64) []merkle.Hash {
	if len(leaves) == 1 {
		return nil
	}
	k := rfcSplit(uint64(len(leaves)))
	if index < k {
		return append(rfcPath(leaves[:k], index), rfcRoot(leaves[k:]))
	}
	return append(rfcPath(leaves[k:], index-k), rfcRoot(leaves[:k]))
}

// rfcShape is rfcPath with the sides instead of the hashes: 'l' where the
// sibling is on the left. It takes sizes for which no tree can be built.
func rfcShape(index, size uint64) string {
	if size == 1 {
		return ""
	}
	k := rfcSplit(size)
	if index < k {
		return rfcShape(index, k) + "r"
	}
	return rfcShape(index-k, size-k) + "l"
}

func rfcProof(leaves []merkle.Hash, older uint64) []merkle.Hash {
	return rfcSubproof(leaves, older, true)
}

func rfcSubproof(leaves []merkle.Hash, older uint64, whole bool) []merkle.Hash {
	n := uint64(len(leaves))
	if older == n && whole {
		return nil
	}
	if older == n {
		return []merkle.Hash{rfcRoot(leaves)}
	}
	k := rfcSplit(n)
	if older <= k {
		return append(rfcSubproof(leaves[:k], older, whole), rfcRoot(leaves[k:]))
	}
	return append(rfcSubproof(leaves[k:], older-k, false), rfcRoot(leaves[:k]))
}

// rfcProofShape is rfcProof with the sides instead of the hashes: 's' for the
// older tree's own subtree, 'w' (without a hash) where that is the whole of it.
func rfcProofShape(older, newer uint64, whole bool) string {
	if older == newer && whole {
		return "w"
	}
	if older == newer {
		return "s"
	}
	k := rfcSplit(newer)
	if older <= k {
		return rfcProofShape(older, k, whole) + "r"
	}
	return rfcProofShape(older-k, newer-k, false) + "l"
}

// drawTree draws the leaves of a tree of one leaf or more.
func drawTree(t *rapid.T) []merkle.Hash {
	return numbered(rapid.IntRange(1, 600).Draw(t, "size"))
}

// drawIndex draws an index below n.
func drawIndex(t *rapid.T, n int, label string) uint64 {
	return uint64(rapid.IntRange(0, n-1).Draw(t, label))
}

// flipBit returns hashes with one drawn bit turned.
func flipBit(t *rapid.T, hashes []merkle.Hash) []merkle.Hash {
	turned := slices.Clone(hashes)
	i := drawIndex(t, len(hashes), "hash")
	bit := rapid.IntRange(0, 8*merkle.HashSize-1).Draw(t, "bit")
	turned[i][bit/8] ^= 1 << (bit % 8)
	return turned
}

func TestEverySmallTreeFollowsTheRFC(t *testing.T) {
	for size := range 71 {
		leaves := numbered(size)
		if got, want := merkle.NewTree(leaves).Head(), headOf(leaves); got != want {
			t.Fatalf("Tree.Head of %d leaves = %v, want %v", size, got, want)
		}
		if got, want := merkle.Root(leaves), rfcRoot(leaves); got != want {
			t.Fatalf("Root of %d leaves = %v, want %v", size, got, want)
		}
	}
}
