package ports

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Bounds of the store.
const (
	MaxItemSize        = 1 << 20             // bytes of a value
	MaxTransactionSize = 4 << 20             // bytes of all values of a transaction
	MaxKeyName         = 256                 // bytes of a key's name
	MaxOperations      = 120                 // conditions of a transaction, and writes of it
	MaxListing         = 1000                // items of one listing
	MaxTTL             = 30 * 24 * time.Hour // of an item that goes away
)

// Errors of stores.
var (
	// ErrNoItem is wrapped where there is no item of that key.
	ErrNoItem = errors.New("the store holds no such item")
	// ErrStoreConflict is wrapped where a condition of a transaction does not
	// hold. Nothing was written; a *ConflictError says which.
	ErrStoreConflict = errors.New("the store holds something else than the transaction expects")
	// ErrStoreFull is wrapped where the store's quota is reached. Nothing was
	// written. Reading and deleting still work.
	ErrStoreFull = errors.New("the store is full")
	// ErrStoreUnavailable is wrapped where the store cannot be asked now and may
	// be later. Nothing was written.
	ErrStoreUnavailable = errors.New("the store is unavailable")
	// ErrOutcomeUnknown is wrapped where a transaction was sent and no answer
	// came, or none that says what became of it, as while the store becomes full:
	// it was committed, will be, or never will be. The caller reads what it wrote
	// before it decides anything.
	ErrOutcomeUnknown = errors.New("the store gave no answer to a transaction")
	// ErrStoreRequest is wrapped where keys, values or a transaction are not
	// within the bounds. Nothing was sent.
	ErrStoreRequest = errors.New("not a request to the store")
)

// Collection is a kind of items.
type Collection string

// The collections, and what names their items.
const (
	Heads         Collection = "heads"          // single items, by what they are the head of
	Statements    Collection = "statements"     // signed cluster statements, by serial
	Policies      Collection = "policies"       // attestation policies, by SHA-256
	Directives    Collection = "directives"     // signed directives, by serial
	Records       Collection = "records"        // of nodes, by identity
	NodeNames     Collection = "node-names"     // identities, by the node name that they hold
	Disks         Collection = "disks"          // identities, by the UUID of the state disk that they hold
	Requests      Collection = "requests"       // requests to join and their outcome, by request ID, for minutes
	Waiting       Collection = "waiting"        // candidates that wait for an approval, by identity, for hours
	Leases        Collection = "leases"         // who may do what one at a time may, by what it is
	WrappedKeys   Collection = "wrapped-keys"   // by key ID
	LedgerBatches Collection = "ledger-batches" // encoded entries, by the index of the first, until all mirrors have them
	LedgerMirrors Collection = "ledger-mirrors" // how many entries a control-plane node has on its disk, by identity
	Refusals      Collection = "refusals"       // aggregated, by identity, for an interval
)

// Collections returns all collections.
func Collections() []Collection {
	return []Collection{
		Heads, Statements, Policies, Directives, Records, NodeNames, Disks, Requests, Waiting, Leases,
		WrappedKeys, LedgerBatches, LedgerMirrors, Refusals,
	}
}

// Revision orders the transactions of a store. It grows with every transaction
// that writes, and starts above zero.
type Revision int64

// Key names an item.
type Key struct {
	Collection Collection
	Name       string // 1 to MaxKeyName of a-z A-Z 0-9 . _ : - +
}

// String returns "collection/name".
func (k Key) String() string { return string(k.Collection) + "/" + k.Name }

// Item is what the store holds under a key.
type Item struct {
	Key      Key
	Value    []byte
	Revision Revision // of the transaction that wrote it last
}

// Listing is a part of a collection as it was at one revision.
type Listing struct {
	Items    []*Item // sorted by name
	Revision Revision
	More     bool // there are items after the last
}

// Condition is what must hold for a transaction to be committed.
type Condition struct {
	Key      Key
	Revision Revision // of the item; zero: there is no such item
}

// Write is one change. A key is written at most once in a transaction.
type Write struct {
	Key    Key
	Value  []byte // up to MaxItemSize
	Delete bool   // of an item that need not be there; without Value and TTL
	// TTL is after how long the item goes away unless it is written again, in
	// whole seconds up to MaxTTL; zero: never. It counts from the call of Commit
	// at the earliest. The item goes away some seconds later, and after an
	// election perhaps a whole TTL later: it says how long something certainly is
	// there, and not how long at most.
	TTL time.Duration
}

// Transaction is a set of writes that happen together, and only if all
// conditions hold.
type Transaction struct {
	If   []Condition
	Then []Write
}

// ConflictError says which conditions did not hold.
type ConflictError struct{ Keys []Key }

// Error names the keys.
func (e *ConflictError) Error() string {
	names := make([]string, len(e.Keys))
	for i, k := range e.Keys {
		names[i] = k.String()
	}
	return fmt.Sprintf("%v: %s", ErrStoreConflict, strings.Join(names, ", "))
}

// Unwrap returns ErrStoreConflict.
func (e *ConflictError) Unwrap() error { return ErrStoreConflict }

// Store is the engine's store, which all control-plane nodes share. It is
// linearizable: what Commit acknowledged, every later Get and List of anybody
// sees, and nothing acknowledged is ever lost. All methods may be called
// concurrently and return once the context is done. Values are the caller's to
// keep and not the store's to change.
//
// All errors wrap one of the errors above, or the context's, which in Commit
// comes only beside ErrStoreUnavailable (nothing was written) or
// ErrOutcomeUnknown.
type Store interface {
	// Get returns the item of the key.
	Get(ctx context.Context, key Key) (*Item, error)
	// List returns at most limit items, 1 to MaxListing, of a collection whose
	// names sort after the given one; the empty name lists from the beginning.
	List(ctx context.Context, c Collection, after string, limit int) (*Listing, error)
	// Commit carries out the transaction, all of it or nothing, and returns its
	// revision. A transaction without writes is refused. One that only deletes what
	// is not there changes nothing, and its revision may be that of the one before.
	Commit(ctx context.Context, tx *Transaction) (Revision, error)
}

// Update is what changed in a collection.
type Update struct {
	Revision Revision
	// Whole says that Items are all there are: so it is the first time, and where
	// the changes since the last update are not known any more. Else what is in
	// neither list is as it was.
	Whole   bool
	Items   []*Item // written, sorted by name
	Deleted []Key   // also those whose TTL ended
}

// Watcher tells of changes.
type Watcher interface {
	// Watch calls deliver with all items of a collection, then with each change,
	// one after the other, until the context is done or deliver returns an error,
	// which it returns. It outlives lost connections, elections and compactions:
	// the last value of every item is delivered, values in between may not be.
	Watch(ctx context.Context, c Collection, deliver func(*Update) error) error
}
