package folder

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
)

// Tiles is a ledger's tiles in a folder, one file each: of a tile there is only the
// fullest, or for a moment the one before it too.
type Tiles struct{ *folder }

// tileFolder holds all tiles (C2SP tlog-tiles).
const tileFolder = "tile"

var _ ports.Tiles = (*Tiles)(nil)

// OpenTiles uses the folder, which is made where there is none. The caller closes
// it. The error wraps ErrInUse where another opening has it.
func OpenTiles(name string) (*Tiles, error) {
	f, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the tiles in %s: %w", name, err)
	}
	t := &Tiles{f}
	if err := t.tidy(tileFolder); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the tiles in %s: %w", name, err), f.close())
	}
	return t, nil
}

// Close gives the folder up.
func (t *Tiles) Close() error { return t.close() }

// ReadTile implements ports.Tiles.
func (t *Tiles) ReadTile(ctx context.Context, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading %.64q: %w", name, err)
	}
	if isLoose(name) {
		return t.readLoose(name)
	}
	tile, err := ledger.ParseTile(name)
	if err != nil {
		return nil, fmt.Errorf("reading a tile: %w", err)
	}
	content, err := t.readAtLeast(tile)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return content, nil
}

// WriteTiles implements ports.Tiles.
func (t *Tiles) WriteTiles(ctx context.Context, files map[string][]byte) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("writing tiles: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.plan(files)
	if err != nil {
		return fmt.Errorf("writing tiles: %w", err)
	}
	if err := t.carryOut(p); err != nil {
		return fmt.Errorf("writing tiles: %w", err)
	}
	return nil
}

// isLoose tells the files that are no tiles.
func isLoose(name string) bool { return name == ledger.CheckpointPath || name == ports.HeadPath }

func (t *Tiles) readLoose(name string) ([]byte, error) {
	content, err := t.readBounded(name, ports.MaxLooseFile)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return content, nil
}

// readBounded reads a file and tells what ports tells apart.
func (f *folder) readBounded(name string, limit int) ([]byte, error) {
	content, err := f.disk.read(name, limit)
	switch {
	case err != nil && missing(err):
		return nil, fmt.Errorf("%w: %w", ports.ErrNoFile, err)
	case err != nil:
		return nil, err
	case len(content) > limit:
		return nil, fmt.Errorf("%w: more than %d bytes", ports.ErrFileDamaged, limit)
	default:
		return content, nil
	}
}

// readAtLeast returns the beginning of the fullest file of the tile, as much as
// is asked for. While it looks, a writer may put a fuller one in its place.
func (t *Tiles) readAtLeast(want ledger.Tile) ([]byte, error) {
	const tries = 3 // partial, then full: no tile is replaced more often while it is looked for
	var err error
	for range tries {
		var kept ledger.Tile
		if kept, err = t.fullest(want); err != nil {
			return nil, err
		}
		if kept.Width < want.Width {
			return nil, fmt.Errorf("%w: only %d of %d", ports.ErrNoFile, kept.Width, want.Width)
		}
		var content []byte
		if content, err = t.readWhole(kept); err == nil {
			return beginning(kept, content, want.Width)
		}
	}
	return nil, err
}

// readWhole reads a tile's own file.
func (t *Tiles) readWhole(tile ledger.Tile) ([]byte, error) {
	content, err := t.readBounded(tile.Path(), maxContent(tile))
	if err != nil {
		return nil, err
	}
	if err := checkContent(tile, content); err != nil {
		return nil, fmt.Errorf("%w: %w", ports.ErrFileDamaged, err)
	}
	return content, nil
}

func maxContent(tile ledger.Tile) int {
	if tile.IsBundle() {
		return ledger.MaxBundleSize
	}
	return ledger.MaxTileSize
}

// checkContent wants as many hashes or entries as the tile is wide.
func checkContent(tile ledger.Tile, content []byte) error {
	if tile.IsBundle() {
		_, err := ledger.DecodeBundle(tile, content)
		return err
	}
	_, err := ledger.DecodeTile(tile, content)
	return err
}

// beginning cuts the content of a tile down to its first hashes or entries.
func beginning(tile ledger.Tile, content []byte, width int) ([]byte, error) {
	if !tile.IsBundle() {
		return content[:width*merkle.HashSize], nil
	}
	entries, err := ledger.DecodeBundle(tile, content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ports.ErrFileDamaged, err)
	}
	size := 0
	for _, entry := range entries[:width] {
		size += 2 + len(entry)
	}
	return content[:size], nil
}

// readFullest returns the fullest tile of a place and its content, both empty
// where there is none.
func (t *Tiles) readFullest(tile ledger.Tile) (ledger.Tile, []byte, error) {
	kept, err := t.fullest(tile)
	if errors.Is(err, ports.ErrNoFile) {
		return ledger.Tile{}, nil, nil
	}
	if err != nil {
		return ledger.Tile{}, nil, err
	}
	content, err := t.readWhole(kept)
	return kept, content, err
}
