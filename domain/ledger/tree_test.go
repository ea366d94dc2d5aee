package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

func leaves(n int) []merkle.Hash {
	list := make([]merkle.Hash, n)
	for i, entry := range raw(0, n) {
		list[i] = merkle.LeafHash(entry)
	}
	return list
}

func TestTreeProves(t *testing.T) {
	all := leaves(1024)
	for _, size := range []int{1, 2, 3, 255, 256, 257, 700, 1024} {
		files := folder{}
		frontier := files.grow(t, 0, size)
		tree, want := ledger.OpenTree(uint64(size), files), merkle.NewTree(all[:size])
		checkHead(t, tree, frontier.Head(), want.Head())
		rapid.Check(t, func(t *rapid.T) {
			index := rapid.Uint64Range(0, uint64(size)-1).Draw(t, "index")
			checkInclusion(t, tree, want, index, all[index])
			older := rapid.Uint64Range(1, uint64(size)).Draw(t, "older")
			checkConsistency(t, tree, want, all, older)
		})
	}
}

func TestLargeTreeProves(t *testing.T) {
	const size = 66_000
	all, files := leaves(size), folder{}
	frontier := files.grow(t, 0, size)
	tree, want := ledger.OpenTree(size, files), merkle.NewTree(all)
	checkHead(t, tree, frontier.Head(), want.Head())
	for _, n := range []uint64{1, 256, 257, 65_535, 65_536, 65_537, 65_792, 65_999, size} {
		checkInclusion(t, tree, want, n-1, all[n-1])
		checkConsistency(t, tree, want, all, n)
	}
}

// failer is a test of either kind.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func checkHead(t failer, tree *ledger.Tree, of, want merkle.Head) {
	head, err := tree.Head(want.Size)
	if err != nil || head != want || of != want {
		t.Fatalf("Head = %v, %v; the frontier's %v, want %v", head, err, of, want)
	}
}

func checkInclusion(t failer, tree *ledger.Tree, want *merkle.Tree, index uint64, leaf merkle.Hash) {
	path, err := tree.Inclusion(index)
	if err != nil {
		t.Fatal(err)
	}
	if expected, err := want.Path(index); err != nil || !slices.Equal(path, expected) {
		t.Fatalf("path of %d in %d is not the tree's, %v", index, want.Size(), err)
	}
	var proof tlog.RecordProof
	for _, h := range path {
		proof = append(proof, tlog.Hash(h))
	}
	if err := tlog.CheckRecord(proof, int64(want.Size()), tlog.Hash(want.Root()), int64(index), tlog.Hash(leaf)); err != nil {
		t.Fatal(err)
	}
}

func checkConsistency(t failer, tree *ledger.Tree, want *merkle.Tree, all []merkle.Hash, older uint64) {
	proof, err := tree.Consistency(older)
	if err != nil {
		t.Fatal(err)
	}
	if head := (merkle.Head{Size: older, Root: merkle.Root(all[:older])}); proof.Older != head {
		t.Fatalf("older head %v, want %v", proof.Older, head)
	}
	if expected, err := want.ConsistencyPath(older); err != nil || !slices.Equal(proof.Path, expected) {
		t.Fatalf("path from %d to %d is not the tree's, %v", older, want.Size(), err)
	}
	var path tlog.TreeProof
	for _, h := range proof.Path {
		path = append(path, tlog.Hash(h))
	}
	if err := tlog.CheckTree(path, int64(want.Size()), tlog.Hash(want.Root()), int64(older), tlog.Hash(proof.Older.Root)); err != nil {
		t.Fatal(err)
	}
}

func TestTreeRefuses(t *testing.T) {
	files := folder{}
	files.grow(t, 0, 300)
	tree := ledger.OpenTree(300, files)
	if head, err := tree.Head(0); err != nil || head != (merkle.Head{Root: merkle.EmptyRoot()}) {
		t.Errorf("Head(0) = %v, %v", head, err)
	}
	if _, err := tree.Head(301); !errors.Is(err, merkle.ErrOutOfRange) {
		t.Errorf("Head(301): %v", err)
	}
	if _, err := tree.Inclusion(300); !errors.Is(err, merkle.ErrOutOfRange) {
		t.Errorf("Inclusion(300): %v", err)
	}
	for _, older := range []uint64{0, 301} {
		if _, err := tree.Consistency(older); !errors.Is(err, merkle.ErrOutOfRange) {
			t.Errorf("Consistency(%d): %v", older, err)
		}
	}
}

// A tree tells which file it could not read.
func TestTreeNamesTiles(t *testing.T) {
	whole := folder{}
	whole.grow(t, 0, 600)
	for path := range whole {
		if strings.HasPrefix(path, "tile/entries/") {
			continue
		}
		damaged := folder{}
		for other, data := range whole {
			damaged[other] = data
		}
		damaged[path] = damaged[path][1:]
		damaged.wantNamed(t, path, ledger.ErrTile)
		delete(damaged, path)
		damaged.wantNamed(t, path, ledger.ErrNoTile)
	}
}

// wantNamed wants some proof to fail because of a file, and none for another
// reason.
func (f folder) wantNamed(t *testing.T, path string, want error) {
	t.Helper()
	tree, named := ledger.OpenTree(600, f), false
	look := func(err error) {
		if err != nil && (!errors.Is(err, want) || !strings.Contains(err.Error(), path)) {
			t.Errorf("without %s: %v", path, err)
		}
		named = named || err != nil
	}
	for i := range uint64(600) {
		_, err := tree.Inclusion(i)
		look(err)
		_, err = tree.Consistency(i + 1)
		look(err)
		_, err = tree.Head(i + 1)
		look(err)
	}
	if !named {
		t.Errorf("without %s: everything can be proven", path)
	}
}

// A partial tile may be gone once it is full.
func TestTreeReadsFullForPartial(t *testing.T) {
	files := folder{}
	older := files.grow(t, 0, 300)
	files.grow(t, 300, 300)
	delete(files, "tile/0/001.p/44")
	if head, err := ledger.OpenTree(300, files).Head(300); err != nil || head != older.Head() {
		t.Errorf("Head = %v, %v", head, err)
	}
	files["tile/0/001"] = files["tile/0/001"][1:]
	if _, err := ledger.OpenTree(300, files).Head(300); !errors.Is(err, ledger.ErrTile) {
		t.Errorf("with a damaged full tile: %v", err)
	}
}
