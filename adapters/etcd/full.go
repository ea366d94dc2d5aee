package etcd

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/asterism-k8s/asterism/ports"
)

// before returns a revision that is certainly older than that of the transaction,
// if it is committed: the store has been there, or the conditions demand it.
func (s *Store) before(tx *ports.Transaction) int64 {
	newest := s.newest.Load()
	for _, c := range tx.If {
		newest = max(newest, int64(c.Revision))
	}
	return newest
}

// noRoom returns the error of a transaction about which a server says that there is
// no room. It may say so of one that it has applied: the one that goes over the
// quota, and those that came before all members knew of that. All of it has
// happened by then, so that the revision of one key that was to be written tells.
// Only where that is older than the transaction nothing was written. Everything
// else, as a key that is not there, could be what others have made of it since.
func (s *Store) noRoom(ctx, bounded context.Context, tx *ports.Transaction, before int64, note *call) error {
	kind := ports.ErrOutcomeUnknown
	if key, ok := telling(tx); ok {
		answer, err := s.read(bounded, s.layout.Key(key), clientv3.WithKeysOnly())
		if err == nil && untouched(answer, before) {
			kind = ports.ErrStoreFull
		}
	}
	return note.explain(ctx, kind, note.err)
}

// telling returns the key whose revision tells most about a transaction: one that
// is replaced rather than one that is new, as others may have deleted that again.
func telling(tx *ports.Transaction) (key ports.Key, ok bool) {
	written := map[ports.Key]bool{}
	for i := range tx.Then {
		if w := &tx.Then[i]; !w.Delete {
			written[w.Key] = true
			if !ok {
				key, ok = w.Key, true
			}
		}
	}
	for _, c := range tx.If {
		if written[c.Key] && c.Revision > 0 {
			return c.Key, true
		}
	}
	return key, ok
}

// untouched says whether a key has surely not been written after a revision. A
// store that is older than that has lost what it had, and proves nothing.
func untouched(answer *clientv3.GetResponse, after int64) bool {
	now := answer.Header.GetRevision()
	if len(answer.Kvs) == 0 {
		return now == after // nothing at all has been written
	}
	return now >= after && answer.Kvs[0].GetModRevision() <= after
}
