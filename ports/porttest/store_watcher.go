package porttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// TestWatcher is the contract of ports.Watcher. newStore makes a store that is
// empty.
func TestWatcher(t *testing.T, newStore func(*testing.T) *StoreUnderTest) {
	t.Helper()
	tests := map[string]func(*testing.T, *StoreUnderTest){
		"WholeFirst": watchWholeFirst,
		"Changes":    watchChanges,
		"Large":      watchLarge,
		"Deletes":    watchDeletes,
		"TTL":        watchTTL,
		"Busy":       watchBusy,
		"Several":    watchSeveral,
		"Error":      watchError,
		"Cancelled":  watchCancelled,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newStore(t)) })
	}
	if newStore(t).Interrupt != nil {
		t.Run("Interrupted", func(t *testing.T) { watchInterrupted(t, newStore(t)) })
	}
	if newStore(t).Forget != nil {
		t.Run("Forgotten", func(t *testing.T) { watchForgotten(t, newStore(t)) })
	}
}

// observer keeps what a watch of the records has delivered, and judges it.
type observer struct {
	updates chan *ports.Update
	ended   chan error
	cancel  context.CancelFunc
	held    map[string]string // what there is, by all updates so far
	last    ports.Revision
	whole   int // whole updates so far
}

// observe watches the records until the test ends.
func observe(t *testing.T, s ports.Watcher) *observer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	o := &observer{updates: make(chan *ports.Update), ended: make(chan error, 1), cancel: cancel, held: map[string]string{}}
	go func() {
		o.ended <- s.Watch(ctx, ports.Records, func(u *ports.Update) error {
			select {
			case o.updates <- u:
			case <-ctx.Done():
			}
			return nil
		})
	}()
	t.Cleanup(cancel)
	return o
}

// next takes the next update in.
func (o *observer) next(t *testing.T) *ports.Update {
	t.Helper()
	select {
	case u := <-o.updates:
		o.take(t, u)
		return u
	case err := <-o.ended:
		t.Fatalf("the watch ended: %v", err)
	case <-time.After(storePatience):
		t.Fatalf("no update after revision %d within %v; %v are held", o.last, storePatience, o.held)
	}
	return nil
}

// take demands that the update is one that may come now.
func (o *observer) take(t *testing.T, u *ports.Update) {
	t.Helper()
	switch {
	case u.Whole && (u.Revision < o.last || len(u.Deleted) > 0):
		t.Errorf("a whole update of revision %d after %d, with %v deleted", u.Revision, o.last, u.Deleted)
	case !u.Whole && o.whole == 0:
		t.Error("the first update is not whole")
	case !u.Whole && u.Revision <= o.last:
		t.Errorf("an update of revision %d after %d", u.Revision, o.last)
	case !u.Whole && len(u.Items)+len(u.Deleted) == 0:
		t.Errorf("an update of revision %d says nothing", u.Revision)
	}
	if u.Whole {
		clear(o.held)
		o.whole++
	}
	o.last = u.Revision
	o.takeItems(t, u)
}

func (o *observer) takeItems(t *testing.T, u *ports.Update) {
	t.Helper()
	previous := ""
	for _, it := range u.Items {
		if it.Key.Collection != ports.Records || it.Key.Name <= previous || it.Revision <= 0 || it.Revision > u.Revision {
			t.Errorf("%v of revision %d after %q in an update of revision %d", it.Key, it.Revision, previous, u.Revision)
		}
		previous = it.Key.Name
		o.held[it.Key.Name] = string(it.Value)
	}
	for _, key := range u.Deleted {
		if key.Collection != ports.Records || slices.ContainsFunc(u.Items, func(it *ports.Item) bool { return it.Key == key }) {
			t.Errorf("%v is deleted among %v", key, described(u.Items))
		}
		delete(o.held, key.Name)
	}
}

// until takes updates in until what is held is that, as "name=value" and sorted.
func (o *observer) until(t *testing.T, want ...string) {
	t.Helper()
	for fmt.Sprint(o.described()) != fmt.Sprint(want) {
		o.next(t)
	}
}

func (o *observer) described() []string {
	all := []string{}
	for _, name := range slices.Sorted(maps.Keys(o.held)) {
		all = append(all, name+"="+o.held[name])
	}
	return all
}

// wantWhole demands how many updates were whole.
func (o *observer) wantWhole(t *testing.T, want int) {
	t.Helper()
	if o.whole != want {
		t.Errorf("%d updates were whole, want %d", o.whole, want)
	}
}

func watchWholeFirst(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	empty := observe(t, s.Store)
	if u := empty.next(t); !u.Whole || len(u.Items) > 0 {
		t.Errorf("the first update of an empty store is %+v", u)
	}
	r := commit(t, s.Other, writes(write("b", "1"), write("a", "1")))
	full := observe(t, s.Store)
	u := full.next(t)
	if !u.Whole || u.Revision < r || fmt.Sprint(described(u.Items)) != "[a=1 b=1]" || u.Items[0].Revision != r {
		t.Errorf("the first update is %+v, want all of revision %d", u, r)
	}
	empty.until(t, "a=1", "b=1")
}

// watchChanges: each change comes, in order, and those of other collections do not.
func watchChanges(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	o := observe(t, s.Store)
	o.next(t)
	for i := range 20 {
		elsewhere := ports.Write{Key: ports.Key{Collection: ports.Refusals, Name: "a"}, Value: []byte{byte(i)}}
		commit(t, s.Other, writes(elsewhere))
		r := commit(t, s.Other, writes(write("a", strconv.Itoa(i)), elsewhere))
		if u := o.next(t); u.Revision < r || fmt.Sprint(described(u.Items)) != fmt.Sprintf("[a=%d]", i) || u.Items[0].Revision != r {
			t.Fatalf("update %d is %+v, want revision %d", i, u, r)
		}
	}
	o.wantWhole(t, 1)
}

// watchLarge: a whole update has no bound on the number of its items.
func watchLarge(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	const n = ports.MaxListing + 30
	var want []string
	for first := 0; first < n; first += 103 {
		tx := &ports.Transaction{}
		for i := first; i < min(n, first+103); i++ {
			tx.Then = append(tx.Then, write(fmt.Sprintf("%04d", i), "x"))
			want = append(want, fmt.Sprintf("%04d=x", i))
		}
		commit(t, s.Other, tx)
	}
	o := observe(t, s.Store)
	o.next(t)
	if got := o.described(); !slices.Equal(got, want) {
		t.Errorf("the first update has %d items, want %d", len(got), len(want))
	}
}

func watchDeletes(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	commit(t, s.Other, writes(write("a", "1"), write("b", "1")))
	o := observe(t, s.Store)
	o.next(t)
	commit(t, s.Other, writes(remove("a"), write("c", "1"), remove("never.there")))
	o.until(t, "b=1", "c=1")
	commit(t, s.Other, writes(remove("b")))
	commit(t, s.Other, writes(write("b", "2")))
	o.until(t, "b=2", "c=1")
	commit(t, s.Other, writes(remove("b"), remove("c")))
	o.until(t)
	o.wantWhole(t, 1)
}

func watchTTL(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	commit(t, s.Other, writes(expiring("a", "1", briefly), write("b", "1")))
	o := observe(t, s.Store)
	o.until(t, "a=1", "b=1")
	s.Advance(t, briefly)
	eventually(t, "an item is there whose TTL has ended", isGone(t, s.Other, record("a")))
	o.until(t, "b=1")
	o.wantWhole(t, 1)
}

// watchBusy: whoever is slow may miss values in between, and never the last one.
func watchBusy(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	o := observe(t, s.Store)
	o.next(t)
	for i := range 300 {
		commit(t, s.Other, writes(write(fmt.Sprint("n", i%3), strconv.Itoa(i))))
	}
	commit(t, s.Other, writes(remove("n1")))
	o.until(t, "n0=297", "n2=299")
}

// watchSeveral: each watch is told of all, and the end of one is not another's.
func watchSeveral(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	first, second := observe(t, s.Store), observe(t, s.Store)
	first.next(t)
	second.next(t)
	commit(t, s.Store, writes(write("a", "1")))
	first.until(t, "a=1")
	second.until(t, "a=1")
	first.cancel()
	if err := <-first.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the first watch ended: %v", err)
	}
	commit(t, s.Store, writes(write("a", "2")))
	second.until(t, "a=2")
}

func watchError(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	enough := errors.New("enough")
	commit(t, s.Store, writes(write("a", "1")))
	ctx, cancel := context.WithTimeout(t.Context(), storePatience)
	defer cancel()
	calls := 0
	err := s.Store.Watch(ctx, ports.Records, func(*ports.Update) error {
		calls++
		if calls == 2 {
			return enough
		}
		_, err := s.Other.Commit(ctx, writes(write("a", "2")))
		return err
	})
	if !errors.Is(err, enough) || calls != 2 {
		t.Errorf("Watch: %v after %d calls, want its deliver's error after 2", err, calls)
	}
}

func watchCancelled(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	o := observe(t, s.Store)
	o.next(t)
	o.cancel()
	select {
	case err := <-o.ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Watch: %v, want context.Canceled", err)
		}
	case <-time.After(storePatience):
		t.Fatal("the watch outlives its context")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(*ports.Update) error { return errors.New("delivered") }
	if err := s.Store.Watch(ctx, ports.Records, never); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch with a context that is done: %v, want context.Canceled", err)
	}
}

// watchInterrupted: what happened while the connection was lost is made up for.
func watchInterrupted(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	commit(t, s.Other, writes(write("a", "1"), write("b", "1")))
	o := observe(t, s.Store)
	o.next(t)
	for i := range 3 {
		value := strconv.Itoa(i)
		s.Interrupt(t, func() {
			commit(t, s.Other, writes(write("a", "between"), remove("b")))
			commit(t, s.Other, writes(write("a", value)))
		})
		o.until(t, "a="+value)
		commit(t, s.Other, writes(write("b", value)))
		o.until(t, "a="+value, "b="+value)
	}
	o.wantWhole(t, 1)
}

// watchForgotten: where the store has forgotten what happened meanwhile, the watch
// begins anew, and what was deleted is gone.
func watchForgotten(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	commit(t, s.Other, writes(write("a", "1"), write("b", "1")))
	o := observe(t, s.Store)
	o.next(t)
	s.Forget(t, func() {
		commit(t, s.Other, writes(write("a", "2"), remove("b")))
		commit(t, s.Other, writes(write("c", "1")))
	})
	o.until(t, "a=2", "c=1")
	commit(t, s.Other, writes(remove("a")))
	o.until(t, "c=1")
	o.wantWhole(t, 2)
}
