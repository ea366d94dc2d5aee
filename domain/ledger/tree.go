package ledger

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// ErrNoTile is wrapped by Tiles where there is no such file.
var ErrNoTile = errors.New("no such tile")

// Tiles is where the files of a ledger are.
type Tiles interface {
	// Tile returns the content of a file, given its path. The error wraps ErrNoTile
	// where there is none.
	Tile(path string) ([]byte, error)
}

// Tree proves what a ledger holds, out of its tiles. It believes them: whoever
// receives a proof checks it against a checkpoint. It keeps the tiles that it has
// read, for one use by one caller.
type Tree struct {
	size  uint64
	tiles Tiles
	read  map[Tile][]merkle.Hash
}

// OpenTree returns the tree of that size. Nothing is read before it is needed.
func OpenTree(size uint64, tiles Tiles) *Tree {
	return &Tree{size, tiles, map[Tile][]merkle.Hash{}}
}

// Head returns the head of the tree as it was at a size, up to its own. The error
// wraps merkle.ErrOutOfRange, or tells of a tile.
func (t *Tree) Head(size uint64) (merkle.Head, error) {
	if size > t.size {
		return merkle.Head{}, fmt.Errorf("%w: size %d of a tree of %d", merkle.ErrOutOfRange, size, t.size)
	}
	if size == 0 {
		return merkle.Head{Root: merkle.EmptyRoot()}, nil
	}
	root, err := t.root(0, size)
	return merkle.Head{Size: size, Root: root}, err
}

// Inclusion returns the path that proves the entry of that index (RFC 9162,
// section 2.1.3), for merkle.VerifyInclusion. The error wraps
// merkle.ErrOutOfRange, or tells of a tile.
func (t *Tree) Inclusion(index uint64) ([]merkle.Hash, error) {
	if index >= t.size {
		return nil, fmt.Errorf("%w: entry %d of %d", merkle.ErrOutOfRange, index, t.size)
	}
	return t.path(index, 0, t.size)
}

// Consistency returns the proof that the tree begins with that of an older size
// (RFC 9162, section 2.1.4). The error wraps merkle.ErrOutOfRange where the size
// is zero or beyond the tree, or tells of a tile.
func (t *Tree) Consistency(older uint64) (*Consistency, error) {
	if older == 0 || older > t.size {
		return nil, fmt.Errorf("%w: size %d of a tree of %d", merkle.ErrOutOfRange, older, t.size)
	}
	head, err := t.Head(older)
	if err != nil {
		return nil, err
	}
	path, err := t.extension(older, 0, t.size, true)
	return &Consistency{Older: head, Path: path}, err
}

// path is PATH(index, D[first:end]) of RFC 6962, section 2.1.1.
func (t *Tree) path(index, first, end uint64) ([]merkle.Hash, error) {
	if end-first == 1 {
		return nil, nil
	}
	middle := first + split(end-first)
	inside, beside := [2]uint64{first, middle}, [2]uint64{middle, end}
	if index >= middle {
		inside, beside = beside, inside
	}
	path, err := t.path(index, inside[0], inside[1])
	if err != nil {
		return nil, err
	}
	sibling, err := t.root(beside[0], beside[1])
	return append(path, sibling), err
}

// extension is SUBPROOF(older, D[first:end], whole) of RFC 6962, section 2.1.2,
// with older counted from the beginning of the tree.
func (t *Tree) extension(older, first, end uint64, whole bool) ([]merkle.Hash, error) {
	if older == end {
		if whole {
			return nil, nil
		}
		root, err := t.root(first, end)
		return []merkle.Hash{root}, err
	}
	middle := first + split(end-first)
	inside, beside := [2]uint64{first, middle}, [2]uint64{middle, end}
	if older > middle {
		inside, beside, whole = beside, inside, false
	}
	path, err := t.extension(older, inside[0], inside[1], whole)
	if err != nil {
		return nil, err
	}
	sibling, err := t.root(beside[0], beside[1])
	return append(path, sibling), err
}

// split returns the largest power of two below n, which is above one.
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// root is MTH(D[first:end]), where first is a multiple of a power of two that is
// not below the number of entries.
func (t *Tree) root(first, end uint64) (merkle.Hash, error) {
	n := end - first
	if bits.OnesCount64(n) == 1 {
		return t.node(bits.TrailingZeros64(n), first)
	}
	middle := first + split(n)
	left, err := t.root(first, middle)
	if err != nil {
		return merkle.Hash{}, err
	}
	right, err := t.root(middle, end)
	return merkle.NodeHash(left, right), err
}

// node returns the root of the complete subtree of 2^height entries from first.
func (t *Tree) node(height int, first uint64) (merkle.Hash, error) {
	level, inner := height/tileHeight, height%tileHeight
	place := first >> (level * tileHeight)
	nodes, err := t.tile(tileAt(t.size, level, place/TileWidth))
	if err != nil {
		return merkle.Hash{}, err
	}
	start := place % TileWidth
	return merkle.Root(nodes[start : start+1<<inner]), nil
}

func (t *Tree) tile(tile Tile) ([]merkle.Hash, error) {
	if nodes, found := t.read[tile]; found {
		return nodes, nil
	}
	data, err := readTile(t.tiles, tile)
	if err != nil {
		return nil, err
	}
	nodes, err := DecodeTile(tile, data)
	if err == nil {
		t.read[tile] = nodes
	}
	return nodes, err
}

// readTile reads a file. A partial tile or bundle may be gone once it became full
// (C2SP tlog-tiles, Partial Tiles): then it is taken from the full one.
func readTile(tiles Tiles, tile Tile) ([]byte, error) {
	data, err := tiles.Tile(tile.Path())
	if err == nil || tile.IsFull() || !errors.Is(err, ErrNoTile) {
		return data, wrapRead(tile, err)
	}
	whole, fullErr := tiles.Tile(tile.full().Path())
	if fullErr != nil {
		return nil, wrapRead(tile, err)
	}
	return narrow(tile, whole)
}

func wrapRead(tile Tile, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reading %s: %w", tile.Path(), err)
}

// narrow cuts the content of the full tile down to that of a partial one.
func narrow(tile Tile, whole []byte) ([]byte, error) {
	if !tile.IsBundle() {
		if _, err := DecodeTile(tile.full(), whole); err != nil {
			return nil, err
		}
		return whole[:tile.Width*merkle.HashSize], nil
	}
	entries, err := DecodeBundle(tile.full(), whole)
	if err != nil {
		return nil, err
	}
	return appendEntries(nil, entries[:tile.Width])
}
