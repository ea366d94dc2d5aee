package sequencing

import (
	"context"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
)

// wasStored refuses a checkpoint that the store's ledger never was at. The frontier
// is the asker's word until the store's entries after it lead from it to the head:
// no other frontier does. So it is no matter that the ledger has grown meanwhile,
// and grows while this looks.
func wasStored(ctx context.Context, store ports.Store, c *ledger.Checkpoint, frontier *merkle.Frontier) error {
	if frontier == nil || frontier.Head() != c.Head {
		return fmt.Errorf("%w: it comes without its own frontier", ledger.ErrCheckpoint)
	}
	b, err := loadBase(ctx, store)
	if err != nil {
		return err
	}
	now := &ledger.Checkpoint{Origin: c.Origin, Head: b.head.Tree()}
	if now.Head.Size < c.Head.Size {
		return fmt.Errorf("%w: the store's ledger has %d entries, not %d", ledger.ErrCheckpoint, now.Head.Size, c.Head.Size)
	}
	reached, err := reach(ctx, store, *frontier, now.Head.Size)
	if err != nil {
		return err
	}
	return ledger.Compare(&ledger.Checkpoint{Origin: c.Origin, Head: reached}, now, nil)
}

// reach returns where the store's entries lead from a frontier to a size.
func reach(ctx context.Context, store ports.Store, from merkle.Frontier, to uint64) (merkle.Head, error) {
	for from.Size() < to {
		p, err := readPage(ctx, store, from.Size(), to)
		if err != nil {
			return merkle.Head{}, err
		}
		if p.first != from.Size() || p.end == p.first {
			return merkle.Head{}, fmt.Errorf("%w: in the store no batch begins after %d entries", ledger.ErrCheckpoint, from.Size())
		}
		advance(&from, p)
	}
	return from.Head(), nil
}
