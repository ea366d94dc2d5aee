package merkle_test

import (
	"errors"
	"math"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

func TestFrontierGrowsLikeTheTree(t *testing.T) {
	leaves := numbered(200)
	var f merkle.Frontier
	for i, leaf := range leaves {
		if got, want := f.Head(), headOf(leaves[:i]); got != want {
			t.Fatalf("frontier at %d = %v, want %v", i, got, want)
		}
		f.Append(leaf)
		if got, want := len(f.Peaks()), bits.OnesCount(uint(i+1)); got != want {
			t.Fatalf("frontier at %d keeps %d hashes, want %d", i+1, got, want)
		}
	}
}

func TestFrontierResumesFromItsState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := drawTree(t)
		stop := rapid.IntRange(0, len(leaves)).Draw(t, "stop")
		f := frontierOf(leaves[:stop])
		resumed, err := merkle.NewFrontier(f.Size(), f.Peaks())
		if err != nil {
			t.Fatal(err)
		}
		if resumed != f {
			t.Fatalf("resumed %v, want %v", resumed, f)
		}
		for _, leaf := range leaves[stop:] {
			resumed.Append(leaf)
		}
		if got, want := resumed.Root(), rfcRoot(leaves); got != want {
			t.Fatalf("root %v, want %v", got, want)
		}
	})
}

func TestFrontierCopiesAreIndependent(t *testing.T) {
	f := frontierOf(numbered(7))
	fork := f
	fork.Append(merkle.EmptyRoot())
	if got, want := f.Head(), headOf(numbered(7)); got != want {
		t.Errorf("appending to a copy changed the frontier to %v, want %v", got, want)
	}
}

func TestFrontierRefusesStateThatDoesNotFit(t *testing.T) {
	cases := []struct {
		name  string
		size  uint64
		peaks int
		want  error
	}{
		{"empty with a hash", 0, 1, merkle.ErrLength},
		{"one too few", 7, 2, merkle.ErrLength},
		{"one too many", 8, 2, merkle.ErrLength},
		{"none", 5, 0, merkle.ErrLength},
		{"above the largest size", merkle.MaxSize + 1, 2, merkle.ErrOutOfRange},
		{"largest integer", math.MaxUint64, 64, merkle.ErrOutOfRange},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := merkle.NewFrontier(c.size, numbered(c.peaks))
			if !errors.Is(err, c.want) || f != (merkle.Frontier{}) {
				t.Errorf("got %v, %v; want %v", f, err, c.want)
			}
		})
	}
}

func TestFrontierGrowsBeyondTheLargestSize(t *testing.T) {
	peak, leaf := merkle.EmptyRoot(), merkle.LeafHash(nil)
	f, err := merkle.NewFrontier(merkle.MaxSize, []merkle.Hash{peak})
	if err != nil {
		t.Fatal(err)
	}
	if f.Root() != peak {
		t.Errorf("root of one complete subtree is %v, want %v", f.Root(), peak)
	}
	f.Append(leaf)
	if want := (merkle.Head{Size: merkle.MaxSize + 1, Root: rfcNode(peak, leaf)}); f.Head() != want {
		t.Errorf("head %v, want %v", f.Head(), want)
	}
}

func frontierOf(leaves []merkle.Hash) merkle.Frontier {
	var f merkle.Frontier
	for _, leaf := range leaves {
		f.Append(leaf)
	}
	return f
}
