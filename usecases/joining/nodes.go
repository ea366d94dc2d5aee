package joining

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// NotGoneError says that a node is still there, and keeps what it holds.
type NotGoneError struct {
	Node  join.Identity
	State join.State
	Alive bool
}

// Error says what would have to be.
func (e *NotGoneError) Error() string {
	if e.Alive {
		return fmt.Sprintf("node %v (%s) answers: revoke it, or switch it off", e.Node, e.State)
	}
	if e.State == join.Intended {
		return fmt.Sprintf("node %v is coming back: it is not gone before it is revoked", e.Node)
	}
	return fmt.Sprintf("node %v is a %s: it is not gone before it is withheld or revoked", e.Node, e.State)
}

// Nodes looks after what nodes hold. It may be used concurrently.
type Nodes struct {
	store  ports.Store
	book   book
	prober Prober
}

// NewNodes returns a Nodes. All arguments are needed.
func NewNodes(store ports.Store, prober Prober) (*Nodes, error) {
	if store == nil || prober == nil {
		return nil, errors.New("making a keeper of nodes: something that it needs is missing")
	}
	return &Nodes{store, book{store}, prober}, nil
}

// Remove forgets a node that is revoked, or withheld and silent, or that was
// admitted and never got a ticket. A member on its way back is none of them: its
// disk is sealed, and it would need its record. The name of who is gone is free
// for others, and the control-plane lease if it holds it. What the owner has said
// about the machine stays, and so do its disks: their keys depend on the UUIDs
// alone, so a UUID that a node has held is nobody's ever after. A node that there
// is no record of is removed already.
//
// The ledger needs no entry for it: the revocation, or that the node was
// withheld, is there, and so is every later intent for the name.
//
// The error is a *NotGoneError for a node that is not gone, or wraps that of the
// store or the prober. A store that changed meanwhile is one of them: whoever
// removes nodes looks again before.
func (n *Nodes) Remove(ctx context.Context, id join.Identity) error {
	record, revision, err := n.book.record(ctx, id)
	if err != nil || record == nil {
		return err
	}
	if err := n.gone(ctx, record); err != nil {
		return err
	}
	tx := &ports.Transaction{If: []ports.Condition{{Key: recordKey(id), Revision: revision}}}
	for _, key := range []ports.Key{nameKey(record.Name), leaseKey()} {
		if err := n.letGo(ctx, tx, key, id); err != nil {
			return err
		}
	}
	for _, key := range []ports.Key{recordKey(id), waitingKey(id), requestKey(record.Request)} {
		tx.Then = append(tx.Then, ports.Write{Key: key, Delete: true})
	}
	if _, err := n.store.Commit(ctx, tx); err != nil {
		return fmt.Errorf("removing node %v: %w", id, err)
	}
	return nil
}

// letGo adds the end of what a node holds, where it is the node that holds it.
func (n *Nodes) letGo(ctx context.Context, tx *ports.Transaction, key ports.Key, id join.Identity) error {
	holds, at, err := n.book.holder(ctx, key)
	if err != nil || holds != id {
		return err
	}
	tx.If = append(tx.If, ports.Condition{Key: key, Revision: at})
	tx.Then = append(tx.Then, ports.Write{Key: key, Delete: true})
	return nil
}

func (n *Nodes) gone(ctx context.Context, r *join.Record) error {
	switch r.State {
	case join.Revoked:
		return nil
	case join.Withheld:
	case join.Intended:
		if r.Held() == (join.Boot{}) {
			return nil // nobody has anything by which to answer as this node
		}
		return &NotGoneError{Node: r.Identity, State: r.State}
	default:
		return &NotGoneError{Node: r.Identity, State: r.State}
	}
	liveness, err := n.prober.Alive(ctx, r)
	if err != nil {
		return fmt.Errorf("asking node %v whether it lives: %w", r.Identity, err)
	}
	if liveness != join.Silent {
		return &NotGoneError{Node: r.Identity, State: r.State, Alive: true}
	}
	return nil
}

// Finished says that a node is up: its request is closed, so that no ticket is
// given out for it again, and where it holds the control-plane lease, the next
// control-plane node may join.
func (n *Nodes) Finished(ctx context.Context, id join.Identity) error {
	record, revision, err := n.book.record(ctx, id)
	if err != nil || record == nil || record.State != join.Member {
		return err
	}
	tx := &ports.Transaction{
		If:   []ports.Condition{{Key: recordKey(id), Revision: revision}},
		Then: []ports.Write{{Key: requestKey(record.Request), Delete: true}},
	}
	if err := n.letGo(ctx, tx, leaseKey(), id); err != nil {
		return err
	}
	if _, err := n.store.Commit(ctx, tx); err != nil {
		return fmt.Errorf("closing the request of node %v: %w", id, err)
	}
	return nil
}
