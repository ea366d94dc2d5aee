package sequencing

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
)

// Source is where tiles can be read, as from the folder of another node. What it
// says is verified.
type Source interface {
	ReadTile(ctx context.Context, path string) ([]byte, error)
}

// source is a Source for the functions of ledger, for one call.
type source struct {
	ctx  context.Context //nolint:containedctx // lives as long as the call that has it
	from Source
}

// Tile implements ledger.Tiles.
func (s source) Tile(path string) ([]byte, error) {
	data, err := s.from.ReadTile(s.ctx, path)
	if errors.Is(err, ports.ErrNoFile) {
		return nil, fmt.Errorf("%w: %w", ledger.ErrNoTile, err)
	}
	return data, err
}

// edge reads the files at the edge of a ledger of that size.
func (s source) edge(size uint64) (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, tile := range ledger.Edge(size) {
		data, err := s.Tile(tile.Path())
		if err != nil {
			return nil, fmt.Errorf("reading the edge at %d entries: %w", size, err)
		}
		files[tile.Path()] = data
	}
	return files, nil
}

// frontier returns that of a ledger of that size, as its edge has it.
func (s source) frontier(size uint64) (merkle.Frontier, error) {
	edge, err := s.edge(size)
	if err != nil {
		return merkle.Frontier{}, err
	}
	grown, err := ledger.Grow(size, edge, nil)
	if err != nil {
		return merkle.Frontier{}, fmt.Errorf("reading the edge at %d entries: %w", size, err)
	}
	return grown.Frontier, nil
}

// entries reads those from one index up to another, which the caller bounds.
func (s source) entries(from, to uint64) ([][]byte, error) {
	var all [][]byte
	for at := from; at < to; {
		index := at / ledger.TileWidth
		start := index * ledger.TileWidth
		end := min(start+ledger.TileWidth, to)
		tile := ledger.EntriesOf(ledger.Tile{Index: index, Width: int(end - start)})
		data, err := s.Tile(tile.Path())
		if err != nil {
			return nil, fmt.Errorf("reading entries from %d on: %w", at, err)
		}
		bundle, err := ledger.DecodeBundle(tile, data)
		if err != nil {
			return nil, fmt.Errorf("reading entries from %d on: %w", at, err)
		}
		all = append(all, bundle[at-start:]...)
		at = end
	}
	return all, nil
}
