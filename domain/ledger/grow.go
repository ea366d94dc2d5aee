package ledger

import (
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// Growth is what a ledger's files become as entries are appended.
type Growth struct {
	// Files are the contents of all NewTiles, by path.
	Files map[string][]byte
	// Frontier is that of the tree with the new entries in it. Hold its root
	// against the head or the checkpoint that the files are to stand for, before
	// they are written.
	Frontier merkle.Frontier
}

// Grow returns the files that a ledger of that size needs in order to hold more
// entries, given the files at its edge: the contents of Edge(size), by path.
//
// The error wraps ErrTile where a file of the edge is missing or not one, or
// holds entries that are not those of its hashes, and ErrBatch where an entry is
// empty or too long.
func Grow(size uint64, edge map[string][]byte, entries [][]byte) (*Growth, error) {
	if uint64(len(entries)) > MaxSize-min(size, MaxSize) {
		return nil, fmt.Errorf("%w: no room for %d entries after %d", ErrTile, len(entries), size)
	}
	g, err := openEdge(size, edge)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if err := g.append(entry); err != nil {
			return nil, err
		}
	}
	return &Growth{Files: g.files(size), Frontier: g.frontier}, nil
}

// growth is a tree that grows. hashes[level] are the nodes of the level from the
// last partial tile of the older tree on, and entries likewise.
type growth struct {
	frontier merkle.Frontier
	hashes   [][]merkle.Hash
	entries  [][]byte
}

// openEdge reads the files at the edge of a tree.
func openEdge(size uint64, edge map[string][]byte) (*growth, error) {
	g := &growth{hashes: make([][]merkle.Hash, levels(size))}
	for _, t := range Edge(size) {
		data, found := edge[t.Path()]
		if !found {
			return nil, fmt.Errorf("%w: %s is missing", ErrTile, t.Path())
		}
		if err := g.open(t, data); err != nil {
			return nil, err
		}
	}
	for i, entry := range g.entries {
		if merkle.LeafHash(entry) != g.hashes[0][i] {
			return nil, fmt.Errorf("%w: entry %d of the edge is not the one that was hashed", ErrTile, i)
		}
	}
	var err error
	g.frontier, err = frontierOf(size, g.hashes)
	return g, err
}

func (g *growth) open(t Tile, data []byte) (err error) {
	if t.IsBundle() {
		g.entries, err = DecodeBundle(t, data)
	} else {
		g.hashes[t.Level], err = DecodeTile(t, data)
	}
	return err
}

// append adds an entry, and the root of each tile that it fills to the level
// above.
func (g *growth) append(entry []byte) error {
	if len(entry) == 0 || len(entry) > MaxEntrySize {
		return fmt.Errorf("%w: an entry of %d bytes, want 1 to %d", ErrBatch, len(entry), MaxEntrySize)
	}
	node := merkle.LeafHash(entry)
	g.frontier.Append(node)
	g.entries = append(g.entries, entry)
	for level := 0; ; level++ {
		if level == len(g.hashes) {
			g.hashes = append(g.hashes, nil)
		}
		g.hashes[level] = append(g.hashes[level], node)
		n := len(g.hashes[level])
		if n%TileWidth != 0 {
			return nil
		}
		node = merkle.Root(g.hashes[level][n-TileWidth:])
	}
}

// files returns the contents of all tiles that are new or wider than they were.
func (g *growth) files(older uint64) map[string][]byte {
	files := map[string][]byte{}
	for t := range NewTiles(older, g.frontier.Size()) {
		start := (t.Index - nodesAt(older, t.Level)/TileWidth) * TileWidth
		if t.IsBundle() {
			// Each entry was looked at as it came.
			files[t.Path()], _ = appendEntries(nil, g.entries[start:start+uint64(t.Width)])
		} else {
			files[t.Path()] = encodeTile(g.hashes[t.Level][start : start+uint64(t.Width)])
		}
	}
	return files
}

// frontierOf returns the frontier of a tree of which the nodes in the partial
// tiles are known, by level.
func frontierOf(size uint64, edge [][]merkle.Hash) (merkle.Frontier, error) {
	var peaks []merkle.Hash
	for _, nodes := range slices.Backward(edge) {
		for height := tileHeight - 1; height >= 0; height-- {
			if width := 1 << height; len(nodes)&width != 0 {
				first := len(nodes) &^ (2*width - 1)
				peaks = append(peaks, merkle.Root(nodes[first:first+width]))
			}
		}
	}
	return merkle.NewFrontier(size, peaks)
}

func encodeTile(nodes []merkle.Hash) []byte {
	data := make([]byte, 0, len(nodes)*merkle.HashSize)
	for i := range nodes {
		data = append(data, nodes[i][:]...)
	}
	return data
}

// DecodeTile reads the file of a tile of hashes. The error wraps ErrTile where the
// content has another size.
func DecodeTile(t Tile, data []byte) ([]merkle.Hash, error) {
	if want := t.Width * merkle.HashSize; len(data) != want {
		return nil, fmt.Errorf("%w: %s has %d bytes, want %d", ErrTile, t.Path(), len(data), want)
	}
	nodes := make([]merkle.Hash, 0, t.Width)
	for chunk := range slices.Chunk(data, merkle.HashSize) {
		nodes = append(nodes, merkle.Hash(chunk))
	}
	return nodes, nil
}

// DecodeBundle reads the file of a bundle: encoded entries, which alias data. The
// error wraps ErrTile where they are not as many as the bundle is wide.
func DecodeBundle(t Tile, data []byte) ([][]byte, error) {
	entries, err := splitEntries(data, t.Width)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrTile, t.Path(), err)
	}
	if len(entries) != t.Width {
		return nil, fmt.Errorf("%w: %s has %d entries, want %d", ErrTile, t.Path(), len(entries), t.Width)
	}
	return entries, nil
}
