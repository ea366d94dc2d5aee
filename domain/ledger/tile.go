package ledger

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// Sizes of tiles (C2SP tlog-tiles).
const (
	TileWidth     = 256                              // hashes of a full tile, and entries of a full bundle
	MaxTileSize   = TileWidth * merkle.HashSize      // bytes of a tile
	MaxBundleSize = TileWidth * (2 + MaxEntrySize)   // bytes of a bundle
	MaxTileLevel  = (53+tileHeight-1)/tileHeight - 1 // of a ledger of MaxSize
	tileHeight    = 8
	bundleLevel   = -1
)

// CheckpointPath is where a ledger's checkpoint lies.
const CheckpointPath = "checkpoint"

const tilePrefix, bundleName = "tile/", "entries"

// ErrTile is wrapped by every error about tiles, their paths and their content.
var ErrTile = errors.New("not a tile")

// Tile names a file of a ledger: a tile of hashes, or a bundle of entries. Tiles
// compare with ==.
type Tile struct {
	// Level is 0 for the hashes of entries, and one more for the roots of full
	// tiles of the level below; EntriesOf makes bundles.
	Level int
	Index uint64 // within the level
	Width int    // hashes or entries in it, 1 to TileWidth
}

// EntriesOf returns the bundle of the entries whose hashes are in a tile of level
// 0.
func EntriesOf(t Tile) Tile { return Tile{bundleLevel, t.Index, t.Width} }

// IsBundle says whether the tile is a bundle of entries.
func (t Tile) IsBundle() bool { return t.Level == bundleLevel }

// IsFull says whether the tile has its final width.
func (t Tile) IsFull() bool { return t.Width == TileWidth }

// full returns the tile as it is once it is full.
func (t Tile) full() Tile { return Tile{t.Level, t.Index, TileWidth} }

// Range returns the index of the first entry that the tile covers, and that of
// the first after them.
func (t Tile) Range() (first, end uint64) {
	shift := max(t.Level, 0) * tileHeight
	first = t.Index * TileWidth << shift
	return first, first + uint64(t.Width)<<shift
}

// Path returns the path of the file (C2SP tlog-tiles): "tile/0/x001/067",
// "tile/1/000.p/17", "tile/entries/000".
func (t Tile) Path() string {
	var b strings.Builder
	b.WriteString(tilePrefix)
	if t.IsBundle() {
		b.WriteString(bundleName)
	} else {
		b.WriteString(strconv.Itoa(t.Level))
	}
	writeGroups(&b, t.Index)
	if !t.IsFull() {
		b.WriteString(".p/")
		b.WriteString(strconv.Itoa(t.Width))
	}
	return b.String()
}

// writeGroups writes n as elements of three digits, all but the last with an x.
func writeGroups(b *strings.Builder, n uint64) {
	if n >= 1000 {
		writeLeading(b, n/1000)
	}
	fmt.Fprintf(b, "/%03d", n%1000)
}

func writeLeading(b *strings.Builder, n uint64) {
	if n >= 1000 {
		writeLeading(b, n/1000)
	}
	fmt.Fprintf(b, "/x%03d", n%1000)
}

// maxTilePath is how many bytes the path of a tile may have, with room to spare.
const maxTilePath = 64

// ParseTile reads what Path writes, and nothing else. The error wraps ErrTile.
func ParseTile(path string) (Tile, error) {
	t, err := parseTile(path)
	if err != nil {
		return Tile{}, fmt.Errorf("%w: %.64q: %w", ErrTile, path, err)
	}
	if t.Path() != path {
		return Tile{}, fmt.Errorf("%w: %.64q: its path is %q", ErrTile, path, t.Path())
	}
	return t, nil
}

func parseTile(path string) (Tile, error) {
	rest, found := strings.CutPrefix(path, tilePrefix)
	if !found || len(path) > maxTilePath {
		return Tile{}, errors.New("it does not start with tile/, or is too long")
	}
	name, rest, _ := strings.Cut(rest, "/")
	level, err := parseLevel(name)
	if err != nil {
		return Tile{}, err
	}
	t := Tile{Level: level, Width: TileWidth}
	index, width, partial := strings.Cut(rest, ".p/")
	if partial {
		if t.Width, err = strconv.Atoi(width); err != nil || t.Width < 1 || t.Width >= TileWidth {
			return Tile{}, fmt.Errorf("%.16q is not the width of a partial tile", width)
		}
	}
	if t.Index, err = parseGroups(index); err != nil {
		return Tile{}, err
	}
	return t, t.checkRange()
}

func parseLevel(name string) (int, error) {
	if name == bundleName {
		return bundleLevel, nil
	}
	level, err := strconv.Atoi(name)
	if err != nil || level < 0 || level > MaxTileLevel {
		return 0, fmt.Errorf("%.16q is not a level from 0 to %d", name, MaxTileLevel)
	}
	return level, nil
}

// parseGroups reads what writeGroups writes, and some more, which Path shows.
func parseGroups(text string) (uint64, error) {
	digits := strings.NewReplacer("/x", "", "/", "").Replace("/" + text)
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.32q is not an index in groups of three digits", text)
	}
	return n, nil
}

// checkRange refuses tiles that no ledger has. It looks before it shifts.
func (t Tile) checkRange() error {
	shift := (max(t.Level, 0) + 1) * tileHeight
	if t.Index > MaxSize>>shift {
		return fmt.Errorf("no ledger has a tile %d at level %d", t.Index, t.Level)
	}
	if _, end := t.Range(); end > MaxSize {
		return fmt.Errorf("no ledger has %d entries", end)
	}
	return nil
}
