package ledger

import (
	"iter"
	"slices"
)

// nodesAt returns how many nodes a level of tiles has in a tree of that size.
func nodesAt(size uint64, level int) uint64 { return size >> (max(level, 0) * tileHeight) }

// levels returns how many levels of tiles a tree of that size has.
func levels(size uint64) int {
	n := 0
	for nodesAt(size, n) > 0 {
		n++
	}
	return n
}

// tileAt returns a tile as wide as it is in a tree of that size, which must have
// it.
func tileAt(size uint64, level int, index uint64) Tile {
	return Tile{level, index, int(min(nodesAt(size, level)-index*TileWidth, TileWidth))}
}

// Edge returns the partial tiles and the partial bundle of a ledger of that size,
// the highest level first: what Grow needs to go on from there.
func Edge(size uint64) []Tile {
	var edge []Tile
	for level := levels(size) - 1; level >= bundleLevel; level-- {
		if nodes := nodesAt(size, level); nodes%TileWidth != 0 {
			edge = append(edge, tileAt(size, level, nodes/TileWidth))
		}
	}
	return edge
}

// Superseded returns the partial tiles and the partial bundle at the edge of a
// ledger that are not at its edge any more once it has grown: their files may go
// when no reader needs that size (C2SP tlog-tiles, Partial Tiles).
func Superseded(older, newer uint64) []Tile {
	still := Edge(newer)
	return slices.DeleteFunc(Edge(older), func(t Tile) bool { return slices.Contains(still, t) })
}

// TilesOf returns all tiles and bundles that a ledger of that size has, without
// partial ones of smaller sizes: bundles first, then hashes from level 0 upwards.
func TilesOf(size uint64) iter.Seq[Tile] { return NewTiles(0, size) }

// NewTiles returns the tiles and bundles that a ledger gets as it grows from one
// size to another, each as wide as it then is: bundles first, then hashes from
// level 0 upwards.
func NewTiles(older, newer uint64) iter.Seq[Tile] {
	return func(yield func(Tile) bool) {
		for level := bundleLevel; nodesAt(newer, level) > nodesAt(older, level); level++ {
			last := (nodesAt(newer, level) - 1) / TileWidth
			for index := nodesAt(older, level) / TileWidth; index <= last; index++ {
				if !yield(tileAt(newer, level, index)) {
					return
				}
			}
		}
	}
}
