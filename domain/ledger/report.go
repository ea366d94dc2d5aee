package ledger

import (
	"fmt"
	"time"
)

// MaxProblems is how many problems a report lists.
const MaxProblems = 256

// ProblemKind says what sort of thing is wrong with a ledger.
type ProblemKind string

// The kinds.
const (
	Untrusted  ProblemKind = "untrusted"   // the checkpoint is not the ledger's, so nothing can be held against it
	RolledBack ProblemKind = "rollback"    // the checkpoint is older than one that is known
	Forked     ProblemKind = "fork"        // the checkpoint does not continue one that is known
	Missing    ProblemKind = "missing"     // there is no such file
	Malformed  ProblemKind = "malformed"   // a file has not the form of what its path names
	Mismatch   ProblemKind = "mismatch"    // a file holds something else than what was signed
	BadEntry   ProblemKind = "bad-entry"   // what was signed is no entry
	BadHistory ProblemKind = "bad-history" // an entry does not follow from those before it
	ClockJump  ProblemKind = "clock-jump"  // of warnings only: two entries were made by clocks that differ by far
)

// Problem is one thing that is wrong with a ledger.
type Problem struct {
	Kind ProblemKind `json:"kind"`
	Path string      `json:"path"` // of the file
	// First and End are the range of entries that it is about: from First on, and
	// before End. Both are zero where it is about the ledger as a whole.
	First   uint64 `json:"first"`
	End     uint64 `json:"end"`
	Message string `json:"message"`
}

// String returns the path, the entries and the message.
func (p Problem) String() string {
	switch {
	case p.End == 0:
		return p.Path + ": " + p.Message
	case p.End-p.First == 1:
		return fmt.Sprintf("%s: entry %d: %s", p.Path, p.First, p.Message)
	default:
		return fmt.Sprintf("%s: entries %d to %d: %s", p.Path, p.First, p.End-1, p.Message)
	}
}

// Count is how many entries of a type there are.
type Count struct {
	Type    Type   `json:"type"`
	Entries uint64 `json:"entries"`
}

// Report is what verifying a ledger has shown.
type Report struct {
	Checkpoint *Checkpoint // nil where it is not to be trusted
	// Entries is how many entries are what the checkpoint stands for, Counts how
	// many of them there are by type, in the order of Types, and From and To are
	// the times of the first and the last of them.
	Entries  uint64
	Counts   []Count
	From, To time.Time
	// Problems are in the order of the entries that they are about, what concerns
	// the checkpoint first. Omitted is how many more there are.
	Problems []Problem
	Omitted  uint64
	// Warnings are what a reader has to know, and no proof that anything is wrong:
	// the first MaxProblems of them.
	Warnings []Problem
	// Extra are files that belong to no ledger, or to a larger one than the
	// checkpoint stands for, where Audit.Files said which there are. They are no
	// problem in themselves.
	Extra []string
}

// Sound says whether the ledger is, in all that was looked at, what it should be.
func (r *Report) Sound() bool { return len(r.Problems) == 0 }

func (r *Report) add(kind ProblemKind, path string, first, end uint64, format string, args ...any) {
	if len(r.Problems) >= MaxProblems {
		r.Omitted++
		return
	}
	r.Problems = append(r.Problems, Problem{kind, path, first, end, fmt.Sprintf(format, args...)})
}

func (r *Report) warn(kind ProblemKind, path string, index uint64, message string) {
	if len(r.Warnings) < MaxProblems {
		r.Warnings = append(r.Warnings, Problem{kind, path, index, index + 1, message})
	}
}

// addTile adds a problem that is about all entries that a tile covers.
func (r *Report) addTile(kind ProblemKind, t Tile, format string, args ...any) {
	first, end := t.Range()
	r.add(kind, t.Path(), first, end, format, args...)
}

// count takes note of an entry that is what the checkpoint stands for.
func (r *Report) count(e *Entry) {
	if r.Entries == 0 {
		r.From = e.Time
	}
	r.Entries++
	r.To = e.Time
	for i := range r.Counts {
		if r.Counts[i].Type == e.Type {
			r.Counts[i].Entries++
		}
	}
}
