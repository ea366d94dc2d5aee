package memstore

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// state is what the clients of one store share. Methods below expect mu to be
// held where they do not take it themselves.
type state struct {
	mu          sync.Mutex
	now         func() time.Time
	revision    ports.Revision
	collections map[ports.Collection]*collection
	ends        map[ports.Key]time.Time // of items with a TTL
	next        time.Time               // the earliest of ends, or earlier
	watchers    []*watcher
	size, quota int
}

func newState(now func() time.Time) *state {
	st := &state{now: now, collections: map[ports.Collection]*collection{}, ends: map[ports.Key]time.Time{}}
	for _, c := range ports.Collections() {
		st.collections[c] = newCollection(c)
	}
	return st
}

func (st *state) copied() *state {
	other := newState(st.now)
	other.revision, other.next, other.size, other.quota = st.revision, st.next, st.size, st.quota
	for c, own := range st.collections {
		other.collections[c] = own.copied()
	}
	for key, end := range st.ends {
		other.ends[key] = end
	}
	return other
}

func (st *state) get(key ports.Key) (*ports.Item, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.expire()
	c := st.collections[key.Collection]
	if _, there := c.items[key.Name]; !there {
		return nil, fmt.Errorf("%w: %s", ports.ErrNoItem, key)
	}
	return c.item(key.Name), nil
}

func (st *state) list(c ports.Collection, after string, limit int) *ports.Listing {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.expire()
	own := st.collections[c]
	names := own.after(after)
	l := &ports.Listing{Revision: st.revision, More: len(names) > limit}
	for _, name := range names[:min(limit, len(names))] {
		l.Items = append(l.Items, own.item(name))
	}
	return l
}

func (st *state) commit(tx *ports.Transaction) (ports.Revision, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.expire()
	if failing := st.failing(tx.If); len(failing) > 0 {
		return 0, &ports.ConflictError{Keys: failing}
	}
	if st.full(tx.Then) {
		return 0, fmt.Errorf("%w: it holds %d of %d bytes", ports.ErrStoreFull, st.size, st.quota)
	}
	st.revision++
	for i := range tx.Then {
		st.write(&tx.Then[i])
	}
	return st.revision, nil
}

// failing returns the keys of conditions that do not hold, in their order.
func (st *state) failing(conditions []ports.Condition) []ports.Key {
	var keys []ports.Key
	for _, c := range conditions {
		if st.collections[c.Key.Collection].items[c.Key.Name].revision != c.Revision {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// full says whether the quota forbids the writes. Deleting is always possible.
func (st *state) full(writes []ports.Write) bool {
	deletes := !slices.ContainsFunc(writes, func(w ports.Write) bool { return !w.Delete })
	return st.quota > 0 && st.size >= st.quota && !deletes
}

func (st *state) write(w *ports.Write) {
	delete(st.ends, w.Key)
	if w.Delete {
		st.remove(w.Key)
		return
	}
	c := st.collections[w.Key.Collection]
	st.size += len(w.Value) + len(w.Key.Name) - c.size(w.Key.Name)
	c.put(w.Key.Name, stored{value: bytes.Clone(w.Value), revision: st.revision})
	if w.TTL > 0 {
		st.end(w.Key, st.now().Add(w.TTL))
	}
	st.tell(w.Key)
}

func (st *state) end(key ports.Key, at time.Time) {
	if len(st.ends) == 0 || at.Before(st.next) {
		st.next = at
	}
	st.ends[key] = at
}

func (st *state) remove(key ports.Key) {
	c := st.collections[key.Collection]
	if _, there := c.items[key.Name]; !there {
		return
	}
	st.size -= c.size(key.Name)
	c.remove(key.Name)
	st.tell(key)
}

// expire removes what has ended, all of it in one revision.
func (st *state) expire() {
	now := st.now()
	if len(st.ends) == 0 || now.Before(st.next) {
		return
	}
	ended := st.ended(now)
	if len(ended) == 0 {
		return
	}
	st.revision++
	for _, key := range ended {
		delete(st.ends, key)
		st.remove(key)
	}
}

// ended returns the sorted keys whose time has come, and sets when to look again.
func (st *state) ended(now time.Time) []ports.Key {
	var keys []ports.Key
	var next time.Time
	for key, end := range st.ends {
		switch {
		case !end.After(now):
			keys = append(keys, key)
		case next.IsZero() || end.Before(next):
			next = end
		}
	}
	st.next = next
	slices.SortFunc(keys, compareKeys)
	return keys
}
