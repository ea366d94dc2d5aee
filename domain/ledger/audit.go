package ledger

import (
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// Audit is what somebody who verifies a ledger knows beforehand, and wants.
type Audit struct {
	Cluster   keys.ClusterID
	Owner     keys.OwnerID    // zero: whoever the first entry names
	Key       owner.PublicKey // of the ledger, as the cluster statement has it
	Witnesses []Witness
	Need      int         // how many of them must have cosigned
	Known     *Checkpoint // that was trusted before; nil: none
	// Files are the paths of all files below "tile/", in any order. Nil says that
	// they are not known, and nothing is reported as too much.
	Files []string
	// Visit is called with each entry that is what the checkpoint stands for, in
	// order. It may be nil.
	Visit func(index uint64, e *Entry)
}

// Verify walks through a whole ledger and reports everything that does not hold:
// the checkpoint and its signatures, each tile against the one above it up to the
// signed root, each bundle against the hashes of its entries, each entry by
// itself, and whether it follows from those before it.
//
// The first problem names the first bad file: that which is wrong, not one that
// only does not fit to it. To tell, Verify computes a tile that does not hold
// from what lies below it; where that leads to what was signed, the tile is bad
// and all below it is good, and is looked at as if nothing had happened.
func (a *Audit) Verify(tiles Tiles) *Report {
	report := &Report{}
	for _, kind := range Types() {
		report.Counts = append(report.Counts, Count{Type: kind})
	}
	checkpoint, err := a.open(tiles)
	if err != nil {
		kind := Untrusted
		if errors.Is(err, ErrNoTile) {
			kind = Missing
		}
		report.add(kind, CheckpointPath, 0, 0, "%v", err)
		return report
	}
	report.Checkpoint = checkpoint
	w := newWalk(a, tiles, report)
	w.run()
	w.leftovers()
	a.compare(w)
	return report
}

func (a *Audit) open(tiles Tiles) (*Checkpoint, error) {
	note, err := tiles.Tile(CheckpointPath)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	return OpenCheckpoint(note, Origin(a.Cluster), a.Key, a.Witnesses, a.Need)
}

// compare holds the checkpoint against the one that is known. The proof is made of
// tiles that were verified, so what it does not show is not there to be shown.
func (a *Audit) compare(w *walk) {
	if a.Known == nil {
		return
	}
	shown, known := w.report.Checkpoint, a.Known
	var proof *Consistency
	if 0 < known.Head.Size && known.Head.Size < shown.Head.Size {
		var err error
		if proof, err = w.tree.Consistency(known.Head.Size); err != nil {
			w.first(Untrusted, "it cannot be shown to continue the %d entries that are known: %v", known.Head.Size, err)
			return
		}
		proof.Older = known.Head
	}
	err := Compare(known, shown, proof)
	fork, rollback := (*ForkError)(nil), (*RollbackError)(nil)
	switch {
	case errors.As(err, &fork):
		w.first(Forked, "%v", err)
	case errors.As(err, &rollback):
		w.first(RolledBack, "%v", err)
	case err != nil:
		w.first(Untrusted, "%v", err)
	}
}
