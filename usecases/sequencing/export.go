package sequencing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/ports"
)

// ExportConfig is what an Exporter works with.
type ExportConfig struct {
	Store  ports.Store
	Tiles  Source          // as a Mirror keeps them
	Origin string          // ledger.Origin of the cluster
	Key    owner.PublicKey // that signs its checkpoints
}

// Exporter gives the ledger out.
type Exporter struct{ config ExportConfig }

// NewExporter returns an Exporter.
func NewExporter(config ExportConfig) (*Exporter, error) {
	if config.Store == nil || config.Tiles == nil || config.Origin == "" || config.Key == (owner.PublicKey{}) {
		return nil, errors.New("making an exporter: store, tiles, origin and key are all needed")
	}
	return &Exporter{config}, nil
}

// Export writes the ledger up to its newest checkpoint to dst, in the layout of
// C2SP tlog-tiles, the checkpoint last. Every tile is verified as it is copied, so
// that the result verifies. An older export may be in dst already.
//
// The error wraps ledger.ErrCheckpoint where there is no checkpoint, ledger.ErrNoTile
// where the tiles do not go as far as the checkpoint, as those of a mirror that is
// behind, ErrCopy where they are damaged or do not lead to the checkpoint, or is
// that of store, tiles or dst. Files may be in dst then, without the checkpoint.
func (x *Exporter) Export(ctx context.Context, dst ports.Tiles) (*ledger.Checkpoint, error) {
	newest, err := readCheckpoint(ctx, x.config.Store, x.config.Origin, x.config.Key)
	if err == nil && newest.checkpoint == nil {
		err = fmt.Errorf("%w: none was published yet", ledger.ErrCheckpoint)
	}
	if err != nil {
		return nil, fmt.Errorf("exporting the ledger: %w", err)
	}
	c := &copying{from: source{ctx, x.config.Tiles}, to: dst, head: newest.checkpoint.Head}
	if err := c.copyAll(ctx); err != nil {
		return nil, fmt.Errorf("exporting the ledger: %w", err)
	}
	if err := dst.WriteTiles(ctx, map[string][]byte{ledger.CheckpointPath: newest.note}); err != nil {
		return nil, fmt.Errorf("exporting the ledger's checkpoint: %w", err)
	}
	return newest.checkpoint, nil
}

// copying is one export.
type copying struct {
	from     source
	to       ports.Tiles
	head     merkle.Head
	frontier merkle.Frontier // of the bundles so far
}

// copyAll copies the bundles first, and the tiles above them in ascending order, so
// that each is held against what is below it.
func (c *copying) copyAll(ctx context.Context) error {
	bundles := true
	for tile := range ledger.TilesOf(c.head.Size) {
		if bundles && !tile.IsBundle() {
			if bundles = false; c.frontier.Head() != c.head {
				return &CopyError{Damaged, c.frontier.Head(), c.head, errors.New("the entries do not lead to the checkpoint")}
			}
		}
		data, err := c.verified(tile)
		if err != nil {
			return err
		}
		if err := c.to.WriteTiles(ctx, map[string][]byte{tile.Path(): data}); err != nil {
			return fmt.Errorf("writing %s: %w", tile.Path(), err)
		}
	}
	return nil
}

// verified reads a file that agrees with those below it.
func (c *copying) verified(tile ledger.Tile) ([]byte, error) {
	data, err := c.from.Tile(tile.Path())
	if err != nil {
		return nil, err
	}
	if tile.IsBundle() {
		entries, err := ledger.DecodeBundle(tile, data)
		if err != nil {
			return nil, c.damaged(err)
		}
		for _, entry := range entries {
			c.frontier.Append(merkle.LeafHash(entry))
		}
		return data, nil
	}
	hashes, err := ledger.DecodeTile(tile, data)
	if err != nil {
		return nil, c.damaged(err)
	}
	below, err := c.below(tile)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(hashes, below) {
		return nil, c.damaged(fmt.Errorf("%s does not hold the hashes of what is below it", tile.Path()))
	}
	return data, nil
}

// below returns what a tile of hashes has to hold.
func (c *copying) below(tile ledger.Tile) ([]merkle.Hash, error) {
	hashes := make([]merkle.Hash, 0, tile.Width)
	if tile.Level == 0 {
		bundle := ledger.EntriesOf(tile)
		first, end := bundle.Range()
		entries, err := c.from.entries(first, end)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			hashes = append(hashes, merkle.LeafHash(entry))
		}
		return hashes, nil
	}
	for i := range uint64(tile.Width) {
		child := ledger.Tile{Level: tile.Level - 1, Index: tile.Index*ledger.TileWidth + i, Width: ledger.TileWidth}
		data, err := c.from.Tile(child.Path())
		if err != nil {
			return nil, err
		}
		nodes, err := ledger.DecodeTile(child, data)
		if err != nil {
			return nil, c.damaged(err)
		}
		hashes = append(hashes, merkle.Root(nodes))
	}
	return hashes, nil
}

func (c *copying) damaged(err error) error {
	return &CopyError{Damaged, c.frontier.Head(), c.head, err}
}
