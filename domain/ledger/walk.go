package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// walk goes through the files of a ledger from its first entry to its last, each
// tile before what it covers.
type walk struct {
	audit  *Audit
	tiles  Tiles
	report *Report
	size   uint64
	trail  *trail
	// tree holds what damaged tiles should have been, and reads those that are
	// sound. It knows nothing of tiles that nothing vouches for.
	tree  *Tree
	sound map[Tile]struct{}
	// look is called with each entry that is what was signed.
	look func(t Tile, index uint64, data []byte)
}

func newWalk(a *Audit, tiles Tiles, report *Report) *walk {
	w := &walk{audit: a, tiles: tiles, report: report, size: report.Checkpoint.Head.Size, trail: newTrail(a), sound: map[Tile]struct{}{}}
	w.tree, w.look = OpenTree(w.size, &soundTiles{w}), w.entry
	return w
}

// soundTiles reads the tiles that were found to be sound.
type soundTiles struct{ walk *walk }

// Tile makes soundTiles Tiles.
func (s *soundTiles) Tile(path string) ([]byte, error) {
	t, err := ParseTile(path)
	if err != nil {
		return nil, err
	}
	if _, found := s.walk.sound[t]; !found {
		return nil, fmt.Errorf("%w: %s is not what was signed", ErrTile, path)
	}
	return readTile(s.walk.tiles, t)
}

// first adds a problem of the checkpoint before all others.
func (w *walk) first(kind ProblemKind, format string, args ...any) {
	others := w.report.Problems
	w.report.Problems = nil
	w.report.add(kind, CheckpointPath, 0, 0, format, args...)
	if len(others) == MaxProblems {
		others = others[:MaxProblems-1]
		w.report.Omitted++
	}
	w.report.Problems = append(w.report.Problems, others...)
}

// run verifies all tiles and entries.
func (w *walk) run() {
	if w.size == 0 {
		w.report.add(BadHistory, CheckpointPath, 0, 0, "the ledger is empty, and the first entry of every ledger tells of its cluster's init")
		return
	}
	for _, found := range w.edge() {
		found.tell(w)
		w.descend(found.tile, found.nodes, found.trusted)
	}
	for _, r := range w.trail.recoveries {
		w.recovery(r)
	}
}

// descend verifies everything below a tile. Where the tile is not trusted, its
// nodes only serve to find more that does not fit.
func (w *walk) descend(t Tile, nodes []merkle.Hash, trusted bool) {
	if nodes == nil {
		w.trail.gap()
		return
	}
	if t.Level == 0 {
		w.bundle(EntriesOf(t), nodes, trusted)
		return
	}
	for i, want := range nodes {
		child := Tile{t.Level - 1, t.Index*TileWidth + uint64(i), TileWidth}
		found := w.open(child, want, trusted)
		found.tell(w)
		w.descend(child, found.nodes, found.trusted)
	}
}

// opened is what is known of a tile.
type opened struct {
	tile    Tile
	nodes   []merkle.Hash // nil where nothing is known
	trusted bool          // the nodes are what was signed
	kind    ProblemKind   // empty where the file holds
	message string
}

// tell reports what is wrong with a tile, and keeps what it should have been.
func (o *opened) tell(w *walk) {
	switch {
	case o.kind != "":
		w.report.addTile(o.kind, o.tile, "%s", o.message)
		if o.trusted {
			w.tree.read[o.tile] = o.nodes
		}
	case o.trusted:
		w.sound[o.tile] = struct{}{}
	}
}

// open reads a full tile that must have a root.
func (w *walk) open(t Tile, want merkle.Hash, trusted bool) *opened {
	file := w.read(t)
	if file.nodes != nil && merkle.Root(file.nodes) == want {
		return &opened{tile: t, nodes: file.nodes, trusted: trusted}
	}
	for _, deep := range []bool{false, true} {
		below := w.rebuild(t, deep)
		if below == nil {
			continue
		}
		if merkle.Root(below) == want {
			return w.bad(file, below, trusted)
		}
		if !trusted && slices.Equal(below, file.nodes) { // what is wrong is above
			return &opened{tile: t, nodes: file.nodes}
		}
	}
	bad := w.bad(file, nil, false)
	bad.nodes = file.nodes
	return bad
}

// bad says what is wrong with a file, given what it should have been, nil where
// that is not known.
func (w *walk) bad(file *opened, nodes []merkle.Hash, trusted bool) *opened {
	bad := *file
	bad.nodes, bad.trusted = nodes, trusted && nodes != nil
	if bad.kind != "" {
		return &bad
	}
	bad.kind, bad.message = Mismatch, "it does not lead to the root that was signed, and what lies below it does"
	if nodes == nil {
		bad.message = "it does not lead to the root that was signed, and neither does what lies below it"
	}
	return &bad
}

// read reads the file of a tile of hashes.
func (w *walk) read(t Tile) *opened {
	found := &opened{tile: t}
	data, err := readTile(w.tiles, t)
	if err != nil {
		found.kind, found.message = w.unreadable(t, err)
		return found
	}
	if found.nodes, err = DecodeTile(t, data); err != nil {
		found.kind, found.message = Malformed, err.Error()
	}
	return found
}

// unreadable says why a file cannot be read, and what is there in its place.
func (w *walk) unreadable(t Tile, err error) (ProblemKind, string) {
	switch {
	case errors.Is(err, ErrTile):
		return Malformed, err.Error()
	case !errors.Is(err, ErrNoTile):
		return Missing, err.Error()
	}
	for _, path := range slices.Sorted(slices.Values(w.audit.Files)) {
		if other, err := ParseTile(path); err == nil && other != t && other.full() == t.full() {
			return Missing, "there is no such file, only " + path
		}
	}
	return Missing, "there is no such file"
}

// rebuild computes the nodes of a tile from the roots of the tiles below it, or,
// going deep, from nothing but entries. It returns nil where something is not
// there.
func (w *walk) rebuild(t Tile, deep bool) []merkle.Hash {
	if t.Level == 0 {
		return w.leaves(EntriesOf(t))
	}
	nodes := make([]merkle.Hash, 0, t.Width)
	for i := range uint64(t.Width) {
		child := Tile{t.Level - 1, t.Index*TileWidth + i, TileWidth}
		var below []merkle.Hash
		if !deep {
			below = w.read(child).nodes
		}
		if below == nil {
			below = w.rebuild(child, deep)
		}
		if below == nil {
			return nil
		}
		nodes = append(nodes, merkle.Root(below))
	}
	return nodes
}

// leaves returns the hashes of the entries in a bundle, nil where it cannot be
// read.
func (w *walk) leaves(t Tile) []merkle.Hash {
	data, err := readTile(w.tiles, t)
	if err != nil {
		return nil
	}
	entries, err := DecodeBundle(t, data)
	if err != nil {
		return nil
	}
	nodes := make([]merkle.Hash, len(entries))
	for i, entry := range entries {
		nodes[i] = merkle.LeafHash(entry)
	}
	return nodes
}
