package folder_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/folder"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

func TestOneOpeningAtATime(t *testing.T) {
	name := t.TempDir()
	tiles := openTiles(t, name)
	for range 2 {
		if _, err := folder.OpenTiles(name); !errors.Is(err, folder.ErrInUse) {
			t.Errorf("a second opening: %v, want ErrInUse", err)
		}
		if _, err := folder.OpenBlobs(name); !errors.Is(err, folder.ErrInUse) {
			t.Errorf("a second opening: %v, want ErrInUse", err)
		}
	}
	closed(t, tiles)
	closed(t, openTiles(t, name))
}

// TestLayout: the files are where C2SP tlog-tiles says, one for a tile.
func TestLayout(t *testing.T) {
	name := t.TempDir()
	tiles := openTiles(t, name)
	defer closed(t, tiles)
	for _, n := range []int{1, 200, 256, 300} {
		entries := make([][]byte, n)
		for i := range entries {
			entries[i] = fmt.Append(nil, i)
		}
		g, err := ledger.Grow(0, nil, entries)
		if err != nil {
			t.Fatal(err)
		}
		if err := tiles.WriteTiles(t.Context(), g.Files); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(name, path)
			got = append(got, rel)
		}
		return err
	})
	want := "[tile/0/000 tile/0/001.p/44 tile/1/000.p/1 tile/entries/000 tile/entries/001.p/44]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("the folder holds %v (%v), want %s", got, err, want)
	}
}

// TestNothingLeadsOut: links, pipes and folders that somebody put where files
// belong are not followed, not waited for and not written through.
func TestNothingLeadsOut(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	place := func(make func(path string) error) func(string) error {
		return func(name string) error {
			path := filepath.Join(name, "tile", "0", "000.p", "1")
			return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), make(path))
		}
	}
	for what, put := range map[string]func(name string) error{
		"a link":           place(func(path string) error { return os.Symlink(outside, path) }),
		"a pipe":           place(func(path string) error { return syscall.Mkfifo(path, 0o600) }),
		"a folder":         place(func(path string) error { return os.Mkdir(path, 0o700) }),
		"a link of a link": func(name string) error { return os.Symlink(filepath.Dir(outside), filepath.Join(name, "tile")) },
	} {
		name := t.TempDir()
		if err := put(name); err != nil {
			t.Fatal(err)
		}
		tiles, err := folder.OpenTiles(name)
		if err != nil {
			continue // refused at once
		}
		if got, err := tiles.ReadTile(t.Context(), "tile/0/000.p/1"); err == nil {
			t.Errorf("%s: read %x", what, got)
		}
		_ = tiles.WriteTiles(t.Context(), map[string][]byte{"tile/0/000.p/1": bytes.Repeat([]byte{1}, 32)})
		if got, err := os.ReadFile(outside); err != nil || !bytes.Equal(got, make([]byte, 32)) {
			t.Errorf("%s: outside there is now %x (%v)", what, got, err)
		}
		closed(t, tiles)
	}
}

// TestDamagedFiles are told, not returned and not written over.
func TestDamagedFiles(t *testing.T) {
	name := t.TempDir()
	tiles := openTiles(t, name)
	defer closed(t, tiles)
	files := map[string][]byte{"tile/0/000.p/2": make([]byte, 64), ports.HeadPath: []byte("head")}
	if err := tiles.WriteTiles(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	for path, size := range map[string]int{"tile/0/000.p/2": 63, ports.HeadPath: ports.MaxLooseFile + 1} {
		if err := os.WriteFile(filepath.Join(name, path), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := tiles.ReadTile(t.Context(), path); !errors.Is(err, ports.ErrFileDamaged) {
			t.Errorf("%s: %v, want ErrFileDamaged", path, err)
		}
	}
	next := map[string][]byte{"tile/0/000.p/3": make([]byte, 96)}
	if err := tiles.WriteTiles(t.Context(), next); !errors.Is(err, ports.ErrFileDamaged) {
		t.Errorf("on top of a damaged tile: %v, want ErrFileDamaged", err)
	}
}

func blobFile(name string, content []byte) string {
	sum := sha256.Sum256(content)
	text := hex.EncodeToString(sum[:])
	return filepath.Join(name, text[:2], text)
}

// TestDamagedBlobs are never returned, and mended when they are written again.
func TestDamagedBlobs(t *testing.T) {
	name, content := t.TempDir(), []byte("evidence")
	b, err := folder.OpenBlobs(name)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, b)
	sum, err := b.WriteBlob(t.Context(), content)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range [][]byte{nil, []byte("evidencE"), []byte("evidence "), make([]byte, ports.MaxBlobSize+1)} {
		if err := os.WriteFile(blobFile(name, content), other, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := b.ReadBlob(t.Context(), sum); !errors.Is(err, ports.ErrFileDamaged) {
			t.Errorf("%d other bytes: %v, want ErrFileDamaged", len(other), err)
		}
	}
	if _, err := b.WriteBlob(t.Context(), content); err != nil {
		t.Fatal(err)
	}
	if got, err := b.ReadBlob(t.Context(), sum); err != nil || !bytes.Equal(got, content) {
		t.Errorf("written again: %q, %v", got, err)
	}
}

// TestThreat23KeepLast: however much is written, only the last are kept, also over
// openings, and nothing else in the folder is touched.
func TestThreat23KeepLast(t *testing.T) {
	name := t.TempDir()
	other := filepath.Join(name, "notes")
	if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for opening := range 3 {
		keep := 5 - opening
		b, err := folder.OpenBlobs(name, folder.KeepLast(keep))
		if err != nil {
			t.Fatal(err)
		}
		for n := range 12 {
			for range 2 { // the second time it is there
				if _, err := b.WriteBlob(t.Context(), fmt.Append(nil, opening, n)); err != nil {
					t.Fatal(err)
				}
			}
			files, err := filepath.Glob(filepath.Join(name, "??", "*"))
			if err != nil || len(files) > keep {
				t.Fatalf("%d blobs are kept (%v), want at most %d", len(files), err, keep)
			}
		}
		for n := range 12 {
			_, err := b.ReadBlob(t.Context(), sha256.Sum256(fmt.Append(nil, opening, n)))
			if kept := n >= 12-keep; kept != (err == nil) {
				t.Errorf("blob %d of 12, of which %d are kept: %v", n, keep, err)
			}
		}
		closed(t, b)
	}
	if got, err := os.ReadFile(other); err != nil || string(got) != "mine" {
		t.Errorf("the other file is %q (%v)", got, err)
	}
}

// TestThreat23OrderOverOpenings: which blobs are the last is known to the next
// opening too, whatever the clock says, and whichever were there already.
func TestThreat23OrderOverOpenings(t *testing.T) {
	name := t.TempDir()
	for _, step := range []struct {
		write, kept []int
		ahead       int // the clock was an hour ahead when this was written; zero: it was not
	}{
		{write: []int{1, 2, 3, 4, 1, 3}, kept: []int{1, 2, 3, 4}},
		{write: []int{5, 6}, kept: []int{1, 3, 5, 6}, ahead: 6},
		{write: []int{7}, kept: []int{3, 5, 6, 7}},
		{write: []int{8}, kept: []int{5, 6, 7, 8}},
		{write: []int{9}, kept: []int{6, 7, 8, 9}},
		{write: []int{10}, kept: []int{7, 8, 9, 10}},
	} {
		if got := writeAll(t, name, step.write); !slices.Equal(got, step.kept) {
			t.Errorf("after %v there are %v, want %v", step.write, got, step.kept)
		}
		if step.ahead > 0 {
			ahead, sum := time.Now().Add(time.Hour), sha256.Sum256(fmt.Append(nil, step.ahead))
			if err := os.Chtimes(filepath.Join(name, hex.EncodeToString(sum[:1]), hex.EncodeToString(sum[:])), ahead, ahead); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// writeAll writes blobs in one opening that keeps four, and returns which of ten
// are there then.
func writeAll(t *testing.T, name string, numbers []int) (kept []int) {
	t.Helper()
	b, err := folder.OpenBlobs(name, folder.KeepLast(4))
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, b)
	for _, n := range numbers {
		if _, err := b.WriteBlob(t.Context(), fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 11 {
		if _, err := b.ReadBlob(t.Context(), sha256.Sum256(fmt.Append(nil, n))); err == nil {
			kept = append(kept, n)
		}
	}
	return kept
}

// TestAPipeDoesNotBlock: also where a folder should be.
func TestAPipeDoesNotBlock(t *testing.T) {
	name := t.TempDir()
	for _, each := range []string{"pipe", "ab"} {
		if err := syscall.Mkfifo(filepath.Join(name, each), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	within(t, func() {
		b, err := folder.OpenBlobs(name, folder.KeepLast(3))
		if err != nil {
			t.Error(err)
			return
		}
		closed(t, b)
	})
	tiles := t.TempDir()
	closed(t, openTiles(t, tiles))
	entries := filepath.Join(tiles, "tile", "entries")
	if err := errors.Join(os.MkdirAll(filepath.Dir(entries), 0o700), syscall.Mkfifo(entries, 0o600)); err != nil {
		t.Fatal(err)
	}
	within(t, func() {
		o, err := folder.OpenTiles(tiles)
		if err != nil {
			return // to say so is as good
		}
		_, _ = o.ReadTile(t.Context(), "tile/entries/000.p/1")
		closed(t, o)
	})
}

// within fails where do hangs.
func within(t *testing.T, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it blocks")
	}
}
