package porttest

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/ports"
)

// increment adds one to a record by a condition, until it succeeds.
func increment(ctx context.Context, s ports.Store, name string) error {
	for {
		it, err := s.Get(ctx, record(name))
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(it.Value))
		if err != nil {
			return err
		}
		_, err = s.Commit(ctx, iff(conditions(is(name, it.Revision)), write(name, strconv.Itoa(n+1))))
		if !errors.Is(err, ports.ErrStoreConflict) {
			return err
		}
	}
}

// storeCounter: nobody's increment is lost, by whichever handle it went.
func storeCounter(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	const callers, times = 8, 10
	commit(t, s.Store, writes(write("n", "0")))
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			handle := []ports.Store{s.Store, s.Other}[i%2]
			for range times {
				if err := increment(t.Context(), handle, "n"); err != nil {
					t.Errorf("incrementing: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	it, err := s.Store.Get(t.Context(), record("n"))
	if err != nil || string(it.Value) != strconv.Itoa(callers*times) {
		t.Errorf("the counter is at %s (%v), want %d", it.Value, err, callers*times)
	}
}

// storeReadYourWrite: what one handle has acknowledged the other one sees, each
// time, in single items and in listings.
func storeReadYourWrite(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	handles := []ports.Store{s.Store, s.Other}
	for i := range 50 {
		value := strconv.Itoa(i)
		r := commit(t, handles[i%2], writes(write("a", value)))
		wantItem(t, handles[(i+1)%2], record("a"), value, r)
		l := wantListing(t, handles[(i+1)%2], ports.Records, "", 2, false, "a="+value)
		if l.Revision < r {
			t.Fatalf("a listing of revision %d after transaction %d", l.Revision, r)
		}
	}
}

// storeMonotonic: while one writes pairs, nobody sees a pair that differs, or an
// older one after a newer one.
func storeMonotonic(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	commit(t, s.Store, writes(write("a", "0"), write("b", "0")))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	for _, handle := range []ports.Store{s.Store, s.Other} {
		group.Go(func() { watchPairs(ctx, t, handle) })
	}
	for i := range 50 {
		commit(t, s.Store, writes(write("a", strconv.Itoa(i)), write("b", strconv.Itoa(i))))
	}
	cancel()
	group.Wait()
}

func watchPairs(ctx context.Context, t *testing.T, s ports.Store) {
	t.Helper()
	last, lastRevision := 0, ports.Revision(0)
	for {
		l, err := s.List(ctx, ports.Records, "", 2)
		if ctx.Err() != nil {
			return
		}
		if err != nil || len(l.Items) != 2 {
			t.Errorf("List: %+v, %v", l, err)
			return
		}
		n, err := strconv.Atoi(string(l.Items[0].Value))
		if err != nil || !bytes.Equal(l.Items[1].Value, l.Items[0].Value) || n < last || l.Revision < lastRevision {
			t.Errorf("a listing of %v at revision %d after %d at %d", described(l.Items), l.Revision, last, lastRevision)
			return
		}
		last, lastRevision = n, l.Revision
	}
}
