package sequencing

import (
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/ports"
)

var (
	// ErrProposal is wrapped where a proposal can never be carried out, beside
	// ports.ErrStoreRequest or what ledger says of an entry. Nothing was written.
	ErrProposal = errors.New("not a proposal to the ledger")
	// ErrBusy is wrapped beside ports.ErrStoreUnavailable where too many proposals
	// wait already, or others were always first. Nothing was written.
	ErrBusy = errors.New("too many write to the ledger")
	// ErrStoredLedger is wrapped where what the store holds of the ledger cannot be
	// read.
	ErrStoredLedger = errors.New("the store's ledger is damaged")
)

// untouched says that nothing was written, and why.
func untouched(why error) error { return fmt.Errorf("%w: %w", ports.ErrStoreUnavailable, why) }

// unknown says that a proposal may have been written, and why nobody waited for
// the answer. What another try met at the store is told in words alone: who asked
// for its kind would be told that nothing was written.
func unknown(why error) error {
	for _, kind := range []error{ports.ErrStoreFull, ports.ErrStoreUnavailable, ports.ErrStoreConflict, ports.ErrStoreRequest} {
		if errors.Is(why, kind) {
			return fmt.Errorf("%w: %s", ports.ErrOutcomeUnknown, why.Error())
		}
	}
	return fmt.Errorf("%w: %w", ports.ErrOutcomeUnknown, why)
}
