package ledger

import (
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// MaxAhead is how far the newest entry may be ahead of a clock and still hold back
// the time of the next one. So a clock that was in a far future spoils the times of
// its own entries, and not of all that follow.
const MaxAhead = 24 * time.Hour

// Stamp is what a sequencer adds to the entries that it puts in order.
type Stamp struct {
	Now time.Time // by its clock
	By  string    // the identity of its node
}

// Batch is entries that were put in order together.
type Batch struct {
	First   uint64   // index of the first in the ledger
	Entries [][]byte // encoded
}

// Append puts entries in order after those of a head, all or none, and returns
// the head with them in it, and what to store. It fills in the entries' Version,
// By and Time. Where the clock is behind the newest entry, that entry's time counts
// on, unless it is more than MaxAhead later: then one of the two clocks is wrong,
// nobody here can tell which, and the entries have the time of their own.
//
// The error is an *InvalidEntryError, or wraps ErrBatch where there are no
// entries or too many, or ErrHead where the ledger is full. The head that was
// given is left as it was.
func Append(head *Head, entries []Entry, stamp Stamp) (*Head, *Batch, error) {
	if uint64(len(entries)) > MaxSize-min(head.Size(), MaxSize) {
		return nil, nil, fmt.Errorf("%w: no room for %d entries after %d", ErrHead, len(entries), head.Size())
	}
	next := *head
	batch := &Batch{First: head.Size()}
	next.Time = timeAfter(head.Time, stamp.Now.UTC().Truncate(time.Millisecond))
	for i := range entries {
		e := entries[i]
		e.Version, e.Time, e.By = Version, next.Time, stamp.By
		data, err := e.Encode()
		if err != nil {
			return nil, nil, fmt.Errorf("entry %d of the batch: %w", i, err)
		}
		next.Frontier.Append(merkle.LeafHash(data))
		batch.Entries = append(batch.Entries, data)
	}
	if _, err := EncodeBatch(batch.Entries); err != nil {
		return nil, nil, err
	}
	return &next, batch, nil
}

// Encode returns the batch as it is stored. The error wraps ErrBatch.
func (b *Batch) Encode() ([]byte, error) { return EncodeBatch(b.Entries) }

// Name returns what names the batch in a store.
func (b *Batch) Name() string { return BatchName(b.First) }

// timeAfter returns the time of an entry after one of another time.
func timeAfter(newest, now time.Time) time.Time {
	if isAhead(newest, now) || !newest.After(now) {
		return now
	}
	return newest
}

// isAhead says whether the older of two entries is so much later that Append does
// not count on from it.
func isAhead(older, newer time.Time) bool { return older.Sub(newer) > MaxAhead }
