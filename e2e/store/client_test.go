package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// node is what decides on one control-plane node: a client of the store and a
// sequencer.
type node struct {
	store     *etcd.Store
	sequencer *sequencing.Sequencer
}

// openNode opens the store for the node of that number.
func openNode(tb testing.TB, number int, endpoints ...string) *node {
	tb.Helper()
	store, err := etcd.Open(tb.Context(), etcd.Config{Endpoints: endpoints})
	if err != nil {
		tb.Fatalf("opening the store: %v", err)
	}
	tb.Cleanup(func() { _ = store.Close() })
	sequencer, err := sequencing.New(sequencing.Config{Store: store, Now: time.Now, Random: rand.Reader, By: identity(tb, number).String()})
	if err != nil {
		tb.Fatal(err)
	}
	return &node{store: store, sequencer: sequencer}
}

func identity(tb testing.TB, number int) join.Identity {
	tb.Helper()
	i, err := join.ParseIdentity(fmt.Sprintf("ek:%064x", number+1))
	if err != nil {
		tb.Fatal(err)
	}
	return i
}

// acknowledged is an entry that a client was told is in the ledger.
type acknowledged struct {
	client string
	count  uint64
	index  uint64
}

// client claims names and releases them, and remembers what it was told.
type client struct {
	number  int
	name    string
	node    *node
	history *history

	count  uint64 // of its proposals: each has an entry of its own
	acked  []acknowledged
	undone map[uint64]bool // proposals of which it was told that nothing was written
	held   []string        // names that it thinks it has
	swept  uint64          // proposals whose records have been judged and deleted
}

func newClient(number int, n *node, h *history) *client {
	return &client{number: number, name: fmt.Sprintf("client-%d", number), node: n, history: h, undone: map[uint64]bool{}}
}

func nameKey(name string) ports.Key { return ports.Key{Collection: ports.NodeNames, Name: name} }

// favourite returns a name that the client thinks it has, and the other one where it
// has none.
func (c *client) favourite(other string) string {
	if len(c.held) == 0 {
		return other
	}
	name := c.held[0]
	c.held = c.held[1:]
	return name
}

// claim takes the name if it is nobody's.
func (c *client) claim(ctx context.Context, name string) {
	called := c.history.now()
	key := nameKey(name)
	c.decide(ctx, input{claim, name, c.name}, called, ports.Condition{Key: key}, ports.Write{Key: key, Value: []byte(c.name)})
}

// release gives the name back if it is this client's.
func (c *client) release(ctx context.Context, name string) {
	called := c.history.now()
	key, in := nameKey(name), input{release, name, c.name}
	item, err := c.node.store.Get(ctx, key)
	switch {
	case err == nil && string(item.Value) == c.name:
		c.decide(ctx, in, called, ports.Condition{Key: key, Revision: item.Revision}, ports.Write{Key: key, Delete: true})
	case err == nil || errors.Is(err, ports.ErrNoItem):
		c.history.record(c.number, in, called, output{answer: conflicted})
	}
}

// read looks who has the name.
func (c *client) read(ctx context.Context, name string) {
	called := c.history.now()
	item, err := c.node.store.Get(ctx, nameKey(name))
	switch {
	case err == nil:
		c.history.record(c.number, input{read, name, c.name}, called, output{done, string(item.Value)})
	case errors.Is(err, ports.ErrNoItem):
		c.history.record(c.number, input{read, name, c.name}, called, output{answer: done})
	}
}

// decide commits a write with a ledger entry that tells of it.
func (c *client) decide(ctx context.Context, in input, called int64, condition ports.Condition, write ports.Write) {
	c.count++
	receipt, err := c.node.sequencer.Append(ctx, &sequencing.Proposal{
		Entries: []ledger.Entry{entry(c.name, c.count)},
		If:      []ports.Condition{condition},
		Then:    []ports.Write{write},
	})
	switch {
	case err == nil:
		c.acked = append(c.acked, acknowledged{c.name, c.count, receipt.First})
		c.history.record(c.number, in, called, output{answer: done})
		if in.act == claim {
			c.held = append(c.held, in.name)
		}
	case errors.Is(err, ports.ErrOutcomeUnknown):
		c.history.record(c.number, in, called, output{answer: unknown})
		c.held = append(c.held, in.name)
	case errors.Is(err, ports.ErrStoreConflict):
		c.undone[c.count] = true
		c.history.record(c.number, in, called, output{answer: conflicted})
	default: // nothing was written: it did not happen
		c.undone[c.count] = true
	}
}

// entry is one that tells who proposed it, and which of the proposals it was.
func entry(client string, count uint64) ledger.Entry {
	return ledger.Entry{Type: ledger.OtherKeys, OtherKeys: &ledger.OtherKeysEntry{
		Caller: client, Purpose: keys.Volume, Minute: time.Unix(0, 0).UTC(), Count: count,
	}}
}
