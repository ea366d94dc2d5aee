package sequencing_test

import (
	"context"
	"testing"

	"github.com/asterism-k8s/asterism/ports/porttest"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// TestPublishWhileOthersAppend: the ledger grows with every call of the store, and
// each Publish has signed what this node has.
func TestPublishWhileOthersAppend(t *testing.T) {
	store := appended(t, 40)
	others := newSequencer(t, store, &counting{next: 1000})
	appends := uint64(0)
	busy := store.Client(func(at memstore.Moment, _ *memstore.Call) error {
		if at == memstore.Before {
			appends++
			_, err := others.Append(context.Background(), proposal(appends))
			return err
		}
		return nil
	})
	n := newNode(t, store, 1, &porttest.MemoryTiles{}, nil)
	for range 5 {
		head, err := n.mirror.Catch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c, err := newPublisher(t, n, busy).Publish(t.Context())
		if err != nil || c.Head != head || headOf(t, store).Size() == head.Size {
			t.Fatalf("%+v, %v, want %v", c, err, head)
		}
	}
}

// TestPublishersRace: what another node publishes between reading and signing is no
// sign that anything is wrong.
func TestPublishersRace(t *testing.T) {
	store := appended(t, 20)
	slow := newNode(t, store, 1, &porttest.MemoryTiles{}, nil)
	slow.catches(t)
	others := newSequencer(t, store, &counting{next: 1000})
	fast := newNode(t, store, 2, &porttest.MemoryTiles{}, nil)
	overtaken := false
	client := store.Client(func(at memstore.Moment, call *memstore.Call) error {
		if overtaken || at != memstore.After || call.Key != sequencing.CheckpointKey() {
			return nil
		}
		overtaken = true
		if _, err := others.Append(context.Background(), proposal(21)); err != nil {
			return err
		}
		fast.catches(t)
		_, err := newPublisher(t, fast, store).Publish(context.Background())
		return err
	})
	c, err := newPublisher(t, slow, client).Publish(t.Context())
	if err != nil || c.Head.Size != 21 {
		t.Errorf("published %+v, %v, want what the faster one has", c, err)
	}
}
