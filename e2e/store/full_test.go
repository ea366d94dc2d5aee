package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// record appends entries with a record each until the store refuses them, and once
// more then.
func (c *client) record(ctx context.Context, value []byte) error {
	for refused := 0; refused < 2; {
		c.count++
		receipt, err := c.node.sequencer.Append(ctx, &sequencing.Proposal{
			Entries: []ledger.Entry{entry(c.name, c.count)},
			Then:    []ports.Write{{Key: c.recordKey(c.count), Value: value}},
		})
		switch {
		case err == nil:
			c.acked = append(c.acked, acknowledged{c.name, c.count, receipt.First})
		case errors.Is(err, ports.ErrOutcomeUnknown): // perhaps sent again since, to a full store
			refused++
		case errors.Is(err, ports.ErrStoreFull):
			c.undone[c.count] = true
			refused++
		default:
			return fmt.Errorf("proposal %d of %s: %w", c.count, c.name, err)
		}
	}
	return nil
}

func (c *client) recordKey(count uint64) ports.Key {
	return ports.Key{Collection: ports.Records, Name: fmt.Sprintf("%s-%d", c.name, count)}
}

// demandRecords fails unless there is a record of each acknowledged proposal and of
// none that was refused, and deletes them all.
func demandRecords(t *testing.T, n *node, all []*client) {
	t.Helper()
	refused := 0
	for _, c := range all {
		there := c.sweep(t, n)
		for count := range c.undone {
			if there[count] {
				t.Errorf("the record of proposal %d of %s is there, and was refused", count, c.name)
			}
		}
		for _, a := range c.acked {
			if found, ok := there[a.count]; ok && !found {
				t.Errorf("the record of proposal %d of %s was acknowledged and is not there", a.count, a.client)
			}
		}
		refused += len(c.undone)
	}
	if refused == 0 {
		t.Error("nothing was refused: that proves nothing")
	}
}

// sweep deletes the client's records, and returns of which proposals since the last
// time there were any.
func (c *client) sweep(t *testing.T, n *node) map[uint64]bool {
	t.Helper()
	there := map[uint64]bool{}
	for ; c.swept < c.count; c.swept++ {
		key := c.recordKey(c.swept + 1)
		_, err := n.store.Get(t.Context(), key)
		there[c.swept+1] = err == nil
		tx := &ports.Transaction{Then: []ports.Write{{Key: key, Delete: true}}}
		if _, err := n.store.Commit(t.Context(), tx); err != nil {
			t.Fatalf("deleting from a full store: %v", err)
		}
	}
	return there
}

// The store becomes full while many record decisions. Whoever is told that there
// was no room finds nothing written, and once there is room all goes on.
func TestStoreBecomesFull(t *testing.T) {
	cluster := etcdtest.StartWith(t, 3, func(c *member.Config) { c.Insecure, c.Quota = true, 16<<20 })
	one := cluster.Endpoints()
	all, _ := newClients(t, one, one[:1], one[1:2], one[2:])
	n := openNode(t, clients, one...)
	for range 2 {
		fillStore(t, all)
		demandRecords(t, n, all)
		for _, m := range cluster.Members {
			if err := m.ReclaimSpace(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	demandRecorded(t, n, all)
}

// fillStore lets all clients record until the store is full.
func fillStore(t *testing.T, all []*client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	value := bytes.Repeat([]byte{7}, 128<<10)
	before := 0
	for _, c := range all {
		before += len(c.acked)
	}
	var group sync.WaitGroup
	for _, c := range all {
		group.Go(func() {
			if err := c.record(ctx, value); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	after := 0
	for _, c := range all {
		after += len(c.acked)
	}
	t.Logf("%d were acknowledged before the store was full", after-before)
	if after == before {
		t.Error("nothing was acknowledged: that proves nothing")
	}
}
