package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/ledger"
)

// oracle returns the path that the Go checksum database's code has for a tile, in
// the layout of tlog-tiles, which has one height only and its own name for data.
func oracle(t ledger.Tile) string {
	path := tlog.Tile{H: 8, L: t.Level, N: int64(t.Index), W: t.Width}.Path()
	path = "tile/" + strings.TrimPrefix(path, "tile/8/")
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

func TestTilePath(t *testing.T) {
	for path, tile := range map[string]ledger.Tile{
		"tile/0/000":               {Level: 0, Index: 0, Width: 256},
		"tile/0/x001/067":          {Level: 0, Index: 1067, Width: 256},
		"tile/1/000.p/17":          {Level: 1, Index: 0, Width: 17},
		"tile/0/x001/x234/067.p/1": {Level: 0, Index: 1234067, Width: 1},
		"tile/entries/273.p/112":   ledger.EntriesOf(ledger.Tile{Index: 273, Width: 112}),
		"tile/0/x001/x000/000":     {Level: 0, Index: 1_000_000, Width: 256},
		"tile/6/000.p/1":           {Level: 6, Index: 0, Width: 1},
	} {
		if got := tile.Path(); got != path || oracle(tile) != path {
			t.Errorf("Path = %s, oracle %s, want %s", got, oracle(tile), path)
		}
		if got, err := ledger.ParseTile(path); err != nil || got != tile {
			t.Errorf("ParseTile(%s) = %+v, %v", path, got, err)
		}
	}
}

func TestTilePathLikeOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tile := ledger.Tile{
			Level: rapid.IntRange(-1, 5).Draw(t, "level"), Index: rapid.Uint64Range(0, 15).Draw(t, "index"), Width: rapid.IntRange(1, 256).Draw(t, "width"),
		}
		if tile.Level < 2 {
			tile.Index = rapid.Uint64Range(0, 1<<34).Draw(t, "large index")
		}
		if got := tile.Path(); got != oracle(tile) {
			t.Fatalf("Path = %s, oracle %s", got, oracle(tile))
		}
		if got, err := ledger.ParseTile(tile.Path()); err != nil || got != tile {
			t.Fatalf("ParseTile = %+v, %v", got, err)
		}
	})
}

func TestParseTileRefuses(t *testing.T) {
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/x001", "tile/0/001/001",
		"tile/00/000", "tile/+1/000", "tile/-1/000", "tile/7/000", "tile/data/000", "tile/8/0/000", "/tile/0/000", "tile/0/000/", "tile/0//000",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/000.p/1/", "tile/0/000.p/+1", "tile/0/000.q/1",
		"tile/0/-01", "tile/0/x00a/001", "tile/0/00a", "tile/0/ 01", "tile/entries", "tile/entries/", "tile/entries/x0/000", "checkpoint",
		"tile/0/x018/x446/x744/x073/x709/x551/616", "tile/6/032", "tile/0/x035/x184/x372/x088/832", "tile/0/" + strings.Repeat("x001/", 20) + "000",
	} {
		if tile, err := ledger.ParseTile(path); !errors.Is(err, ledger.ErrTile) || tile != (ledger.Tile{}) {
			t.Errorf("ParseTile(%q) = %+v, %v", path, tile, err)
		}
	}
}

func TestTileRange(t *testing.T) {
	for path, want := range map[string][2]uint64{
		"tile/entries/002":       {512, 768},
		"tile/entries/002.p/3":   {512, 515},
		"tile/0/002.p/3":         {512, 515},
		"tile/1/001":             {65536, 131072},
		"tile/1/001.p/2":         {65536, 65536 + 512},
		"tile/2/000.p/1":         {0, 65536},
		"tile/0/x001/000.p/255":  {256000, 256255},
		"tile/6/000.p/31":        {0, 31 << 48},
		"tile/entries/000.p/255": {0, 255},
	} {
		tile, err := ledger.ParseTile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first, end := tile.Range(); [2]uint64{first, end} != want {
			t.Errorf("%s covers %d to %d, want %v", path, first, end, want)
		}
	}
}

// The example of C2SP tlog-tiles, section "Partial Tiles".
func TestTilesOf70000(t *testing.T) {
	count := map[string]int{}
	for tile := range ledger.TilesOf(70_000) {
		kind := map[bool]string{true: "full", false: "partial"}[tile.IsFull()]
		if tile.IsBundle() {
			kind += " bundle"
		}
		count[kind]++
		if !tile.IsFull() {
			count[tile.Path()]++
		}
	}
	want := map[string]int{
		"full": 274, "full bundle": 273, "partial": 3, "partial bundle": 1,
		"tile/0/273.p/112": 1, "tile/entries/273.p/112": 1, "tile/1/001.p/17": 1, "tile/2/000.p/1": 1,
	}
	if d := diff(want, count); d != "" {
		t.Errorf("files of a ledger (-want +got):\n%s", d)
	}
	var edge []string
	for _, tile := range ledger.Edge(70_000) {
		edge = append(edge, tile.Path())
	}
	if d := diff([]string{"tile/2/000.p/1", "tile/1/001.p/17", "tile/0/273.p/112", "tile/entries/273.p/112"}, edge); d != "" {
		t.Errorf("edge (-want +got):\n%s", d)
	}
	if got := ledger.Edge(0); got != nil {
		t.Errorf("edge of nothing: %v", got)
	}
}

func TestNewTilesLikeOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		older := rapid.Uint64Range(0, 200_000).Draw(t, "older")
		newer := older + rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, 70_000)).Draw(t, "more")
		var want, got []string
		for _, tile := range tlog.NewTiles(8, int64(older), int64(newer)) {
			ours := ledger.Tile{Level: tile.L, Index: uint64(tile.N), Width: tile.W}
			want = append(want, ours.Path())
			if tile.L == 0 {
				want = append(want, ledger.EntriesOf(ours).Path())
			}
		}
		for tile := range ledger.NewTiles(older, newer) {
			got = append(got, tile.Path())
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Fatalf("from %d to %d: %v, want %v", older, newer, got, want)
		}
	})
}

// An iteration may end early.
func TestTilesOfStops(t *testing.T) {
	n := 0
	for range ledger.TilesOf(1000) {
		n++
		if n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d tiles", n)
	}
}
