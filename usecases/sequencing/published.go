package sequencing

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/ports"
)

// published is the newest signed checkpoint in the store. Its fields are zero
// where there is none.
type published struct {
	note       []byte
	checkpoint *ledger.Checkpoint
	revision   ports.Revision
}

// readCheckpoint reads the newest checkpoint. One that the ledger's key did not
// sign is refused: the error wraps ledger.ErrCheckpoint.
func readCheckpoint(ctx context.Context, store ports.Store, origin string, key owner.PublicKey) (*published, error) {
	item, err := store.Get(ctx, CheckpointKey())
	if errors.Is(err, ports.ErrNoItem) {
		return &published{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the newest checkpoint: %w", err)
	}
	c, err := ledger.OpenCheckpoint(item.Value, origin, key, nil, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the newest checkpoint: %w", err)
	}
	return &published{item.Value, c, item.Revision}, nil
}

// writeCheckpoint puts a checkpoint in the place of the one of that revision. Where
// the store gives no answer it looks whether the checkpoint is there.
func writeCheckpoint(ctx context.Context, store ports.Store, before ports.Revision, note []byte) error {
	_, err := store.Commit(ctx, &ports.Transaction{
		If:   []ports.Condition{{Key: CheckpointKey(), Revision: before}},
		Then: []ports.Write{{Key: CheckpointKey(), Value: note}},
	})
	if errors.Is(err, ports.ErrOutcomeUnknown) {
		if item, again := store.Get(ctx, CheckpointKey()); again == nil && bytes.Equal(item.Value, note) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("storing a checkpoint: %w", err)
	}
	return nil
}
