package endorsements_test

import (
	"errors"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/endorsements"
	"github.com/asterism-k8s/asterism/ports"
)

// issuedAt returns a list of that number and time.
func issuedAt(number uint64, issued time.Time) *ports.CachedEndorsement {
	e := list(number)
	e.Issued, e.Expires = issued, issued.AddDate(0, 1, 0)
	return e
}

// TestThreat22FutureList: a list from the future does not lift the floor, above
// which nothing else would hold any more.
func TestThreat22FutureList(t *testing.T) {
	s := newStore(t)
	c := s.open(t)
	put(t, c, list(1))
	for _, ahead := range []time.Duration{endorsements.MaxAhead + time.Second, 100 * 365 * 24 * time.Hour} {
		if err := c.Put(t.Context(), issuedAt(2, clock().Add(ahead))); !errors.Is(err, endorsements.ErrFuture) {
			t.Errorf("a list from in %v: %v, want ErrFuture", ahead, err)
		}
		if err := c.RaiseFloor(t.Context(), clock().Add(ahead)); !errors.Is(err, endorsements.ErrFuture) {
			t.Errorf("a time from in %v: %v, want ErrFuture", ahead, err)
		}
	}
	wantFloor(t, c, list(1).Issued)
	wantFloor(t, s.open(t), list(1).Issued)
	if e, err := s.cache.Get(t.Context(), list(1).ID); err != nil || e.Number != 1 {
		t.Errorf("got %+v (%v), want the list of before", e, err)
	}
	put(t, s.cache, issuedAt(2, clock().Add(endorsements.MaxAhead)))
	wantFloor(t, s.cache, clock().Add(endorsements.MaxAhead))
}

func wantFloor(t testing.TB, c *endorsements.Cache, want time.Time) {
	t.Helper()
	if floor, err := c.Floor(t.Context()); err != nil || !floor.Equal(want) {
		t.Errorf("the floor is %v (%v), want %v", floor, err, want)
	}
}

// TestClockBehind: a machine that starts in 1970 goes by the time that its program
// knows, and by what it has seen since.
func TestClockBehind(t *testing.T) {
	s := newStore(t)
	behind := endorsements.WithClock(func() time.Time { return time.Unix(0, 0) })
	known := endorsements.WithKnownTime(clock())
	c := must(endorsements.Open(s.folder, behind, known))(t)
	wantFloor(t, c, clock())
	put(t, c, issuedAt(1, clock().Add(20*time.Hour)))
	put(t, c, issuedAt(2, clock().Add(40*time.Hour)))
	if err := c.Put(t.Context(), issuedAt(3, clock().Add(80*time.Hour))); !errors.Is(err, endorsements.ErrFuture) {
		t.Errorf("the day after the next: %v, want ErrFuture", err)
	}
	s.cache = c
	s.close(t)
	s.cache = must(endorsements.Open(s.folder, behind, known))(t)
	wantFloor(t, s.cache, clock().Add(40*time.Hour))
}
