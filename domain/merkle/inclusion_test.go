package merkle_test

import (
	"errors"
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// peer is the same tree in transparency-dev/merkle.
func peer(leaves []merkle.Hash) *testonly.Tree {
	tree := testonly.New(rfc6962.DefaultHasher)
	tree.Append(slicesOf(leaves)...)
	return tree
}

func slicesOf(hashes []merkle.Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}

func hashesOf(t rapid.TB, parts [][]byte) []merkle.Hash {
	t.Helper()
	hashes := make([]merkle.Hash, len(parts))
	for i, part := range parts {
		if copy(hashes[i][:], part) != merkle.HashSize || len(part) != merkle.HashSize {
			t.Fatalf("hash %d has %d bytes", i, len(part))
		}
	}
	return hashes
}

// checkInclusion checks one path against the RFC and, both ways, the peer.
func checkInclusion(t rapid.TB, leaves, path []merkle.Hash, index uint64, theirs *testonly.Tree) {
	t.Helper()
	size := uint64(len(leaves))
	if want := rfcPath(leaves, index); !slices.Equal(path, want) {
		t.Fatalf("path of leaf %d of %d is %v, by the RFC %v", index, size, path, want)
	}
	their, err := theirs.InclusionProof(index, size)
	if err != nil {
		t.Fatal(err)
	}
	root := merkle.Hash(theirs.Hash())
	if err := merkle.VerifyInclusion(leaves[index], index, size, hashesOf(t, their), root); err != nil {
		t.Fatalf("the peer's path is refused here: %v", err)
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaves[index][:], slicesOf(path), root[:]); err != nil {
		t.Fatalf("our path is refused by the peer: %v", err)
	}
}

func TestInclusionAgreesWithPeerForEverySmallTree(t *testing.T) {
	all := numbered(70)
	for size := 1; size <= len(all); size++ {
		leaves := all[:size]
		tree, theirs := merkle.NewTree(leaves), peer(leaves)
		for index := range uint64(size) {
			path, err := tree.Path(index)
			if err != nil {
				t.Fatal(err)
			}
			checkInclusion(t, leaves, path, index, theirs)
		}
	}
}

func TestInclusionAgreesWithPeer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := drawTree(t)
		index := drawIndex(t, len(leaves), "index")
		path, err := merkle.InclusionPath(leaves, index)
		if err != nil {
			t.Fatal(err)
		}
		checkInclusion(t, leaves, path, index, peer(leaves))
	})
}

// inclusion is a proof that verifies, for a test to spoil.
type inclusion struct {
	leaf        merkle.Hash
	index, size uint64
	path        []merkle.Hash
	root        merkle.Hash
}

func (p inclusion) verify() error {
	return merkle.VerifyInclusion(p.leaf, p.index, p.size, p.path, p.root)
}

func drawInclusion(t *rapid.T) inclusion {
	leaves := drawTree(t)
	tree := merkle.NewTree(leaves)
	index := drawIndex(t, len(leaves), "index")
	path, err := tree.Path(index)
	if err != nil {
		t.Fatal(err)
	}
	p := inclusion{leaf: leaves[index], index: index, size: tree.Size(), path: path, root: tree.Root()}
	if err := p.verify(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSpoiltInclusionIsRefused(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*rapid.T, *inclusion)
		want  error
	}{
		{"a bit of the path", func(t *rapid.T, p *inclusion) { p.path = flipBit(t, p.path) }, merkle.ErrRootMismatch},
		{"a bit of the leaf", func(t *rapid.T, p *inclusion) { p.leaf = flipBit(t, []merkle.Hash{p.leaf})[0] }, merkle.ErrRootMismatch},
		{"a bit of the root", func(t *rapid.T, p *inclusion) { p.root = flipBit(t, []merkle.Hash{p.root})[0] }, merkle.ErrRootMismatch},
		{"a hash dropped", func(t *rapid.T, p *inclusion) { p.path = drop(t, p.path) }, merkle.ErrLength},
		{"a hash added", func(t *rapid.T, p *inclusion) { p.path = insert(t, p.path) }, merkle.ErrLength},
		{"two hashes swapped", func(t *rapid.T, p *inclusion) { p.path = swap(t, p.path) }, merkle.ErrRootMismatch},
		{"no leaves", func(_ *rapid.T, p *inclusion) { p.size = 0 }, merkle.ErrEmptyTree},
		{"index beyond the tree", func(t *rapid.T, p *inclusion) {
			p.index = rapid.Uint64Range(p.size, math.MaxUint64).Draw(t, "beyond")
		}, merkle.ErrOutOfRange},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := rapid.Custom(drawInclusion).Filter(func(p inclusion) bool { return len(p.path) > 1 }).Draw(t, "proof")
				c.spoil(t, &p)
				if err := p.verify(); !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

func drop(t *rapid.T, path []merkle.Hash) []merkle.Hash {
	i := rapid.IntRange(0, len(path)-1).Draw(t, "dropped")
	return slices.Delete(slices.Clone(path), i, i+1)
}

func insert(t *rapid.T, path []merkle.Hash) []merkle.Hash {
	i := rapid.IntRange(0, len(path)).Draw(t, "inserted")
	return slices.Insert(slices.Clone(path), i, merkle.EmptyRoot())
}

func swap(t *rapid.T, path []merkle.Hash) []merkle.Hash {
	i := drawIndex(t, len(path)-1, "swapped")
	swapped := slices.Clone(path)
	swapped[i], swapped[i+1] = path[i+1], path[i]
	return swapped
}

func TestInclusionAtAnotherIndexIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Custom(drawInclusion).Filter(func(p inclusion) bool { return p.size > 1 }).Draw(t, "proof")
		p.index = (p.index + rapid.Uint64Range(1, p.size-1).Draw(t, "away")) % p.size
		if err := p.verify(); err == nil {
			t.Fatal("accepted at another index")
		}
	})
}

// A root does not bind the size: where a path of another size has the same
// length and sides, no verifier can tell. That is exactly what is accepted.
func TestInclusionInAnotherSizeIsRefusedUnlessItIsTheSamePath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawInclusion(t)
		size := rapid.OneOf(rapid.Uint64Range(p.index+1, 2*p.size), rapid.Uint64Min(p.index+1)).Draw(t, "other size")
		samePath := rfcShape(p.index, size) == rfcShape(p.index, p.size)
		p.size = size
		if err := p.verify(); (err == nil) != samePath {
			t.Fatalf("same path: %t, got %v", samePath, err)
		}
	})
}

func TestPathLengthIsRightForAnySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.Uint64Min(1), rapid.Just[uint64](math.MaxUint64)).Draw(t, "size")
		index := rapid.OneOf(rapid.Uint64Range(0, size-1), rapid.Just(size-1)).Draw(t, "index")
		path := numbered(len(rfcShape(index, size)))
		if _, err := merkle.RootFromInclusion(merkle.Hash{}, index, size, path); err != nil {
			t.Fatal(err)
		}
		if _, err := merkle.RootFromInclusion(merkle.Hash{}, index, size, append(path, merkle.Hash{})); !errors.Is(err, merkle.ErrLength) {
			t.Fatalf("one hash too many: %v", err)
		}
	})
}

func TestRootFromInclusionReturnsTheRoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawInclusion(t)
		got, err := merkle.RootFromInclusion(p.leaf, p.index, p.size, p.path)
		if err != nil || got != p.root {
			t.Fatalf("got %v, %v; want %v", got, err, p.root)
		}
	})
}

func TestABatchOfOneHasAnEmptyPath(t *testing.T) {
	leaf := merkle.LeafHash([]byte("binding"))
	if err := merkle.VerifyInclusion(leaf, 0, 1, nil, leaf); err != nil {
		t.Error(err)
	}
}

func TestVerifyInclusionDoesNotAllocate(t *testing.T) {
	leaves := numbered(4096)
	tree := merkle.NewTree(leaves)
	path, err := tree.Path(2741)
	if err != nil || len(path) != bits.Len(4095) {
		t.Fatalf("path of %d, %v", len(path), err)
	}
	root := tree.Root()
	allocations := testing.AllocsPerRun(100, func() {
		if err := merkle.VerifyInclusion(leaves[2741], 2741, 4096, path, root); err != nil {
			t.Error(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations, want none", allocations)
	}
}

func TestPathLengthIsThatOfEveryPath(t *testing.T) {
	for size := uint64(1); size <= 70; size++ {
		tree := merkle.NewTree(numbered(int(size)))
		for index := range size {
			path, err := tree.Path(index)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := merkle.PathLength(index, size); err != nil || n != len(path) {
				t.Errorf("PathLength(%d, %d) = %d, %v; the path has %d", index, size, n, err, len(path))
			}
		}
		if _, err := merkle.PathLength(size, size); !errors.Is(err, merkle.ErrOutOfRange) {
			t.Errorf("PathLength(%d, %d) = %v, want ErrOutOfRange", size, size, err)
		}
	}
}
