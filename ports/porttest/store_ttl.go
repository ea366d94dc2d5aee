package porttest

import (
	"errors"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// briefly is the TTL of what the suites see going away.
const briefly = 2 * time.Second

// eventually demands that something becomes so. What is so at once is seen at
// once: a store with a clock of its own is never waited for.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(storePatience); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v: %s", storePatience, what)
		}
	}
}

func isGone(t *testing.T, s ports.Store, key ports.Key) func() bool {
	t.Helper()
	return func() bool {
		_, err := s.Get(t.Context(), key)
		if err != nil && !errors.Is(err, ports.ErrNoItem) {
			t.Fatalf("Get: %v", err)
		}
		return err != nil
	}
}

// storeTTL: an item goes away by itself, unless it has been written again in
// another way.
func storeTTL(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	r := commit(t, s.Store, writes(
		expiring("ends", "1", briefly), expiring("ends.too", "1", time.Hour),
		expiring("longer", "1", briefly), expiring("stays", "1", briefly),
		expiring("deleted", "1", briefly), expiring("again", "1", briefly),
	))
	wantItem(t, s.Other, record("ends"), "1", r)
	r = commit(t, s.Other, writes(expiring("longer", "2", time.Hour), write("stays", "2"), remove("deleted"), remove("again")))
	again := commit(t, s.Store, writes(write("again", "3"), expiring("ends.too", "2", briefly)))
	s.Advance(t, briefly)
	eventually(t, "an item is there whose TTL has ended", isGone(t, s.Store, record("ends")))
	eventually(t, "an item is there whose shorter TTL has ended", isGone(t, s.Store, record("ends.too")))
	for _, handle := range []ports.Store{s.Store, s.Other} {
		wantItem(t, handle, record("longer"), "2", r)
		wantItem(t, handle, record("stays"), "2", r)
		wantItem(t, handle, record("again"), "3", again)
		wantNoItem(t, handle, record("deleted"))
		wantListing(t, handle, ports.Records, "", 10, false, "again=3", "longer=2", "stays=2")
	}
}

// storeTTLConditions: what has gone away by itself is not there, and its revision
// holds no more. A transaction that failed leaves the TTL of others alone.
func storeTTLConditions(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	r := commit(t, s.Store, writes(expiring("a", "1", briefly), expiring("b", "1", time.Hour)))
	wantConflict(t, s.Store, iff(conditions(is("a", 0)), expiring("a", "2", time.Hour), expiring("b", "2", briefly)), record("a"))
	s.Advance(t, briefly)
	eventually(t, "an item is there whose TTL has ended", isGone(t, s.Store, record("a")))
	wantItem(t, s.Store, record("b"), "1", r)
	wantConflict(t, s.Store, iff(conditions(is("a", r)), write("a", "3")), record("a"))
	last := commit(t, s.Store, iff(conditions(is("a", 0), is("b", r)), expiring("a", "4", time.Hour)))
	wantItem(t, s.Other, record("a"), "4", last)
}
