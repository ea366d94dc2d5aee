package etcd

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/asterism-k8s/asterism/ports"
)

// leases are etcd's leases of one transaction, by the TTL that they are for. No
// lease is used by two transactions: an item that is written again goes over to
// another one, and its old one ends with nothing in it.
type leases map[time.Duration]clientv3.LeaseID

// grant asks for the leases of a transaction before it is sent. etcd makes leases
// of less than its shortest election longer; it never makes them shorter. An error
// says that nothing was written: a lease whose grant was not answered holds
// nothing and ends by itself.
func (s *Store) grant(ctx, bounded context.Context, tx *ports.Transaction) (leases, error) {
	all := leases{}
	for _, ttl := range ttls(tx) {
		noting, note := noted(bounded)
		answer, err := s.client.Grant(noting, int64(ttl/time.Second))
		if err != nil {
			err = note.explain(ctx, refusedLease(err), err)
			s.giveBack(all, err)
			return nil, err
		}
		all[ttl] = answer.ID
	}
	return all, nil
}

// refusedLease returns what a lease that was not granted means for its transaction,
// which is never sent.
func refusedLease(err error) error {
	if errors.Is(err, rpctypes.ErrNoSpace) {
		return ports.ErrStoreFull
	}
	return ports.ErrStoreUnavailable
}

// ttls returns the TTLs in a transaction, the shortest first, each once.
func ttls(tx *ports.Transaction) []time.Duration {
	set := map[time.Duration]bool{}
	for i := range tx.Then {
		if ttl := tx.Then[i].TTL; ttl > 0 {
			set[ttl] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// giveBack revokes the leases of a transaction that has failed in that way, unless
// nobody knows whether it has: revoking would delete what it has written. What is
// not revoked ends by itself.
func (s *Store) giveBack(all leases, failure error) {
	if len(all) == 0 || errors.Is(failure, ports.ErrOutcomeUnknown) {
		return
	}
	s.later(func(ctx context.Context) {
		for _, id := range all {
			if _, err := s.client.Revoke(ctx, id); err != nil {
				s.logger.LogAttrs(ctx, slog.LevelDebug, "a lease that is not used was not revoked", slog.Any("error", err))
			}
		}
	})
}
