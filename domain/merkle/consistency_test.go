package merkle_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// checkConsistency checks one path against the RFC and, both ways, the peer.
func checkConsistency(t rapid.TB, leaves, path []merkle.Hash, size uint64, theirs *testonly.Tree) {
	t.Helper()
	older, newer := headOf(leaves[:size]), headOf(leaves)
	if want := rfcProof(leaves, size); !slices.Equal(path, want) {
		t.Fatalf("path from %d to %d is %v, by the RFC %v", size, newer.Size, path, want)
	}
	their, err := theirs.ConsistencyProof(size, newer.Size)
	if err != nil {
		t.Fatal(err)
	}
	if err := merkle.VerifyConsistency(older, newer, hashesOf(t, their)); err != nil {
		t.Fatalf("the peer's path is refused here: %v", err)
	}
	err = proof.VerifyConsistency(rfc6962.DefaultHasher, size, newer.Size, slicesOf(path), older.Root[:], newer.Root[:])
	if err != nil {
		t.Fatalf("our path is refused by the peer: %v", err)
	}
}

func TestConsistencyAgreesWithPeerForEverySmallTree(t *testing.T) {
	all := numbered(70)
	for size := 1; size <= len(all); size++ {
		leaves := all[:size]
		tree, theirs := merkle.NewTree(leaves), peer(leaves)
		for older := uint64(1); older <= tree.Size(); older++ {
			path, err := tree.ConsistencyPath(older)
			if err != nil {
				t.Fatal(err)
			}
			checkConsistency(t, leaves, path, older, theirs)
		}
	}
}

func TestConsistencyAgreesWithPeer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := drawTree(t)
		older := drawIndex(t, len(leaves), "older") + 1
		path, err := merkle.ConsistencyPath(leaves, older)
		if err != nil {
			t.Fatal(err)
		}
		checkConsistency(t, leaves, path, older, peer(leaves))
	})
}

// consistency is a proof that verifies, for a test to spoil.
type consistency struct {
	older, newer merkle.Head
	path         []merkle.Hash
}

func (p consistency) verify() error {
	return merkle.VerifyConsistency(p.older, p.newer, p.path)
}

func drawConsistency(t *rapid.T) consistency {
	leaves := drawTree(t)
	older := drawIndex(t, len(leaves), "older") + 1
	path, err := merkle.ConsistencyPath(leaves, older)
	if err != nil {
		t.Fatal(err)
	}
	p := consistency{older: headOf(leaves[:older]), newer: headOf(leaves), path: path}
	if err := p.verify(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSpoiltConsistencyIsRefused(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*rapid.T, *consistency)
		want  error
	}{
		{"a bit of the path", func(t *rapid.T, p *consistency) { p.path = flipBit(t, p.path) }, merkle.ErrRootMismatch},
		{"a bit of the older root", func(t *rapid.T, p *consistency) {
			p.older.Root = flipBit(t, []merkle.Hash{p.older.Root})[0]
		}, merkle.ErrRootMismatch},
		{"a bit of the newer root", func(t *rapid.T, p *consistency) {
			p.newer.Root = flipBit(t, []merkle.Hash{p.newer.Root})[0]
		}, merkle.ErrRootMismatch},
		{"a hash dropped", func(t *rapid.T, p *consistency) { p.path = drop(t, p.path) }, merkle.ErrLength},
		{"a hash added", func(t *rapid.T, p *consistency) { p.path = insert(t, p.path) }, merkle.ErrLength},
		{"two hashes swapped", func(t *rapid.T, p *consistency) { p.path = swap(t, p.path) }, merkle.ErrRootMismatch},
		{"an empty older tree", func(_ *rapid.T, p *consistency) { p.older = headOf(nil) }, merkle.ErrEmptyTree},
		{"older and newer exchanged", func(_ *rapid.T, p *consistency) {
			p.older, p.newer = p.newer, p.older
		}, merkle.ErrOutOfRange},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := rapid.Custom(drawConsistency).Filter(func(p consistency) bool { return len(p.path) > 1 }).Draw(t, "proof")
				c.spoil(t, &p)
				if err := p.verify(); !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

// As with inclusion: what is accepted under another size is what no verifier
// can tell apart.
func TestConsistencyOfOtherSizesIsRefusedUnlessItIsTheSamePath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawConsistency(t)
		shape := rfcProofShape(p.older.Size, p.newer.Size, true)
		p.older.Size = rapid.Uint64Range(1, 2*p.older.Size).Draw(t, "other older size")
		p.newer.Size = rapid.OneOf(
			rapid.Uint64Range(p.older.Size, 2*p.newer.Size+p.older.Size), rapid.Uint64Min(p.older.Size),
		).Draw(t, "other newer size")
		samePath := rfcProofShape(p.older.Size, p.newer.Size, true) == shape
		if err := p.verify(); (err == nil) != samePath {
			t.Fatalf("same path: %t, got %v", samePath, err)
		}
	})
}

func TestConsistencyLengthIsRightForAnySizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		newer := rapid.OneOf(rapid.Uint64Min(1), rapid.Just[uint64](math.MaxUint64)).Draw(t, "newer")
		older := rapid.OneOf(rapid.Uint64Range(1, newer), rapid.Just(newer)).Draw(t, "older")
		// 'w' stands for the older root and is the one letter without a hash.
		shape := rfcProofShape(older, newer, true)
		hashes := len(shape)
		if shape[0] == 'w' {
			hashes--
		}
		path := numbered(hashes)
		heads := [2]merkle.Head{{Size: older}, {Size: newer}}
		if err := merkle.VerifyConsistency(heads[0], heads[1], path); errors.Is(err, merkle.ErrLength) {
			t.Fatal(err)
		}
		if err := merkle.VerifyConsistency(heads[0], heads[1], append(path, merkle.Hash{})); !errors.Is(err, merkle.ErrLength) {
			t.Fatalf("one hash too many: %v", err)
		}
	})
}

func TestAFormerLogIsNoPrefixOfAnother(t *testing.T) {
	honest, forked := numbered(40), numbered(40)
	forked[3] = merkle.LeafHash([]byte("rewritten"))
	path, err := merkle.ConsistencyPath(forked, 17)
	if err != nil {
		t.Fatal(err)
	}
	if err := merkle.VerifyConsistency(headOf(honest[:17]), headOf(forked), path); !errors.Is(err, merkle.ErrRootMismatch) {
		t.Errorf("a rewritten leaf: %v", err)
	}
	if err := merkle.VerifyConsistency(headOf(honest), headOf(forked), nil); !errors.Is(err, merkle.ErrRootMismatch) {
		t.Errorf("two roots of one size: %v", err)
	}
}

func TestVerifyConsistencyDoesNotAllocate(t *testing.T) {
	leaves := numbered(4096)
	path, err := merkle.ConsistencyPath(leaves, 2741)
	if err != nil {
		t.Fatal(err)
	}
	older, newer := headOf(leaves[:2741]), headOf(slices.Clone(leaves))
	allocations := testing.AllocsPerRun(100, func() {
		if err := merkle.VerifyConsistency(older, newer, path); err != nil {
			t.Error(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations, want none", allocations)
	}
}
