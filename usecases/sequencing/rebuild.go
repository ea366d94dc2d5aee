package sequencing

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
)

// Rebuild begins this node's copy anew in another folder, in place of one that is
// Damaged, and goes on like Catch. Before it writes anything there it takes back
// what the node has acknowledged, so that nothing more is trimmed which only this
// copy had; what the store has no more comes from the source. The damaged copy is
// left as it is, and is its caller's. After a crash the same folder is given again.
//
// A copy that goes further than the store's ledger, or is Forked by its head, is
// not replaced: it may be the only true one. Nor should one be that Catch called
// Forked, RolledBack or Incomplete; whether it is, the caller decides.
//
// A Publisher and an Exporter of this node are to be made anew, with the new folder.
//
// Errors are those of Catch. Where the Mirror has begun with the new folder it
// keeps to it, and Catch goes on.
func (m *Mirror) Rebuild(ctx context.Context, fresh ports.Tiles) (merkle.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	head, err := m.rebuild(ctx, fresh)
	if err != nil {
		m.local = nil
		return merkle.Head{}, fmt.Errorf("rebuilding the copy of the ledger: %w", err)
	}
	return head, nil
}

func (m *Mirror) rebuild(ctx context.Context, fresh ports.Tiles) (merkle.Head, error) {
	if err := m.replaceable(ctx); err != nil {
		return merkle.Head{}, err
	}
	m.tiles, m.local = fresh, nil
	return m.catch(ctx)
}

// replaceable refuses where the copy's head says more than the store's ledger, or
// something else. A head that cannot be read says nothing.
func (m *Mirror) replaceable(ctx context.Context) error {
	local, err := readHead(ctx, m.tiles)
	if errors.Is(err, ErrCopy) {
		return nil
	}
	if err != nil {
		return err
	}
	target, err := loadBase(ctx, m.store)
	if err != nil {
		return err
	}
	return compareHeads(local, target.head)
}
