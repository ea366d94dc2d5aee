package sequencing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

// attempt is one transaction and the calls that share it.
type attempt struct {
	calls  []*call
	base   *base
	next   *ledger.Head
	firsts []uint64 // index of the first entry of each call
	batch  ports.Write
	tx     *ports.Transaction
	sent   int // times without an answer
}

// prepare makes the transaction: the head goes on from base, and all that the
// calls want happens with it.
func (s *Sequencer) prepare(b *base, calls []*call) (*attempt, error) {
	a := &attempt{calls: calls, base: b}
	var entries []ledger.Entry
	for _, c := range calls {
		a.firsts = append(a.firsts, b.head.Size()+uint64(len(entries)))
		entries = append(entries, c.proposal.Entries...)
	}
	next, batch, err := ledger.Append(b.head, entries, ledger.Stamp{Now: s.now(), By: s.by})
	if err != nil {
		return nil, fmt.Errorf("putting entries in order: %w", err)
	}
	a.next = next
	if err := s.encode(a, batch); err != nil {
		return nil, err
	}
	return a, nil
}

// encode makes the transaction of the attempt.
func (s *Sequencer) encode(a *attempt, batch *ledger.Batch) error {
	encoded, err := batch.Encode()
	if err != nil {
		return fmt.Errorf("encoding a batch: %w", err)
	}
	value, err := s.storedBatch(encoded)
	if err != nil {
		return err
	}
	head, err := a.next.Encode()
	if err != nil {
		return fmt.Errorf("encoding the ledger's head: %w", err)
	}
	a.batch = ports.Write{Key: BatchKey(batch.First), Value: value}
	a.tx = a.transaction(head)
	return nil
}

// transaction puts together what the sequencer and the calls need.
func (a *attempt) transaction(head []byte) *ports.Transaction {
	tx := &ports.Transaction{
		If:   []ports.Condition{{Key: headKey(), Revision: a.base.revision}},
		Then: []ports.Write{{Key: headKey(), Value: head}, a.batch},
	}
	known := map[ports.Condition]bool{tx.If[0]: true}
	for _, c := range a.calls {
		for _, condition := range c.proposal.If {
			if !known[condition] {
				tx.If = append(tx.If, condition)
			}
			known[condition] = true
		}
		tx.Then = append(tx.Then, c.proposal.Then...)
	}
	return tx
}

// send commits the transaction. One that was sent before and had no answer is
// sent as it was: it rests on the head's revision, so that at most one of the two
// does anything.
func (s *Sequencer) send(ctx context.Context, a *attempt) {
	revision, err := s.store.Commit(ctx, a.tx)
	var conflict *ports.ConflictError
	switch {
	case err == nil:
		s.accept(a, revision)
		s.base = &base{head: a.next, revision: revision}
	case errors.As(err, &conflict) && a.sent > 0:
		s.findOut(ctx, a, conflict)
	case errors.As(err, &conflict):
		s.reject(a, conflict)
	case a.sent > 0 || errors.Is(err, ports.ErrOutcomeUnknown):
		s.doubtful(a, err)
	default:
		s.refuse(ctx, a.calls, err)
	}
}

// accept gives the calls their receipts.
func (s *Sequencer) accept(a *attempt, revision ports.Revision) {
	s.doubt = nil
	head := a.next.Tree()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range a.calls {
		s.settleLocked(c, &Receipt{First: a.firsts[i], Head: head, Revision: revision}, nil)
	}
}

// reject tells the calls whose conditions did not hold, and puts the others back.
func (s *Sequencer) reject(a *attempt, conflict *ports.ConflictError) {
	if slices.Contains(conflict.Keys, headKey()) {
		s.base = nil
	}
	var rest []*call
	for _, c := range a.calls {
		if err := c.conflict(conflict); err != nil {
			s.settle([]*call{c}, err)
			continue
		}
		rest = append(rest, c)
	}
	s.requeue(rest)
}

// doubtful keeps the attempt to be sent again, or gives up.
func (s *Sequencer) doubtful(a *attempt, err error) {
	s.doubt, s.base = a, nil
	a.sent++
	if a.sent >= s.limits.Attempts {
		s.abandon(a, err)
	}
}

// abandon leaves an attempt whose outcome cannot be learnt. The next transaction
// rests on the same head or a later one and keeps it from happening thereafter.
func (s *Sequencer) abandon(a *attempt, err error) {
	s.doubt, s.base = nil, nil
	if !errors.Is(err, ports.ErrOutcomeUnknown) {
		err = unknown(err)
	}
	s.settle(a.calls, err)
}

// findOut learns what became of an attempt whose repetition met a conflict.
func (s *Sequencer) findOut(ctx context.Context, a *attempt, conflict *ports.ConflictError) {
	s.base = nil
	if !slices.Contains(conflict.Keys, headKey()) {
		s.fence(ctx, a)
		return
	}
	item, err := s.store.Get(ctx, a.batch.Key)
	switch {
	case err == nil && bytes.Equal(item.Value, a.batch.Value):
		s.accept(a, item.Revision)
	case err == nil:
		s.notCommitted(a)
	case errors.Is(err, ports.ErrNoItem):
		s.findOutByHead(ctx, a)
	default:
		s.doubtful(a, err)
	}
}

// findOutByHead is for a batch that is not there: it never was, or is not any more.
func (s *Sequencer) findOutByHead(ctx context.Context, a *attempt) {
	b, err := loadBase(ctx, s.store)
	switch {
	case err != nil:
		s.doubtful(a, err)
	case b.head.Size() <= a.base.head.Size():
		s.notCommitted(a)
	default:
		s.abandon(a, fmt.Errorf("%w: batch %s is not kept any more", ports.ErrOutcomeUnknown, a.batch.Key.Name))
	}
}

// fence writes the head anew, as it is: an attempt that is still under way fails
// then, since it rests on the head's revision.
func (s *Sequencer) fence(ctx context.Context, a *attempt) {
	if a.base.revision == 0 {
		s.abandon(a, fmt.Errorf("%w: the ledger has no head yet", ports.ErrOutcomeUnknown))
		return
	}
	head, err := a.base.head.Encode()
	if err == nil {
		_, err = s.store.Commit(ctx, &ports.Transaction{
			If: a.tx.If[:1], Then: []ports.Write{{Key: headKey(), Value: head}},
		})
	}
	if err != nil {
		s.doubtful(a, err) // the head has changed, or the next sending will tell
		return
	}
	s.notCommitted(a)
}

func (s *Sequencer) notCommitted(a *attempt) {
	s.doubt = nil
	s.requeue(a.calls)
}
