package ledger_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

// raw returns so many short byte strings that stand for entries.
func raw(from, n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = binary.BigEndian.AppendUint32([]byte("entry"), uint32(from+i))
	}
	return list
}

// folder holds files as an export does. It can be asked like a ledger.Tiles.
type folder map[string][]byte

func (f folder) Tile(path string) ([]byte, error) {
	data, found := f[path]
	if !found {
		return nil, ledger.ErrNoTile
	}
	return data, nil
}

// grow appends entries to the files.
func (f folder) grow(t interface{ Fatal(args ...any) }, size, n int) merkle.Frontier {
	growth, err := ledger.Grow(uint64(size), f, raw(size, n))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(f, growth.Files)
	return growth.Frontier
}

// oracleTiles are the tiles that the Go checksum database's code makes.
func oracleTiles(t testing.TB, size int) folder {
	t.Helper()
	var hashes oracleHashes
	for i, entry := range raw(0, size) {
		more, err := tlog.StoredHashes(int64(i), entry, hashes)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, more...)
	}
	files := folder{}
	for _, tile := range tlog.NewTiles(8, 0, int64(size)) {
		if tile.W < 256 && int64(size)>>(8*tile.L)-tile.N*256 != int64(tile.W) {
			continue
		}
		data, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			t.Fatal(err)
		}
		files[ledger.Tile{Level: tile.L, Index: uint64(tile.N), Width: tile.W}.Path()] = data
	}
	return files
}

type oracleHashes []tlog.Hash

func (h oracleHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var list []tlog.Hash
	for _, i := range indexes {
		list = append(list, h[i])
	}
	return list, nil
}

func TestGrowLikeOracle(t *testing.T) {
	for _, size := range []int{1, 2, 255, 256, 257, 511, 512, 1000, 65_536, 65_800} {
		files := folder{}
		files.grow(t, 0, size)
		want := oracleTiles(t, size)
		for path, data := range want {
			if !bytes.Equal(files[path], data) {
				t.Errorf("size %d: %s is not the oracle's", size, path)
			}
		}
		for path, data := range files {
			if strings.HasPrefix(path, "tile/entries/") {
				checkBundle(t, path, data)
			} else if want[path] == nil {
				t.Errorf("size %d: %s is too much", size, path)
			}
		}
	}
}

func checkBundle(t *testing.T, path string, data []byte) {
	t.Helper()
	tile, err := ledger.ParseTile(path)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := ledger.DecodeBundle(tile, data)
	first, end := tile.Range()
	if err != nil || !slices.EqualFunc(entries, raw(int(first), int(end-first)), bytes.Equal) {
		t.Errorf("%s holds %d entries, %v", path, len(entries), err)
	}
}

// However a ledger grows, its files are the same, beside partial ones that it once
// had.
func TestGrowInSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 5), rapid.IntRange(1, 600)), 1, 6).Draw(t, "steps")
		files, size := folder{}, 0
		var frontier merkle.Frontier
		for _, n := range steps {
			frontier = files.grow(t, size, n)
			size += n
		}
		whole := folder{}
		if want := whole.grow(t, 0, size); frontier != want {
			t.Fatalf("frontier after %v is not that of %d entries", steps, size)
		}
		for path, data := range whole {
			if !bytes.Equal(files[path], data) {
				t.Fatalf("%s after %v is another", path, steps)
			}
		}
	})
}

func TestGrowOverManyTiles(t *testing.T) {
	files := folder{}
	files.grow(t, 0, 65_500)
	frontier := files.grow(t, 65_500, 400)
	var want merkle.Frontier
	for _, entry := range raw(0, 65_900) {
		want.Append(merkle.LeafHash(entry))
	}
	if frontier != want {
		t.Error("the frontier is not that of the entries")
	}
}

func TestGrowRefuses(t *testing.T) {
	good := folder{}
	good.grow(t, 0, 300)
	const tile, bundle = "tile/0/001.p/44", "tile/entries/001.p/44"
	for name, tt := range map[string]struct {
		change  func(f folder)
		entries [][]byte
		want    error
	}{
		"no tile":           {func(f folder) { delete(f, tile) }, raw(300, 1), ledger.ErrTile},
		"no bundle":         {func(f folder) { delete(f, bundle) }, raw(300, 1), ledger.ErrTile},
		"no upper tile":     {func(f folder) { delete(f, "tile/1/000.p/1") }, raw(300, 1), ledger.ErrTile},
		"short tile":        {func(f folder) { f[tile] = f[tile][32:] }, raw(300, 1), ledger.ErrTile},
		"long tile":         {func(f folder) { f[tile] = append(f[tile], 0) }, raw(300, 1), ledger.ErrTile},
		"short bundle":      {func(f folder) { f[bundle] = f[bundle][11:] }, raw(300, 1), ledger.ErrTile},
		"cut bundle":        {func(f folder) { f[bundle] = f[bundle][1:] }, raw(300, 1), ledger.ErrTile},
		"long bundle":       {func(f folder) { f[bundle] = append(f[bundle], 0, 1, 'x') }, raw(300, 1), ledger.ErrTile},
		"another entry":     {func(f folder) { f[bundle][5]++ }, raw(300, 1), ledger.ErrTile},
		"another hash":      {func(f folder) { f[tile][5]++ }, raw(300, 1), ledger.ErrTile},
		"an empty entry":    {func(folder) {}, [][]byte{nil}, ledger.ErrBatch},
		"an entry too long": {func(folder) {}, [][]byte{make([]byte, ledger.MaxEntrySize+1)}, ledger.ErrBatch},
	} {
		files := folder{}
		for path, data := range good {
			files[path] = bytes.Clone(data)
		}
		tt.change(files)
		if growth, err := ledger.Grow(300, files, tt.entries); !errors.Is(err, tt.want) || growth != nil {
			t.Errorf("%s: %v, %v", name, growth, err)
		}
	}
	if _, err := ledger.Grow(ledger.MaxSize, good, raw(0, 1)); !errors.Is(err, ledger.ErrTile) || !strings.Contains(err.Error(), "no room") {
		t.Errorf("a full ledger: %v", err)
	}
	if growth, err := ledger.Grow(300, good, nil); err != nil || len(growth.Files) != 0 || growth.Frontier.Size() != 300 {
		t.Errorf("no entries: %v, %v", growth, err)
	}
}
