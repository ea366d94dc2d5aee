package ledger_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
)

// FuzzDecodeEntry looks for entries that are not encoded as they were read, and
// for refusals that are not errors of this package.
func FuzzDecodeEntry(f *testing.F) {
	data, err := os.ReadFile(entriesFile)
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		f.Add([]byte(strings.TrimSuffix(line, "\n")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			if !errors.Is(err, ledger.ErrEntry) || e != nil {
				t.Fatalf("DecodeEntry = %v, %v", e, err)
			}
			return
		}
		if again, err := e.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("encoded as %s, %v", again, err)
		}
	})
}

func FuzzDecodeBatch(f *testing.F) {
	for _, entries := range [][][]byte{{[]byte("x")}, raw(0, 3), {bytes.Repeat([]byte("y"), 300)}} {
		data, err := ledger.EncodeBatch(entries)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := ledger.DecodeBatch(data)
		if err != nil {
			if !errors.Is(err, ledger.ErrBatch) || entries != nil {
				t.Fatalf("DecodeBatch = %v, %v", entries, err)
			}
			return
		}
		if again, err := ledger.EncodeBatch(entries); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("encoded as %x, %v", again, err)
		}
	})
}

func FuzzDecodeHead(f *testing.F) {
	for _, n := range []int{0, 1, 7, 256} {
		data, err := headOf(n).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ledger.DecodeHead(data)
		if err != nil {
			if !errors.Is(err, ledger.ErrHead) || h != nil {
				t.Fatalf("DecodeHead = %v, %v", h, err)
			}
			return
		}
		if again, err := h.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("encoded as %s, %v", again, err)
		}
	})
}

func FuzzParseTile(f *testing.F) {
	for _, path := range []string{"tile/0/000", "tile/1/x001/067.p/9", "tile/entries/x001/x234/067", "tile/entries/000.p/255"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ledger.ParseTile(path)
		if err != nil {
			if !errors.Is(err, ledger.ErrTile) {
				t.Fatal(err)
			}
			return
		}
		if first, end := tile.Range(); first >= end || end > ledger.MaxSize || tile.Path() != path || oracle(tile) != path {
			t.Fatalf("%+v covers %d to %d, its path is %s", tile, first, end, tile.Path())
		}
	})
}

func FuzzDecodeBundle(f *testing.F) {
	files := folder{}
	files.grow(f, 0, 3)
	f.Add(files["tile/entries/000.p/3"], 3)
	f.Add([]byte("\x00\x01x"), 1)
	f.Fuzz(func(t *testing.T, data []byte, width int) {
		tile := ledger.EntriesOf(ledger.Tile{Width: max(1, min(width, ledger.TileWidth))})
		entries, err := ledger.DecodeBundle(tile, data)
		if err == nil && len(entries) != tile.Width || err != nil && !errors.Is(err, ledger.ErrTile) {
			t.Fatalf("%d entries of %d, %v", len(entries), tile.Width, err)
		}
		size := 0
		for _, entry := range entries {
			size += 2 + len(entry)
		}
		if err == nil && size != len(data) {
			t.Fatalf("%d bytes of %d", size, len(data))
		}
	})
}

// FuzzOpenCheckpoint also looks for notes that the oracle does not open, or opens
// with another text. The oracle takes some that are refused here.
func FuzzOpenCheckpoint(f *testing.F) {
	f.Add(signed(f, checkpointOf(7)))
	f.Add(signed(f, checkpointOf(0), "alice"))
	f.Add(signed(f, checkpointOf(9), "alice", "bob"))
	vkey, err := note.NewEd25519VerifierKey(origin(), ledgertest.Key().Public().(ed25519.PublicKey))
	if err != nil {
		f.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ledger.OpenCheckpoint(data, origin(), ledgerKey(), witnesses("alice"), 0)
		if err != nil {
			if !errors.Is(err, ledger.ErrCheckpoint) || c != nil {
				t.Fatalf("OpenCheckpoint = %v, %v", c, err)
			}
			return
		}
		body, err := c.Body()
		if err != nil {
			t.Fatal(err)
		}
		opened, err := note.Open(data, note.VerifierList(verifier))
		if err != nil || opened.Text != string(body) {
			t.Fatalf("the oracle reads %+v, %v", opened, err)
		}
	})
}

// FuzzVerify changes a byte of a file or cuts it, and looks for damage that is not
// seen, or seen elsewhere.
func FuzzVerify(f *testing.F) {
	l := ledgertest.Filled(f, 300)
	paths := tilePaths(l.Files)
	f.Add(0, 0, byte(1), false)
	f.Add(3, 1000, byte(0x80), false)
	f.Add(4, 77, byte(0), true)
	f.Fuzz(func(t *testing.T, file, at int, mask byte, cut bool) {
		path := paths[max(file, -file-1)%len(paths)]
		spoilt := spoil(l.Files, path, func(b []byte) []byte {
			i := max(at, -at-1) % len(b)
			if cut {
				return b[:i]
			}
			b[i] ^= mask
			return b
		})
		r := l.Audit().Verify(spoilt)
		if !cut && mask == 0 {
			if !r.Sound() {
				t.Fatalf("%q", r.Problems)
			}
			return
		}
		if !onlyIn(r, path) {
			t.Fatalf("%s: %q", path, r.Problems)
		}
	})
}
