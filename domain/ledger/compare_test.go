package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

// proofTo returns the proof that a tree continues that of an older size.
func proofTo(t interface{ Fatal(args ...any) }, tree *merkle.Tree, all []merkle.Hash, older uint64) *ledger.Consistency {
	path, err := tree.ConsistencyPath(older)
	if err != nil {
		t.Fatal(err)
	}
	return &ledger.Consistency{Older: merkle.Head{Size: older, Root: merkle.Root(all[:older])}, Path: path}
}

func TestCompareAcceptsGrowth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := leaves(rapid.IntRange(1, 300).Draw(t, "newer"))
		older := rapid.Uint64Range(1, uint64(len(all))).Draw(t, "older")
		tree := merkle.NewTree(all)
		known := &ledger.Checkpoint{Origin: origin(), Head: merkle.NewTree(all[:older]).Head()}
		shown := &ledger.Checkpoint{Origin: origin(), Head: tree.Head()}
		if err := ledger.Compare(known, shown, proofTo(t, tree, all, older)); err != nil {
			t.Fatal(err)
		}
	})
	if err := ledger.Compare(checkpointOf(0), checkpointOf(5), nil); err != nil {
		t.Errorf("from nothing: %v", err)
	}
	if err := ledger.Compare(checkpointOf(5), checkpointOf(5), nil); err != nil {
		t.Errorf("no growth: %v", err)
	}
}

func TestCompareSaysNothing(t *testing.T) {
	known, shown := checkpointOf(5), checkpointOf(9)
	good := proofTo(t, merkle.NewTree(leaves(9)), leaves(9), 5)
	other := *shown
	other.Origin = "asterism.dev/ledger/other"
	fromOther := *good
	fromOther.Older.Root[0]++
	fromLess := *good
	fromLess.Older.Size--
	notEmpty := &ledger.Checkpoint{Origin: origin()} // no tree has this root
	for name, err := range map[string]error{
		"another ledger":               ledger.Compare(known, &other, good),
		"no proof":                     ledger.Compare(known, shown, nil),
		"a proof from another root":    ledger.Compare(known, shown, &fromOther),
		"a proof from another size":    ledger.Compare(known, shown, &fromLess),
		"growth from a root of nobody": ledger.Compare(notEmpty, shown, nil),
	} {
		fork, rollback := (*ledger.ForkError)(nil), (*ledger.RollbackError)(nil)
		if !errors.Is(err, ledger.ErrCheckpoint) || errors.As(err, &fork) || errors.As(err, &rollback) {
			t.Errorf("%s: %v, want an ErrCheckpoint that blames nobody", name, err)
		}
	}
}

// TestThreat34TwoViewsOfOneSize shows one reader another ledger of the same size,
// or one that grew out of another.
func TestThreat34TwoViewsOfOneSize(t *testing.T) {
	known := checkpointOf(5)
	forked := leaves(9)
	forked[3] = merkle.LeafHash([]byte("another history"))
	for name, view := range map[string]struct {
		size  int
		proof bool
	}{"of the same size": {5, false}, "of the same size, with a proof": {5, true}, "grown": {9, true}} {
		tree := merkle.NewTree(forked[:view.size])
		shown := &ledger.Checkpoint{Origin: origin(), Head: tree.Head()}
		var proof *ledger.Consistency
		if view.proof {
			proof = proofTo(t, tree, forked, 5)
			proof.Older = known.Head // as an impostor would claim
		}
		err := ledger.Compare(known, shown, proof)
		fork := (*ledger.ForkError)(nil)
		if !errors.As(err, &fork) || !errors.Is(err, ledger.ErrCheckpoint) || !errors.Is(err, merkle.ErrRootMismatch) {
			t.Fatalf("%s: %v, want a *ForkError", name, err)
		}
		if fork.Known != *known || fork.Shown != *shown || !strings.Contains(err.Error(), known.Head.Root.String()) {
			t.Errorf("%s: the error does not hold both: %v", name, err)
		}
	}
}

// TestThreat34RolledBackView shows an older ledger, which once was right.
func TestThreat34RolledBackView(t *testing.T) {
	known, shown := checkpointOf(9), checkpointOf(5)
	proof := proofTo(t, merkle.NewTree(leaves(9)), leaves(9), 5)
	for _, p := range []*ledger.Consistency{nil, proof} {
		err := ledger.Compare(known, shown, p)
		rollback := (*ledger.RollbackError)(nil)
		if !errors.As(err, &rollback) || !errors.Is(err, ledger.ErrCheckpoint) {
			t.Fatalf("Compare = %v, want a *RollbackError", err)
		}
		if rollback.Known != *known || rollback.Shown != *shown || !strings.Contains(err.Error(), "it has 5 entries, and 9 were known") {
			t.Errorf("the error does not say what: %v", err)
		}
	}
	if err := ledger.Compare(known, checkpointOf(0), nil); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Errorf("emptied: %v", err)
	}
}
