package porttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// TestEndorsementCache is the contract of ports.EndorsementCache. newStore makes a
// place that is empty and returns how to open it: each opening sees what the one
// before has kept.
func TestEndorsementCache(t *testing.T, newStore func(*testing.T) (open func(*testing.T) ports.EndorsementCache)) {
	t.Helper()
	tests := map[string]func(*testing.T, func(*testing.T) ports.EndorsementCache){
		"Empty":       cacheEmpty,
		"Keeps":       cacheKeeps,
		"Numbers":     cacheNumbers,
		"Floor":       cacheFloor,
		"Reopened":    cacheReopened,
		"Copies":      cacheCopies,
		"Concurrency": cacheConcurrency,
		"Cancelled":   cacheCancelled,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newStore(t)) })
	}
}

// issued is a time at which the tests' endorsements are issued, n days after the
// first.
func issued(n int) time.Time { return time.Date(2026, 1, 1+n, 12, 0, 0, 0, time.UTC) }

// crl is the tests' revocation list of that number and day.
func crl(number uint64, day int) *ports.CachedEndorsement {
	return &ports.CachedEndorsement{
		ID:     ports.EndorsementID{Kind: policy.RevocationList, Subject: "CRL of 0a0b"},
		Number: number, Issued: issued(day), Expires: issued(day + 30),
		Data: fmt.Appendf(nil, "list %d of day %d", number, day),
	}
}

func put(t *testing.T, c ports.EndorsementCache, e *ports.CachedEndorsement) {
	t.Helper()
	if err := c.Put(t.Context(), e); err != nil {
		t.Fatalf("Put: %v", err)
	}
}

// wantCached demands that the cache holds exactly e.
func wantCached(t *testing.T, c ports.EndorsementCache, e *ports.CachedEndorsement) {
	t.Helper()
	got, err := c.Get(t.Context(), e.ID)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	if got.ID != e.ID || got.Number != e.Number || !got.Issued.Equal(e.Issued) || !got.Expires.Equal(e.Expires) || !bytes.Equal(got.Data, e.Data) {
		t.Errorf("got %+v, want %+v", got, e)
	}
}

func wantFloor(t *testing.T, c ports.EndorsementCache, want time.Time) {
	t.Helper()
	if got, err := c.Floor(t.Context()); err != nil || !got.Equal(want) {
		t.Errorf("the floor is %v (%v), want %v", got, err, want)
	}
}

func cacheEmpty(t *testing.T, open func(*testing.T) ports.EndorsementCache) {
	t.Helper()
	c := open(t)
	if _, err := c.Get(t.Context(), crl(1, 0).ID); !errors.Is(err, ports.ErrNotCached) {
		t.Errorf("Get of nothing: %v, want ErrNotCached", err)
	}
	wantFloor(t, c, time.Time{})
}

func cacheKeeps(t *testing.T, open func(*testing.T) ports.EndorsementCache) {
	t.Helper()
	c := open(t)
	put(t, c, crl(1, 0))
	wantCached(t, c, crl(1, 0))
	other := crl(1, 0)
	other.ID.Subject = "CRL of 0c0d"
	if _, err := c.Get(t.Context(), other.ID); !errors.Is(err, ports.ErrNotCached) {
		t.Errorf("another subject: %v, want ErrNotCached", err)
	}
	other.ID = ports.EndorsementID{Kind: policy.Collateral, Subject: crl(1, 0).ID.Subject}
	if _, err := c.Get(t.Context(), other.ID); !errors.Is(err, ports.ErrNotCached) {
		t.Errorf("another kind: %v, want ErrNotCached", err)
	}
	largest := crl(1, 0)
	largest.ID.Subject, largest.Data = "the largest", bytes.Repeat([]byte{7}, ports.MaxEndorsementSize)
	put(t, c, largest)
	wantCached(t, c, largest)
	wantCached(t, c, crl(1, 0))
}

// cacheNumbers: an older one never takes a newer one's place.
func cacheNumbers(t *testing.T, open func(*testing.T) ports.EndorsementCache) {
	t.Helper()
	c := open(t)
	put(t, c, crl(7, 3))
	for _, older := range []*ports.CachedEndorsement{crl(6, 3), crl(6, 9), crl(7, 2)} {
		if err := c.Put(t.Context(), older); !errors.Is(err, ports.ErrOlder) {
			t.Errorf("number %d of %v after number 7: %v, want ErrOlder", older.Number, older.Issued, err)
		}
		wantCached(t, c, crl(7, 3))
	}
	put(t, c, crl(7, 3)) // the same once more
	put(t, c, crl(7, 4)) // issued again
	wantCached(t, c, crl(7, 4))
	put(t, c, crl(8, 0)) // numbers order before dates
	wantCached(t, c, crl(8, 0))
	wantFloor(t, c, issued(4))
}

func cacheFloor(t *testing.T, open func(*testing.T) ports.EndorsementCache) {
	t.Helper()
	c := open(t)
	put(t, c, crl(1, 5))
	wantFloor(t, c, issued(5))
	for _, day := range []int{2, 8, 6} {
		if err := c.RaiseFloor(t.Context(), issued(day)); err != nil {
			t.Fatalf("RaiseFloor: %v", err)
		}
	}
	wantFloor(t, c, issued(8))
	put(t, c, crl(2, 7))
	wantFloor(t, c, issued(8))
	wantFloor(t, open(t), issued(8))
}

func cacheReopened(t *testing.T, open func(*testing.T) ports.EndorsementCache) {
	t.Helper()
	put(t, open(t), crl(7, 3))
	c := open(t)
	wantCached(t, c, crl(7, 3))
	wantFloor(t, c, issued(3))
	if err := c.Put(t.Context(), crl(6, 4)); !errors.Is(err, ports.ErrOlder) {
		t.Errorf("an older number after reopening: %v, want ErrOlder", err)
	}
}

// cacheCopies: what callers do to their slices is their own business.
func cacheCopies(t *testing.T, open func(*testing.T) ports.EndorsementCache) {
	t.Helper()
	c := open(t)
	e := crl(1, 0)
	put(t, c, e)
	clear(e.Data)
	got, err := c.Get(t.Context(), e.ID)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	clear(got.Data)
	wantCached(t, c, crl(1, 0))
}

// cacheConcurrency has many put ascending numbers while many watch them.
func cacheConcurrency(t *testing.T, open func(*testing.T) ports.EndorsementCache) {
	t.Helper()
	c := open(t)
	put(t, c, crl(1, 0))
	var group sync.WaitGroup
	for number := range uint64(16) {
		group.Go(func() {
			if err := c.Put(t.Context(), crl(number+1, 0)); err != nil && !errors.Is(err, ports.ErrOlder) {
				t.Errorf("Put: %v", err)
			}
		})
		group.Go(func() {
			last := uint64(0)
			for range 20 {
				e, err := c.Get(t.Context(), crl(1, 0).ID)
				if err != nil || e.Number < last {
					t.Errorf("Get: %v, number %d after %d", err, e.Number, last)
					return
				}
				last = e.Number
			}
		})
	}
	group.Wait()
	wantCached(t, c, crl(16, 0))
}

func cacheCancelled(t *testing.T, open func(*testing.T) ports.EndorsementCache) {
	t.Helper()
	c := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Put(ctx, crl(1, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v, want context.Canceled", err)
	}
	if _, err := c.Get(ctx, crl(1, 0).ID); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v, want context.Canceled", err)
	}
	if _, err := c.Floor(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Floor: %v, want context.Canceled", err)
	}
	if err := c.RaiseFloor(ctx, issued(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("RaiseFloor: %v, want context.Canceled", err)
	}
	wantFloor(t, c, time.Time{})
}
