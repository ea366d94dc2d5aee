package porttest

import (
	"errors"
	"testing"

	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// LossyStore is a place where a cache keeps endorsements, and from which one can be
// taken behind the cache's back.
type LossyStore struct {
	// Open opens the store. It ends the opening before, if there was one.
	Open func(*testing.T) ports.EndorsementCache
	// Lose damages or removes the endorsement while the store is not open.
	Lose func(*testing.T, ports.EndorsementID)
}

// TestEndorsementCacheLoss is the part of the contract of ports.EndorsementCache
// that is about loss. newStore makes a store that is empty. An adapter runs it
// once for each way in which it can lose something.
func TestEndorsementCacheLoss(t *testing.T, newStore func(*testing.T) LossyStore) {
	t.Helper()
	t.Run("Told", func(t *testing.T) { lossTold(t, newStore(t)) })
	t.Run("Healed", func(t *testing.T) { lossHealed(t, newStore(t)) })
}

// lossTold: what was lost is not absent, and what was not lost is still there.
func lossTold(t *testing.T, s LossyStore) {
	t.Helper()
	other := crl(1, 0)
	other.ID.Subject = "CRL of 0c0d"
	c := s.Open(t)
	put(t, c, crl(7, 3))
	put(t, c, other)
	s.Lose(t, crl(7, 3).ID)
	for range 2 {
		c = s.Open(t)
		wantLost(t, c, crl(7, 3).ID)
		wantCached(t, c, other)
		wantFloor(t, c, issued(3))
	}
	never := ports.EndorsementID{Kind: policy.RevocationList, Subject: "CRL of nobody"}
	if _, err := c.Get(t.Context(), never); !errors.Is(err, ports.ErrNotCached) || errors.Is(err, ports.ErrLost) {
		t.Errorf("Get of what never was: %v, want ErrNotCached", err)
	}
}

// lossHealed: the same issue or a newer one takes the place of what was lost, and
// an older one does not: loss is no way to undo what was seen.
func lossHealed(t *testing.T, s LossyStore) {
	t.Helper()
	put(t, s.Open(t), crl(7, 3))
	s.Lose(t, crl(7, 3).ID)
	c := s.Open(t)
	if err := c.Put(t.Context(), crl(6, 3)); !errors.Is(err, ports.ErrOlder) {
		t.Errorf("an older number in place of what was lost: %v, want ErrOlder", err)
	}
	wantLost(t, c, crl(7, 3).ID)
	put(t, c, crl(7, 3))
	wantCached(t, c, crl(7, 3))
	wantCached(t, s.Open(t), crl(7, 3))
}

func wantLost(t *testing.T, c ports.EndorsementCache, id ports.EndorsementID) {
	t.Helper()
	if e, err := c.Get(t.Context(), id); !errors.Is(err, ports.ErrLost) || errors.Is(err, ports.ErrNotCached) {
		t.Errorf("Get of what was lost: %+v (%v), want ErrLost", e, err)
	}
}
