package memstore

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// Store is one client of a store in memory. It may be used concurrently.
type Store struct {
	*state
	fault Fault
	calls *counter
}

var (
	_ ports.Store   = (*Store)(nil)
	_ ports.Watcher = (*Store)(nil)
)

// New returns an empty store. TTLs are judged by now.
func New(now func() time.Time) *Store {
	return &Store{state: newState(now)}
}

// Client returns another client of the same store, whose calls alone meet the
// fault. Nil is no fault.
func (s *Store) Client(fault Fault) *Store {
	return &Store{state: s.state, fault: fault, calls: &counter{}}
}

// Get implements ports.Store.
func (s *Store) Get(ctx context.Context, key ports.Key) (*ports.Item, error) {
	return carryOut(ctx, s, &Call{Method: Get, Key: key}, func() (*ports.Item, error) {
		if err := key.Check(); err != nil {
			return nil, err
		}
		return s.get(key)
	})
}

// List implements ports.Store.
func (s *Store) List(ctx context.Context, c ports.Collection, after string, limit int) (*ports.Listing, error) {
	call := &Call{Method: List, Key: ports.Key{Collection: c, Name: after}}
	return carryOut(ctx, s, call, func() (*ports.Listing, error) {
		if err := ports.CheckListing(c, after, limit); err != nil {
			return nil, err
		}
		return s.list(c, after, limit), nil
	})
}

// Commit implements ports.Store.
func (s *Store) Commit(ctx context.Context, tx *ports.Transaction) (ports.Revision, error) {
	return carryOut(ctx, s, &Call{Method: Commit, Transaction: tx}, func() (ports.Revision, error) {
		if err := tx.Check(); err != nil {
			return 0, err
		}
		return s.commit(tx)
	})
}

// carryOut lets a call happen between the two questions to the fault.
func carryOut[R any](ctx context.Context, s *Store, call *Call, do func() (R, error)) (R, error) {
	var none R
	if err := ctx.Err(); err != nil {
		return none, notStarted(call, err)
	}
	if s.fault == nil {
		return do()
	}
	call.Number = s.calls.next()
	if err := s.fault(Before, call); err != nil {
		return none, err
	}
	result, err := do()
	call.Err = err
	if fault := s.fault(After, call); fault != nil {
		return none, fault
	}
	return result, err
}

// notStarted is the error of a call whose context was done before it began.
func notStarted(call *Call, err error) error {
	if call.Method == Commit {
		return fmt.Errorf("%w: %w", ports.ErrStoreUnavailable, err)
	}
	return err
}

// Dump returns all items, sorted by collection and name.
func (s *Store) Dump() []*ports.Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	var all []*ports.Item
	for _, c := range ports.Collections() {
		for _, name := range s.collections[c].names {
			all = append(all, s.collections[c].item(name))
		}
	}
	return all
}

// Revision returns that of the newest transaction.
func (s *Store) Revision() ports.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision
}

// Copy returns an independent store that holds what this one holds now: what
// somebody has who kept yesterday's disks.
func (s *Store) Copy() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Store{state: s.copied()}
}

// Limit sets how many bytes of keys and values the store takes; zero: any number.
// Transactions that write are refused with ports.ErrStoreFull while it holds as
// many.
func (s *Store) Limit(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quota = bytes
}

// Expire removes what has ended by the clock, and wakes who watches. Reading and
// writing do the same; watching alone does not look at the clock.
func (s *Store) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
}

// Compact makes the store forget its past: whoever watches is told of everything
// anew.
func (s *Store) Compact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.watchers {
		w.forget()
	}
}

// compareKeys orders keys as Dump does within a collection, and collections by
// their names.
func compareKeys(a, b ports.Key) int {
	return cmp.Or(cmp.Compare(a.Collection, b.Collection), cmp.Compare(a.Name, b.Name))
}
