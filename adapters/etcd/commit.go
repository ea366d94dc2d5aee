package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/asterism-k8s/asterism/ports"
)

// Commit implements ports.Store.
func (s *Store) Commit(ctx context.Context, tx *ports.Transaction) (ports.Revision, error) {
	if err := tx.Check(); err != nil {
		return 0, err
	}
	bounded, cancel := s.bounded(ctx, s.timeout)
	defer cancel()
	leases, err := s.grant(ctx, bounded, tx)
	if err != nil {
		return 0, fmt.Errorf("getting a lease for a transaction: %w", err)
	}
	before := s.before(tx)
	noting, note := noted(bounded)
	answer, err := s.client.Txn(noting).If(s.comparisons(tx)...).Then(s.writes(tx, leases)...).Else(s.questions(tx)...).Commit()
	if err != nil {
		if errors.Is(err, rpctypes.ErrNoSpace) {
			err = s.noRoom(ctx, bounded, tx, before, note)
		} else {
			err = note.failure(ctx, err)
		}
		s.giveBack(leases, err)
		return 0, fmt.Errorf("committing: %w", err)
	}
	if !answer.Succeeded {
		err = s.conflict(tx, answer)
		s.giveBack(leases, err)
		return 0, err
	}
	return ports.Revision(answer.Header.GetRevision()), nil
}

func (s *Store) comparisons(tx *ports.Transaction) []clientv3.Cmp {
	all := make([]clientv3.Cmp, len(tx.If))
	for i, c := range tx.If { // what is not there has revision zero in etcd, too
		all[i] = clientv3.Compare(clientv3.ModRevision(s.layout.Key(c.Key)), "=", int64(c.Revision))
	}
	return all
}

func (s *Store) writes(tx *ports.Transaction, leases leases) []clientv3.Op {
	all := make([]clientv3.Op, len(tx.Then))
	for i := range tx.Then {
		w := &tx.Then[i]
		key := s.layout.Key(w.Key)
		if w.Delete {
			all[i] = clientv3.OpDelete(key)
		} else {
			all[i] = clientv3.OpPut(key, string(w.Value), clientv3.WithLease(leases[w.TTL]))
		}
	}
	return all
}

// questions are what is asked in the same transaction if it fails: which revisions
// there are instead.
func (s *Store) questions(tx *ports.Transaction) []clientv3.Op {
	all := make([]clientv3.Op, len(tx.If))
	for i, c := range tx.If {
		all[i] = clientv3.OpGet(s.layout.Key(c.Key), clientv3.WithKeysOnly())
	}
	return all
}

// conflict returns which conditions did not hold, by the answers to the questions.
func (s *Store) conflict(tx *ports.Transaction, answer *clientv3.TxnResponse) error {
	if len(answer.Responses) != len(tx.If) {
		return fmt.Errorf("%w: %d answers about %d conditions", ports.ErrStoreUnavailable, len(answer.Responses), len(tx.If))
	}
	conflict := &ports.ConflictError{}
	for i, c := range tx.If {
		held := int64(0)
		for _, kv := range answer.Responses[i].GetResponseRange().GetKvs() {
			held = kv.GetModRevision()
		}
		if held != int64(c.Revision) {
			conflict.Keys = append(conflict.Keys, c.Key)
		}
	}
	return conflict
}
