package porttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// storePatience is how long the suites wait for what a store does by itself. A store
// that keeps its contract never takes as long.
const storePatience = 60 * time.Second

// WatchedStore is a store whose changes can be watched.
type WatchedStore interface {
	ports.Store
	ports.Watcher
}

// StoreUnderTest is a fresh and empty store, and what the suites can do to it. The
// hooks may be nil where a store cannot be disturbed in that way; what they are
// for is then not run.
type StoreUnderTest struct {
	// Store and Other are two handles of the one store, as two programs have.
	Store WatchedStore
	Other ports.Store
	// Advance lets at least that time pass for the store.
	Advance func(t *testing.T, d time.Duration)
	// Interrupt carries meanwhile out while Store is cut off from the store. Other
	// is not.
	Interrupt func(t *testing.T, meanwhile func())
	// Forget does the same, and the store then forgets all that it has replaced or
	// deleted: whoever was cut off cannot learn what has changed.
	Forget func(t *testing.T, meanwhile func())
}

// TestStore is the contract of ports.Store. newStore makes a store that is empty.
func TestStore(t *testing.T, newStore func(*testing.T) *StoreUnderTest) {
	t.Helper()
	tests := map[string]func(*testing.T, *StoreUnderTest){
		"Empty":         storeEmpty,
		"Keeps":         storeKeeps,
		"Names":         storeNames,
		"Revisions":     storeRevisions,
		"Paging":        storePaging,
		"Copies":        storeCopies,
		"Conditions":    storeConditions,
		"Recreated":     storeRecreated,
		"AllOrNothing":  storeAllOrNothing,
		"Conflicts":     storeConflicts,
		"LargestWrites": storeLargest,
		"Bounds":        storeBounds,
		"TTL":           storeTTL,
		"TTLConditions": storeTTLConditions,
		"Counter":       storeCounter,
		"ReadYourWrite": storeReadYourWrite,
		"Monotonic":     storeMonotonic,
		"Cancelled":     storeCancelled,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newStore(t)) })
	}
}

// record is the key of a record of that name.
func record(name string) ports.Key { return ports.Key{Collection: ports.Records, Name: name} }

// write is the write of a record.
func write(name, value string) ports.Write {
	return ports.Write{Key: record(name), Value: []byte(value)}
}

// expiring is the write of a record that goes away.
func expiring(name, value string, ttl time.Duration) ports.Write {
	return ports.Write{Key: record(name), Value: []byte(value), TTL: ttl}
}

// remove is the write that deletes a record.
func remove(name string) ports.Write { return ports.Write{Key: record(name), Delete: true} }

// is is the condition that a record has that revision.
func is(name string, r ports.Revision) ports.Condition {
	return ports.Condition{Key: record(name), Revision: r}
}

// writes is a transaction without conditions.
func writes(then ...ports.Write) *ports.Transaction { return &ports.Transaction{Then: then} }

func commit(t *testing.T, s ports.Store, tx *ports.Transaction) ports.Revision {
	t.Helper()
	r, err := s.Commit(t.Context(), tx)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	if r <= 0 {
		t.Fatalf("Commit returned revision %d", r)
	}
	return r
}

// wantItem demands that the store holds exactly that.
func wantItem(t *testing.T, s ports.Store, key ports.Key, value string, r ports.Revision) {
	t.Helper()
	it, err := s.Get(t.Context(), key)
	if err != nil {
		t.Errorf("Get of %v: %v", key, err)
		return
	}
	if it.Key != key || string(it.Value) != value || it.Revision != r {
		t.Errorf("%v holds %q of revision %d, want %q of %d", it.Key, it.Value, it.Revision, value, r)
	}
}

func wantNoItem(t *testing.T, s ports.Store, key ports.Key) {
	t.Helper()
	if it, err := s.Get(t.Context(), key); !errors.Is(err, ports.ErrNoItem) {
		t.Errorf("Get of %v: %+v, %v; want ErrNoItem", key, it, err)
	}
}

// wantListing demands the items of a listing, as "name=value".
func wantListing(t *testing.T, s ports.Store, c ports.Collection, after string, limit int, more bool, want ...string) *ports.Listing {
	t.Helper()
	l, err := s.List(t.Context(), c, after, limit)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if got := described(l.Items); fmt.Sprint(got) != fmt.Sprint(want) || l.More != more {
		t.Errorf("%d of %s after %q are %v, more %v; want %v, %v", limit, c, after, got, l.More, want, more)
	}
	return l
}

// described returns items as "name=value".
func described(items []*ports.Item) []string {
	all := make([]string, len(items))
	for i, it := range items {
		all[i] = fmt.Sprintf("%s=%s", it.Key.Name, it.Value)
	}
	return all
}

func storeEmpty(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	for _, c := range ports.Collections() {
		wantNoItem(t, s.Store, ports.Key{Collection: c, Name: "a"})
		wantListing(t, s.Store, c, "", 1, false)
		wantListing(t, s.Store, c, "a", ports.MaxListing, false)
	}
}

func storeKeeps(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	binary := string([]byte{0, 0xff, '/', '\n', 0})
	r := commit(t, s.Store, writes(write("a", "one"), write("b", ""), write("c", binary)))
	for _, handle := range []ports.Store{s.Store, s.Other} {
		wantItem(t, handle, record("a"), "one", r)
		wantItem(t, handle, record("b"), "", r)
		wantItem(t, handle, record("c"), binary, r)
	}
	later := commit(t, s.Other, writes(write("a", "two"), remove("b")))
	wantItem(t, s.Store, record("a"), "two", later)
	wantNoItem(t, s.Store, record("b"))
	wantItem(t, s.Store, record("c"), binary, r)
	commit(t, s.Store, writes(remove("b"))) // what is not there any more
	wantItem(t, s.Store, record("a"), "two", later)
}

// storeNames: the same name in two collections are two items, and no name reaches
// into another collection or is taken for a prefix.
func storeNames(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	longest := string(bytes.Repeat([]byte("z"), ports.MaxKeyName))
	alphabet := "azAZ09._:-+"
	names := []string{"a", "a.", "aa", "a-b", alphabet, longest, ".."}
	tx := &ports.Transaction{}
	for _, c := range ports.Collections() {
		for _, name := range names {
			tx.Then = append(tx.Then, ports.Write{Key: ports.Key{Collection: c, Name: name}, Value: []byte(string(c) + name)})
		}
	}
	r := commit(t, s.Store, tx)
	for _, w := range tx.Then {
		wantItem(t, s.Store, w.Key, string(w.Value), r)
	}
	l, err := s.Store.List(t.Context(), ports.NodeNames, "", len(names)+1)
	if err != nil || len(l.Items) != len(names) || l.More {
		t.Errorf("the listing of node names: %+v, %v; want %d", l, err, len(names))
	}
	commit(t, s.Store, writes(remove("a")))
	wantNoItem(t, s.Store, record("a"))
	wantItem(t, s.Store, record("a."), "recordsa.", r)
	wantItem(t, s.Store, ports.Key{Collection: ports.Disks, Name: "a"}, "disksa", r)
}

// storeRevisions: they grow with each transaction that changes something, and all
// that a transaction wrote has its revision.
func storeRevisions(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	first := commit(t, s.Store, writes(write("a", "1"), write("b", "1")))
	second := commit(t, s.Other, writes(write("b", "1")))
	if second <= first {
		t.Errorf("revision %d after %d", second, first)
	}
	wantItem(t, s.Store, record("a"), "1", first)
	wantItem(t, s.Store, record("b"), "1", second)
	third := commit(t, s.Store, writes(remove("a")))
	if third <= second {
		t.Errorf("revision %d of a delete after %d", third, second)
	}
	l := wantListing(t, s.Store, ports.Records, "", 10, false, "b=1")
	if l.Revision < third || l.Items[0].Revision != second {
		t.Errorf("a listing of revision %d with an item of %d, want at least %d and %d", l.Revision, l.Items[0].Revision, third, second)
	}
}

func storePaging(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	names := []string{"B", "a", "a.b", "a0", "b", "ba"} // as bytes order them
	for _, name := range []string{"ba", "a0", "B", "a.b", "b", "a"} {
		commit(t, s.Store, writes(write(name, "")))
	}
	commit(t, s.Store, writes(ports.Write{Key: ports.Key{Collection: ports.Refusals, Name: "c"}}))
	for limit := 1; limit <= len(names)+1; limit++ {
		var got []string
		after, more := "", true
		for more {
			l, err := s.Store.List(t.Context(), ports.Records, after, limit)
			if err != nil {
				t.Fatalf("List: %v", err)
			}
			if len(l.Items) == 0 || len(l.Items) > limit {
				t.Fatalf("%d items after %q of at most %d", len(l.Items), after, limit)
			}
			for _, it := range l.Items {
				got = append(got, it.Key.Name)
			}
			after, more = got[len(got)-1], l.More
		}
		if fmt.Sprint(got) != fmt.Sprint(names) {
			t.Errorf("in pages of %d: %v, want %v", limit, got, names)
		}
	}
	wantListing(t, s.Store, ports.Records, "a.a", 2, true, "a.b=", "a0=") // after a name that is not there
	wantListing(t, s.Store, ports.Records, "ba", 2, false)
}

// storeCopies: what callers do to their slices is their own business.
func storeCopies(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	tx := writes(write("a", "kept"))
	r := commit(t, s.Store, tx)
	clear(tx.Then[0].Value)
	it, err := s.Store.Get(t.Context(), record("a"))
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	clear(it.Value)
	l, err := s.Store.List(t.Context(), ports.Records, "", 1)
	if err != nil || len(l.Items) != 1 {
		t.Fatalf("List: %+v, %v", l, err)
	}
	clear(l.Items[0].Value)
	wantItem(t, s.Store, record("a"), "kept", r)
}

func storeCancelled(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	r := commit(t, s.Store, writes(write("a", "1")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Store.Get(ctx, record("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v, want context.Canceled", err)
	}
	if _, err := s.Store.List(ctx, ports.Records, "", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v, want context.Canceled", err)
	}
	_, err := s.Store.Commit(ctx, writes(write("a", "2")))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ports.ErrStoreUnavailable) || errors.Is(err, ports.ErrOutcomeUnknown) {
		t.Errorf("Commit: %v, want context.Canceled beside ErrStoreUnavailable", err)
	}
	wantItem(t, s.Store, record("a"), "1", r)
}
