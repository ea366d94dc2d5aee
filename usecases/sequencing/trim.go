package sequencing

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

// Trim deletes from the store the batches that all live control-plane nodes have
// acknowledged, except the newest entries, and returns how many batches it
// deleted. It rests on what each of them has acknowledged, so that a node which
// takes that back in between is heard: the error then wraps ports.ErrStoreConflict.
//
// A node that has acknowledged another ledger than this copy is a *CopyError.
func (m *Mirror) Trim(ctx context.Context, live []join.Identity) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.trim(ctx, live)
	if err != nil {
		return n, fmt.Errorf("trimming the store's ledger: %w", err)
	}
	return n, nil
}

func (m *Mirror) trim(ctx context.Context, live []join.Identity) (int, error) {
	if len(live) == 0 || len(live) > ports.MaxOperations {
		return 0, fmt.Errorf("%d live nodes, want 1 to %d", len(live), ports.MaxOperations)
	}
	if err := m.open(ctx); err != nil {
		return 0, err
	}
	end, conditions, err := m.everywhere(ctx, live)
	if err != nil {
		return 0, err
	}
	deleted := 0
	for {
		writes, more, err := m.trimmable(ctx, end)
		if err != nil || len(writes) == 0 {
			return deleted, err
		}
		if _, err := m.store.Commit(ctx, &ports.Transaction{If: conditions, Then: writes}); err != nil {
			return deleted, fmt.Errorf("deleting %d batches: %w", len(writes), err)
		}
		if deleted += len(writes); !more {
			return deleted, nil
		}
	}
}

// everywhere returns up to which entry the store need not keep the ledger, and
// what that rests on.
func (m *Mirror) everywhere(ctx context.Context, live []join.Identity) (uint64, []ports.Condition, error) {
	end := m.local.Size() - min(m.keep, m.local.Size())
	conditions := make([]ports.Condition, 0, len(live))
	for _, identity := range live {
		a, err := readAck(ctx, m.store, identity)
		if err != nil {
			return 0, nil, err
		}
		if err := m.agrees(ctx, identity, a); err != nil {
			return 0, nil, err
		}
		end = min(end, a.head.Size)
		conditions = append(conditions, a.condition)
	}
	return end, conditions, nil
}

// agrees holds what another has acknowledged against this copy.
func (m *Mirror) agrees(ctx context.Context, identity join.Identity, a *ack) error {
	if a.head.Size > m.local.Size() {
		return nil // this copy is behind, and so is what may be deleted
	}
	own, err := ledger.OpenTree(m.local.Size(), source{ctx, m.tiles}).Head(a.head.Size)
	if err != nil {
		return fmt.Errorf("reading the own copy: %w", err)
	}
	if own != a.head {
		return &CopyError{Forked, own, a.head, errors.New("acknowledged by " + identity.String())}
	}
	return nil
}

// trimmable returns the deletion of the first batches that end before an index. A
// batch ends where the next one begins.
func (m *Mirror) trimmable(ctx context.Context, end uint64) (writes []ports.Write, more bool, err error) {
	listing, err := m.store.List(ctx, ports.LedgerBatches, "", pageBatches)
	if err != nil {
		return nil, false, fmt.Errorf("listing batches: %w", err)
	}
	for i := range len(listing.Items) - 1 {
		next, err := ledger.ParseBatchName(listing.Items[i+1].Key.Name)
		if err != nil {
			return nil, false, fmt.Errorf("%w: %w", ErrStoredLedger, err)
		}
		if next > end {
			return writes, false, nil
		}
		writes = append(writes, ports.Write{Key: listing.Items[i].Key, Delete: true})
	}
	return writes, listing.More, nil
}
