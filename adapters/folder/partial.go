package folder

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

// fullTile is the tile once it is full.
func fullTile(tile ledger.Tile) ledger.Tile {
	tile.Width = ledger.TileWidth
	return tile
}

// partialEnding is that of the folders of partial files (C2SP tlog-tiles).
const partialEnding = ".p"

// partials is the folder of the partial files of a tile.
func partials(tile ledger.Tile) string { return fullTile(tile).Path() + partialEnding }

// fullest returns the tile of the same place whose file is the fullest. The error
// wraps ErrNoFile.
func (t *Tiles) fullest(tile ledger.Tile) (ledger.Tile, error) {
	// A writer gives the full one its name before it takes the partial ones away.
	widths, err := t.widths(tile)
	if err != nil {
		return ledger.Tile{}, err
	}
	there, err := t.disk.exists(fullTile(tile).Path())
	switch {
	case err != nil:
		return ledger.Tile{}, fmt.Errorf("looking for a full tile: %w", err)
	case there:
		return fullTile(tile), nil
	}
	if len(widths) == 0 {
		return ledger.Tile{}, fmt.Errorf("%w: %s", ports.ErrNoFile, tile.Path())
	}
	tile.Width = widths[len(widths)-1]
	return tile, nil
}

// widths returns those of the partial files of a tile, in ascending order.
func (t *Tiles) widths(tile ledger.Tile) ([]int, error) {
	names, err := t.disk.names(partials(tile))
	if err != nil {
		if missing(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("listing partial tiles: %w", err)
	}
	var have [ledger.TileWidth]bool
	for _, name := range names {
		if w, err := strconv.Atoi(name); err == nil && w > 0 && w < ledger.TileWidth && strconv.Itoa(w) == name {
			have[w] = true
		}
	}
	var widths []int
	for w, there := range have {
		if there {
			widths = append(widths, w)
		}
	}
	return widths, nil
}

// continues says whether one of two contents begins with the other.
func continues(a, b []byte) bool {
	n := min(len(a), len(b))
	return bytes.Equal(a[:n], b[:n])
}

// dropNarrower removes the partial files of a tile that are less full than it is.
// The caller has made sure that the tile itself lasts. What cannot be removed does
// no harm, and the next opening tries again.
func (t *Tiles) dropNarrower(tile ledger.Tile) {
	widths, err := t.widths(tile)
	if err != nil {
		return
	}
	for _, width := range widths {
		if width < tile.Width {
			_ = t.disk.remove(path.Join(partials(tile), strconv.Itoa(width)))
		}
	}
	if tile.IsFull() {
		delete(t.made, partials(tile))
		_ = t.disk.remove(partials(tile))
	}
}

// tidy removes, below a folder, the partial files that a crash has left beside
// fuller ones.
func (t *Tiles) tidy(name string) error {
	names, err := t.disk.names(name)
	if err != nil {
		if missing(err) {
			return nil
		}
		return fmt.Errorf("listing %s: %w", name, err)
	}
	for _, each := range names {
		below := path.Join(name, each)
		tile, err := ledger.ParseTile(strings.TrimSuffix(below, partialEnding))
		switch {
		case err != nil: // a folder of tiles
			err = t.tidy(below)
		case strings.HasSuffix(below, partialEnding):
			err = t.tidyPartials(tile)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tidyPartials makes sure that the fullest file of a tile lasts, and removes the
// others.
func (t *Tiles) tidyPartials(tile ledger.Tile) error {
	kept, err := t.fullest(tile)
	if errors.Is(err, ports.ErrNoFile) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.makeLast(kept.Path()); err != nil {
		return err
	}
	t.dropNarrower(kept)
	return nil
}
