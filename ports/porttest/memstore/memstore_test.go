package memstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
)

// clock is a time that tests move.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newStore(t *testing.T) (*memstore.Store, *clock) {
	t.Helper()
	c := &clock{time.Unix(1_800_000_000, 0)}
	return memstore.New(c.now), c
}

func record(name string) ports.Key { return ports.Key{Collection: ports.Records, Name: name} }

func put(name, value string) *ports.Transaction {
	return &ports.Transaction{Then: []ports.Write{{Key: record(name), Value: []byte(value)}}}
}

func commit(t *testing.T, s ports.Store, tx *ports.Transaction) ports.Revision {
	t.Helper()
	r, err := s.Commit(t.Context(), tx)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return r
}

func value(t *testing.T, s ports.Store, name string) string {
	t.Helper()
	it, err := s.Get(t.Context(), record(name))
	if errors.Is(err, ports.ErrNoItem) {
		return "none"
	}
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return string(it.Value)
}

// What a fault lets fail is either done or not, and the caller cannot tell.
func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		at   memstore.Moment
		want string
	}{
		{memstore.Before, "old"},
		{memstore.After, "new"},
	} {
		t.Run(string(tc.at), func(t *testing.T) {
			s, _ := newStore(t)
			commit(t, s, put("a", "old"))
			faulty := s.Client(memstore.FailAt(tc.at, 2, ports.ErrOutcomeUnknown, memstore.Commit))
			commit(t, faulty, put("b", "x"))
			if _, err := faulty.Commit(t.Context(), put("a", "new")); !errors.Is(err, ports.ErrOutcomeUnknown) {
				t.Errorf("the second commit answers %v", err)
			}
			if got := value(t, faulty, "a"); got != tc.want {
				t.Errorf("the store holds %q, want %q", got, tc.want)
			}
			commit(t, faulty, put("a", "third"))
		})
	}
}

// A fault may carry a transaction out after it has failed.
func TestFaultCommitsLater(t *testing.T) {
	s, _ := newStore(t)
	var late *ports.Transaction
	faulty := s.Client(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Method == memstore.Commit {
			late = call.Transaction
			return ports.ErrOutcomeUnknown
		}
		return nil
	})
	if _, err := faulty.Commit(t.Context(), put("a", "late")); !errors.Is(err, ports.ErrOutcomeUnknown) {
		t.Fatalf("Commit: %v", err)
	}
	if got := value(t, faulty, "a"); got != "none" {
		t.Errorf("before, the store holds %q", got)
	}
	commit(t, s, late)
	if got := value(t, faulty, "a"); got != "late" {
		t.Errorf("after, the store holds %q", got)
	}
}

func TestFaultIsToldOfCalls(t *testing.T) {
	s, _ := newStore(t)
	type seen struct {
		At     memstore.Moment
		Method memstore.Method
		Number uint64
		Failed bool
	}
	var got []seen
	c := s.Client(func(at memstore.Moment, call *memstore.Call) error {
		got = append(got, seen{at, call.Method, call.Number, call.Err != nil})
		return nil
	})
	value(t, c, "a")
	commit(t, c, put("a", "x"))
	want := []seen{
		{memstore.Before, memstore.Get, 1, false},
		{memstore.After, memstore.Get, 1, true},
		{memstore.Before, memstore.Commit, 2, false},
		{memstore.After, memstore.Commit, 2, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A process that ends inside a call leaves a store that others can use.
func TestFaultPanics(t *testing.T) {
	s, _ := newStore(t)
	crashing := s.Client(func(memstore.Moment, *memstore.Call) error { panic("power") })
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not come through")
			}
		}()
		_, _ = crashing.Get(t.Context(), record("a"))
	}()
	commit(t, s, put("a", "x"))
}

func TestCopyIsIndependent(t *testing.T) {
	s, c := newStore(t)
	commit(t, s, put("a", "old"))
	commit(t, s, &ports.Transaction{Then: []ports.Write{{Key: record("b"), Value: []byte("y"), TTL: time.Minute}}})
	yesterday := s.Copy()
	if diff := cmp.Diff(s.Dump(), yesterday.Dump()); diff != "" {
		t.Errorf("the copy differs: %s", diff)
	}
	commit(t, s, put("a", "new"))
	commit(t, yesterday, put("c", "x"))
	if value(t, yesterday, "a") != "old" || value(t, s, "a") != "new" || value(t, s, "c") != "none" {
		t.Error("one of them changed the other")
	}
	c.Time = c.Add(time.Minute)
	if value(t, yesterday, "b") != "none" || value(t, s, "b") != "none" {
		t.Error("a TTL did not end in both")
	}
}

func TestDumpDependsOnCallsOnly(t *testing.T) {
	build := func() []*ports.Item {
		s, c := newStore(t)
		for _, name := range []string{"e", "a", "d", "b", "c"} {
			commit(t, s, &ports.Transaction{Then: []ports.Write{
				{Key: record(name), Value: []byte(name), TTL: time.Second},
				{Key: record(name + "2"), Value: []byte(name)},
			}})
		}
		c.Time = c.Add(time.Second)
		commit(t, s, put("f", "x"))
		return s.Dump()
	}
	first := build()
	for range 20 {
		if diff := cmp.Diff(first, build()); diff != "" {
			t.Fatal(diff)
		}
	}
	if len(first) != 6 || first[5].Revision != 7 {
		t.Errorf("%d items, the last of revision %d", len(first), first[len(first)-1].Revision)
	}
}

func TestLimit(t *testing.T) {
	s, _ := newStore(t)
	s.Limit(4)
	commit(t, s, put("a", "xyz"))
	if _, err := s.Commit(t.Context(), put("b", "x")); !errors.Is(err, ports.ErrStoreFull) {
		t.Errorf("Commit to a full store: %v", err)
	}
	commit(t, s, &ports.Transaction{Then: []ports.Write{{Key: record("a"), Delete: true}}})
	commit(t, s, put("b", "x"))
}

// A watcher that waits is told of an end only once somebody looks at the clock.
func TestExpireWakesWatchers(t *testing.T) {
	s, c := newStore(t)
	commit(t, s, &ports.Transaction{Then: []ports.Write{{Key: record("a"), TTL: time.Second}}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stop := errors.New("seen")
	err := s.Watch(ctx, ports.Records, func(u *ports.Update) error {
		if u.Whole && len(u.Items) == 1 {
			c.Time = c.Add(time.Second)
			s.Expire()
			return nil
		}
		if len(u.Deleted) == 1 && u.Deleted[0] == record("a") && !u.Whole {
			return stop
		}
		t.Errorf("an update: %+v", u)
		return stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("Watch: %v", err)
	}
}
