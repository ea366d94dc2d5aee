package sequencing

import (
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// ErrCopy is wrapped by every *CopyError.
var ErrCopy = errors.New("this copy of the ledger cannot be continued")

// Trouble is what is wrong between a copy of the ledger and the store.
type Trouble string

// The troubles.
const (
	Damaged    Trouble = "damaged"     // the copy is not what was written
	Forked     Trouble = "forked"      // the store's ledger does not begin with the copy
	RolledBack Trouble = "rolled back" // the store's ledger is shorter than the copy
	Incomplete Trouble = "incomplete"  // entries are neither in the store nor at the source
)

// CopyError says that a copy and the store's ledger do not go together. The copy
// is left as it is: it may be the only true one.
type CopyError struct {
	Trouble Trouble
	Copy    merkle.Head
	Ledger  merkle.Head // as the store has it, or where it leads
	Err     error       // nil where the heads say it all
}

// Error names the trouble and both heads.
func (e *CopyError) Error() string {
	text := fmt.Sprintf("%v: %s: it has %d entries with root %v, the store %d with root %v",
		ErrCopy, e.Trouble, e.Copy.Size, e.Copy.Root, e.Ledger.Size, e.Ledger.Root)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns ErrCopy and what lies below.
func (e *CopyError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrCopy}
	}
	return []error{ErrCopy, e.Err}
}
