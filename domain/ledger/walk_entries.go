package ledger

import (
	"slices"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

// bundle verifies a bundle against the hashes of its entries.
func (w *walk) bundle(t Tile, want []merkle.Hash, trusted bool) {
	data, err := readTile(w.tiles, t)
	if err != nil {
		kind, message := w.unreadable(t, err)
		w.report.addTile(kind, t, "%s", message)
		w.trail.gap()
		return
	}
	entries, err := DecodeBundle(t, data)
	if err != nil {
		w.report.addTile(Malformed, t, "%v", err)
		w.trail.gap()
		return
	}
	w.mismatches(t, want, entries)
	first, _ := t.Range()
	for i, entry := range entries {
		if trusted && merkle.LeafHash(entry) == want[i] {
			w.look(t, first+uint64(i), entry)
		} else {
			w.trail.gap()
		}
	}
}

// mismatches reports the entries of a bundle that are not those that were hashed,
// as one problem.
func (w *walk) mismatches(t Tile, want []merkle.Hash, entries [][]byte) {
	first, _ := t.Range()
	var from, to, count uint64
	for i, entry := range entries {
		if merkle.LeafHash(entry) == want[i] {
			continue
		}
		if to = first + uint64(i); count == 0 {
			from = to
		}
		count++
	}
	switch {
	case count == 1:
		w.report.add(Mismatch, t.Path(), from, to+1, "it is not what was signed")
	case count > 1:
		w.report.add(Mismatch, t.Path(), from, to+1, "%d of them are not what was signed", count)
	}
}

// entry looks at an entry that is what was signed.
func (w *walk) entry(t Tile, index uint64, data []byte) {
	e, err := DecodeEntry(data)
	if err != nil {
		w.report.add(BadEntry, t.Path(), index, index+1, "%v", err)
		w.trail.gap()
		return
	}
	w.report.count(e)
	if jump := w.trail.jump(e); jump != "" {
		w.report.warn(ClockJump, t.Path(), index, jump)
	}
	for _, message := range w.trail.follow(index, e) {
		w.report.add(BadHistory, t.Path(), index, index+1, "%s", message)
	}
	if w.audit.Visit != nil {
		w.audit.Visit(index, e)
	}
}

// recovery looks whether a ledger went on from where an entry says that it did.
func (w *walk) recovery(r recovered) {
	path := EntriesOf(tileAt(w.size, 0, r.index/TileWidth)).Path()
	head, err := w.tree.Head(r.entry.Size)
	switch {
	case r.entry.Size > r.index:
		w.report.add(BadHistory, path, r.index, r.index+1, "it goes on from %d entries, more than there were", r.entry.Size)
	case err != nil:
		w.report.add(BadHistory, path, r.index, r.index+1, "that it goes on from %d entries cannot be shown: %v", r.entry.Size, err)
	case measurement.DigestSHA256(head.Root) != r.entry.Root:
		w.report.add(BadHistory, path, r.index, r.index+1, "it goes on from another ledger: at %d entries this one had root %v, not %v", r.entry.Size, head.Root, r.entry.Root)
	}
}

// leftovers looks at the files that the ledger need not have. Those of smaller or
// larger sizes must agree with it as far as both go.
func (w *walk) leftovers() {
	for _, path := range sortedCopy(w.audit.Files) {
		t, err := ParseTile(path)
		if err != nil || nodesAt(w.size, t.Level) <= t.Index*TileWidth {
			w.report.Extra = append(w.report.Extra, path)
			continue
		}
		due := tileAt(w.size, t.Level, t.Index)
		if t == due {
			continue
		}
		if t.Width > due.Width {
			w.report.Extra = append(w.report.Extra, path)
		}
		w.leftover(t, due)
	}
}

// leftover compares a tile with the part of it that the checkpoint covers, or that
// it covers of it.
func (w *walk) leftover(t, due Tile) {
	level := Tile{max(due.Level, 0), due.Index, due.Width}
	want, err := w.tree.tile(level)
	if err != nil {
		return // the tile that is due was reported
	}
	var got []merkle.Hash
	if t.IsBundle() {
		got = w.leaves(t)
	} else {
		got = w.read(t).nodes
	}
	if got == nil {
		w.report.addTile(Malformed, t, "it is left from another size, and cannot be read")
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			w.report.addTile(Mismatch, t, "it is left from another size, and does not agree with %s", due.Path())
			return
		}
	}
}

func sortedCopy(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
