package ledger

import (
	"fmt"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// Consistency shows that a ledger of one size begins with one of an older size.
type Consistency struct {
	Older merkle.Head
	Path  []merkle.Hash
}

// ForkError says that a ledger shows what does not continue what it showed
// before: whoever runs it has two histories. Both checkpoints together, with
// their signatures, are the evidence.
type ForkError struct {
	Known, Shown Checkpoint
	Err          error // what does not hold
}

// Error names both heads.
func (e *ForkError) Error() string {
	return fmt.Sprintf("%v: it does not continue the ledger as it was known: %d entries with root %v, now %d with root %v: %v",
		ErrCheckpoint, e.Known.Head.Size, e.Known.Head.Root, e.Shown.Head.Size, e.Shown.Head.Root, e.Err)
}

// Unwrap returns ErrCheckpoint and what does not hold.
func (e *ForkError) Unwrap() []error { return []error{ErrCheckpoint, e.Err} }

// RollbackError says that a ledger has fewer entries than it had before.
type RollbackError struct{ Known, Shown Checkpoint }

// Error names both sizes.
func (e *RollbackError) Error() string {
	return fmt.Sprintf("%v: it has %d entries, and %d were known", ErrCheckpoint, e.Shown.Head.Size, e.Known.Head.Size)
}

// Unwrap returns ErrCheckpoint.
func (e *RollbackError) Unwrap() error { return ErrCheckpoint }

// Compare says whether a checkpoint that is shown now continues one that is known
// from before. Where both have the same size, or none was known, the proof may be
// nil.
//
// The error is a *ForkError, a *RollbackError, or wraps ErrCheckpoint where the
// checkpoints are of different ledgers, or the proof is missing or starts from
// another head than the known one, which says nothing of the ledger.
func Compare(known, shown *Checkpoint, proof *Consistency) error {
	if known.Origin != shown.Origin {
		return fmt.Errorf("%w: it is of %q, and %q was known", ErrCheckpoint, shown.Origin, known.Origin)
	}
	switch older, newer := known.Head, shown.Head; {
	case newer.Size < older.Size:
		return &RollbackError{*known, *shown}
	case newer == older || older == (merkle.Head{Root: merkle.EmptyRoot()}):
		return nil
	case newer.Size == older.Size:
		return &ForkError{*known, *shown, merkle.ErrRootMismatch}
	case proof == nil || proof.Older != older:
		return fmt.Errorf("%w: no proof that it continues the %d entries that are known", ErrCheckpoint, older.Size)
	}
	if err := merkle.VerifyConsistency(known.Head, shown.Head, proof.Path); err != nil {
		return &ForkError{*known, *shown, err}
	}
	return nil
}
