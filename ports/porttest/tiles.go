package porttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

// TestTiles is the contract of ports.Tiles. newFolder makes a folder that is empty
// and returns how to open it: each opening ends the one before and sees what it
// has written.
func TestTiles(t *testing.T, newFolder func(*testing.T) (open func(*testing.T) ports.Tiles)) {
	t.Helper()
	tests := map[string]func(*testing.T, func(*testing.T) ports.Tiles){
		"Empty":       tilesEmpty,
		"Grow":        tilesGrow,
		"Steps":       tilesSteps,
		"Reopened":    tilesReopened,
		"Again":       tilesAgain,
		"Conflict":    tilesConflict,
		"Twice":       tilesTwice,
		"Loose":       tilesLoose,
		"Malformed":   tilesMalformed,
		"Copies":      tilesCopies,
		"Concurrency": tilesConcurrency,
		"Cancelled":   tilesCancelled,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newFolder(t)) })
	}
}

// grown returns the files of a ledger of n entries that all differ, and whose
// lengths do too. The name tells ledgers apart.
func grown(t testing.TB, name string, n int) map[string][]byte {
	t.Helper()
	entries := make([][]byte, n)
	for i := range entries {
		entries[i] = append(fmt.Appendf(nil, "%s %d ", name, i), make([]byte, i%7)...)
	}
	g, err := ledger.Grow(0, nil, entries)
	if err != nil {
		t.Fatal(err)
	}
	return g.Files
}

func writeTiles(t *testing.T, tiles ports.Tiles, files map[string][]byte) {
	t.Helper()
	if err := tiles.WriteTiles(t.Context(), files); err != nil {
		t.Fatalf("WriteTiles: %v", err)
	}
}

// wantTiles demands that all files are there.
func wantTiles(t *testing.T, tiles ports.Tiles, files map[string][]byte) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		got, err := tiles.ReadTile(t.Context(), path)
		if err != nil || !bytes.Equal(got, files[path]) {
			t.Fatalf("%s has %d bytes (%v), want %d", path, len(got), err, len(files[path]))
		}
	}
}

func wantNoTile(t *testing.T, tiles ports.Tiles, path string) {
	t.Helper()
	if got, err := tiles.ReadTile(t.Context(), path); !errors.Is(err, ports.ErrNoFile) {
		t.Errorf("%s: %d bytes, %v, want ErrNoFile", path, len(got), err)
	}
}

func tilesEmpty(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	for _, path := range []string{"tile/0/000", "tile/0/000.p/1", "tile/entries/x001/067.p/8", ledger.CheckpointPath, ports.HeadPath} {
		wantNoTile(t, tiles, path)
	}
	writeTiles(t, tiles, nil)
}

// tilesGrow: whatever a ledger was once, can be read in what it has become.
func tilesGrow(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	sizes := []int{1, 2, 200, 255, 256, 257, 700}
	for i, n := range sizes {
		writeTiles(t, tiles, grown(t, "a", n))
		for _, older := range sizes[:i+1] {
			wantTiles(t, tiles, grown(t, "a", older))
		}
	}
	wantNoTile(t, tiles, "tile/0/002.p/189")
	wantNoTile(t, tiles, "tile/0/002")
	wantNoTile(t, tiles, "tile/1/000.p/3")
	wantNoTile(t, tiles, "tile/2/000.p/1")
}

// tilesSteps: one file after the other gives the same.
func tilesSteps(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	for _, n := range []int{300, 520} {
		files := grown(t, "a", n)
		for _, path := range slices.Sorted(maps.Keys(files)) {
			writeTiles(t, tiles, map[string][]byte{path: files[path]})
		}
		wantTiles(t, tiles, files)
	}
	wantTiles(t, tiles, grown(t, "a", 300))
}

func tilesReopened(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	writeTiles(t, open(t), grown(t, "a", 300))
	tiles := open(t)
	wantTiles(t, tiles, grown(t, "a", 300))
	writeTiles(t, tiles, grown(t, "a", 600))
	tiles = open(t)
	wantTiles(t, tiles, grown(t, "a", 600))
	wantTiles(t, tiles, grown(t, "a", 300))
}

// tilesAgain: what is there already, or less of it, changes nothing.
func tilesAgain(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	for _, n := range []int{600, 600, 500, 3} {
		writeTiles(t, tiles, grown(t, "a", n))
	}
	wantTiles(t, tiles, grown(t, "a", 600))
}

// tilesConflict: what does not continue is refused, whole, and what is there stays.
func tilesConflict(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	writeTiles(t, tiles, grown(t, "a", 300))
	for _, n := range []int{1, 44, 256, 300, 301, 600} {
		files := grown(t, "b", n)
		files[ports.HeadPath] = []byte("of b")
		if err := tiles.WriteTiles(t.Context(), files); !errors.Is(err, ports.ErrFileConflict) {
			t.Errorf("another ledger of %d entries: %v, want ErrFileConflict", n, err)
		}
		wantNoTile(t, tiles, ports.HeadPath)
		wantNoTile(t, tiles, "tile/0/002.p/1")
		wantTiles(t, tiles, grown(t, "a", 300))
	}
}

// tilesTwice: two widths of one tile in one call have to agree.
func tilesTwice(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	both := grown(t, "a", 40)
	maps.Copy(both, grown(t, "b", 50))
	if err := tiles.WriteTiles(t.Context(), both); !errors.Is(err, ports.ErrFileConflict) {
		t.Errorf("two ledgers at once: %v, want ErrFileConflict", err)
	}
	wantNoTile(t, tiles, "tile/0/000.p/1")
	both = grown(t, "a", 40)
	maps.Copy(both, grown(t, "a", 50))
	writeTiles(t, tiles, both)
	wantTiles(t, tiles, both)
}

// tilesLoose: checkpoint and head are replaced.
func tilesLoose(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	for _, content := range []string{"one", "another", "x"} {
		files := map[string][]byte{ledger.CheckpointPath: []byte(content), ports.HeadPath: []byte("head " + content)}
		writeTiles(t, tiles, files)
		wantTiles(t, tiles, files)
		wantTiles(t, open(t), files)
		tiles = open(t)
	}
}

func tilesMalformed(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	good := make([]byte, 32)
	for path, content := range map[string][]byte{
		"": good, "tile": good, "head/": good, "/head": good, "../head": good, "tile/0/../0/000.p/1": good,
		"tile/0/000.p/0": nil, "tile/0/000.p/256": good, "tile/0/000.p/01": good, "tile/0/000.p": good, "tile/0/0": good,
		"tile/0/x000/000": good, "tile/-1/000.p/1": good, "tile/entries/000.p/1/": good, "tile/99/000.p/1": good,
		"tile/0/000.p/1":         make([]byte, 31),
		"tile/0/000.p/2":         good,
		"tile/0/000":             good,
		"tile/entries/000.p/1":   {0, 2, 1},
		"tile/entries/000.p/2":   {0, 1, 1},
		"tile/entries/000.p/3":   {0, 1, 1, 0, 0},
		"tile/entries/001.p/1":   {0, 1, 1, 7},
		ledger.CheckpointPath:    nil,
		ports.HeadPath:           make([]byte, ports.MaxLooseFile+1),
		"tile/0/000.p/1\x00":     good,
		"tile/0/000.p/1/../../x": good,
	} {
		if err := tiles.WriteTiles(t.Context(), map[string][]byte{path: content, "tile/0/007.p/1": good}); !errors.Is(err, ledger.ErrTile) {
			t.Errorf("WriteTiles of %q with %d bytes: %v, want ErrTile", path, len(content), err)
		}
		wantNoTile(t, tiles, "tile/0/007.p/1")
	}
	for _, path := range []string{"", "tile", "../head", "tile/0/000.p/0", "tile/0/x000/000", "entries", ".new/1"} {
		if _, err := tiles.ReadTile(t.Context(), path); !errors.Is(err, ledger.ErrTile) {
			t.Errorf("ReadTile of %q: %v, want ErrTile", path, err)
		}
	}
}

// tilesCopies: what callers do to their slices is their own business.
func tilesCopies(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	files := grown(t, "a", 10)
	writeTiles(t, tiles, files)
	for _, content := range files {
		clear(content)
	}
	for path := range grown(t, "a", 10) {
		got, err := tiles.ReadTile(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		clear(got)
	}
	wantTiles(t, tiles, grown(t, "a", 10))
}

// tilesConcurrency has many read what was there while one writes what comes.
func tilesConcurrency(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	first := grown(t, "a", 20)
	writeTiles(t, tiles, first)
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for path, want := range first {
					if got, err := tiles.ReadTile(t.Context(), path); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s while the ledger grows: %d bytes, %v", path, len(got), err)
						return
					}
				}
			}
		})
	}
	for n := 30; n < 600; n += 45 {
		writeTiles(t, tiles, grown(t, "a", n))
	}
	close(done)
	group.Wait()
}

func tilesCancelled(t *testing.T, open func(*testing.T) ports.Tiles) {
	t.Helper()
	tiles := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tiles.WriteTiles(ctx, grown(t, "a", 3)); !errors.Is(err, context.Canceled) {
		t.Errorf("WriteTiles: %v, want context.Canceled", err)
	}
	if _, err := tiles.ReadTile(ctx, "tile/0/000.p/3"); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadTile: %v, want context.Canceled", err)
	}
	wantNoTile(t, tiles, "tile/0/000.p/3")
}
