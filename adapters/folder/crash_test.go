package folder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

// ledgers returns a function that returns the files of a ledger of n entries.
func ledgers(t testing.TB) func(n int) map[string][]byte {
	t.Helper()
	known := map[int]map[string][]byte{}
	return func(n int) map[string][]byte {
		if known[n] == nil {
			known[n] = grown(t, n)
		}
		return known[n]
	}
}

func grown(t testing.TB, n int) map[string][]byte {
	t.Helper()
	entries := make([][]byte, n)
	for i := range entries {
		entries[i] = fmt.Appendf(nil, "entry %d", i)
	}
	g, err := ledger.Grow(0, nil, entries)
	if err != nil {
		t.Fatal(err)
	}
	return g.Files
}

// openDisk opens tiles on a disk as OpenTiles does in a folder.
func openDisk(d disk) (*Tiles, error) {
	f, err := prepare(d)
	if err != nil {
		return nil, err
	}
	t := &Tiles{f}
	err = t.tidy(tileFolder)
	return t, err
}

// holds says whether all files are there.
func holds(t *testing.T, tiles *Tiles, files map[string][]byte) error {
	t.Helper()
	for name, want := range files {
		got, err := tiles.ReadTile(t.Context(), name)
		if err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("%s has %d bytes (%w), want %d", name, len(got), err, len(want))
		}
	}
	return nil
}

// TestPowerLoss pulls the plug after every step of a growing ledger, many times:
// what was acknowledged is there, what was not is whole or absent, and the ledger
// goes on. A second loss of power meets the repair.
func TestPowerLoss(t *testing.T) {
	sizes, grown := []int{3, 100, 255, 257, 600}, ledgers(t)
	for seed := range uint64(10) {
		for left, finished := 0, false; !finished; left++ {
			d := newPowerDisk(seed<<32 + uint64(left))
			d.left = left
			done := growOn(t, d, sizes, grown)
			finished = done == sizes[len(sizes)-1]
			d.back().left = left % 7 // power fails again while it opens
			if _, err := openDisk(d); err != nil && !errors.Is(err, errPower) {
				t.Fatalf("opening after %d steps: %v", left, err)
			}
			d.back()
			tiles, err := openDisk(d)
			if err != nil {
				t.Fatalf("opening after %d steps: %v", left, err)
			}
			if err := holds(t, tiles, grown(done)); err != nil {
				t.Fatalf("seed %d, after %d steps, of %d acknowledged entries: %v", seed, left, done, err)
			}
			checkWhole(t, tiles, grown(sizes[len(sizes)-1]))
			if names, err := d.names(fresh); err != nil || len(names) > 0 {
				t.Fatalf("after %d steps there is a rest: %v, %v", left, names, err)
			}
			if growOn(t, d, sizes, grown) != sizes[len(sizes)-1] {
				t.Fatalf("after %d steps the ledger does not go on", left)
			}
		}
	}
}

// growOn writes a ledger of growing size and returns the last size that was
// acknowledged.
func growOn(t *testing.T, d disk, sizes []int, grown func(int) map[string][]byte) (done int) {
	t.Helper()
	tiles, err := openDisk(d)
	for _, size := range sizes {
		if err == nil {
			err = tiles.WriteTiles(context.Background(), grown(size))
		}
		if err == nil {
			done = size
		}
	}
	if err != nil && !errors.Is(err, errPower) {
		t.Fatalf("writing: %v", err)
	}
	return done
}

// checkWhole demands that each tile of a ledger is absent or right.
func checkWhole(t *testing.T, tiles *Tiles, files map[string][]byte) {
	t.Helper()
	for name, want := range files {
		tile, err := ledger.ParseTile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, got, err := tiles.readFullest(tile)
		if err != nil || !bytes.HasPrefix(want, got) {
			t.Fatalf("%s is %q: %v", name, got, err)
		}
	}
}

// TestPowerLossOfLooseFiles: a checkpoint is the old one or the new one.
func TestPowerLossOfLooseFiles(t *testing.T) {
	write := func(tiles *Tiles, content string) error {
		return tiles.WriteTiles(t.Context(), map[string][]byte{ledger.CheckpointPath: []byte(content)})
	}
	for seed := range uint64(60) {
		for left := range 6 {
			d := newPowerDisk(seed)
			tiles, err := openDisk(d)
			if err == nil {
				err = write(tiles, "the old one")
			}
			if err != nil {
				t.Fatal(err)
			}
			d.left = left
			err = write(tiles, "the new one")
			if tiles, err2 := openDisk(d.back()); err2 != nil {
				t.Fatal(err2)
			} else if got, err2 := tiles.ReadTile(t.Context(), ledger.CheckpointPath); err2 != nil ||
				string(got) != "the new one" && (err == nil || string(got) != "the old one") {
				t.Fatalf("after %d steps (%v) there is %q: %v", left, err, got, err2)
			}
		}
	}
}

// TestPowerLossOfBlobs: what was acknowledged is there; nothing is ever damaged.
func TestPowerLossOfBlobs(t *testing.T) {
	contents := [][]byte{[]byte("one"), []byte("two"), []byte("three"), []byte("four")}
	for seed := range uint64(30) {
		for left, finished := 0, false; !finished; left++ {
			d := newPowerDisk(seed<<32 + uint64(left))
			d.left = left
			var kept [][]byte
			if f, err := prepare(d); err == nil {
				b := &Blobs{folder: f}
				for _, content := range contents {
					if _, err := b.WriteBlob(t.Context(), content); err == nil {
						kept = append(kept, content)
					}
				}
			}
			finished = len(kept) == len(contents)
			f, err := prepare(d.back())
			if err != nil {
				t.Fatal(err)
			}
			b := &Blobs{folder: f}
			for _, content := range kept {
				if got, err := b.ReadBlob(t.Context(), sha256.Sum256(content)); err != nil || !bytes.Equal(got, content) {
					t.Fatalf("an acknowledged blob is %q: %v", got, err)
				}
			}
			for i, content := range contents {
				sum, err := b.WriteBlob(t.Context(), content)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := b.ReadBlob(t.Context(), sum); err != nil || !bytes.Equal(got, content) {
					t.Fatalf("blob %d, written anew: %q, %v", i, got, err)
				}
			}
		}
	}
}

// TestDiskFull: nothing is acknowledged that is not there, what was there stays,
// and with space again the ledger goes on.
func TestDiskFull(t *testing.T) {
	for space := 0; space < 9000; space += 500 {
		d := newPowerDisk(1)
		tiles, err := openDisk(d)
		if err == nil {
			err = tiles.WriteTiles(t.Context(), grown(t, 250))
		}
		if err != nil {
			t.Fatal(err)
		}
		d.space = space
		if err := tiles.WriteTiles(t.Context(), grown(t, 300)); !errors.Is(err, ports.ErrFolderFull) {
			t.Errorf("with %d bytes left: %v, want ErrFolderFull", space, err)
		}
		if err := holds(t, tiles, grown(t, 250)); err != nil {
			t.Errorf("with %d bytes left: %v", space, err)
		}
		if names, err := d.names(fresh); err != nil || len(names) > 0 {
			t.Errorf("with %d bytes left there is a rest: %v, %v", space, names, err)
		}
		d.space = -1
		if err := tiles.WriteTiles(t.Context(), grown(t, 300)); err != nil {
			t.Errorf("with space again: %v", err)
		}
		if err := holds(t, tiles, grown(t, 300)); err != nil {
			t.Error(err)
		}
	}
}

// TestKilledAndThenPowerLoss: the process is killed, so that names are there which
// do not last yet, and another one goes on; then the power is lost too.
func TestKilledAndThenPowerLoss(t *testing.T) {
	sizes, grown := []int{3, 256, 768}, ledgers(t)
	for seed := range uint64(20) {
		for left, finished := 0, false; !finished; left++ {
			d := newPowerDisk(seed<<32 + uint64(left))
			d.left = left
			done := growOn(t, d, sizes, grown)
			finished = done == sizes[len(sizes)-1]
			d.left = 1 << 30
			tiles, err := openDisk(d)
			if err != nil {
				t.Fatal(err)
			}
			if seed%2 == 0 && !finished { // what was under way is written again
				done = sizes[slices.Index(sizes, done)+1]
				if err := tiles.WriteTiles(t.Context(), grown(done)); err != nil {
					t.Fatal(err)
				}
			}
			if tiles, err = openDisk(d.back()); err != nil {
				t.Fatal(err)
			}
			if err := holds(t, tiles, grown(done)); err != nil {
				t.Fatalf("seed %d, after %d steps, of %d acknowledged entries: %v", seed, left, done, err)
			}
		}
	}
}
