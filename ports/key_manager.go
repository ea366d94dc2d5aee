package ports

import (
	"context"
	"errors"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

// ErrKeysUnavailable is wrapped where keys cannot be derived or unwrapped now and
// may be later.
var ErrKeysUnavailable = errors.New("the key manager is unavailable")

// KeyManager gives out data keys. It knows nothing of callers: who may ask for
// what is decided before. It may be used concurrently.
type KeyManager interface {
	// DataKey returns the key of that ID with a length in bytes, keys.MinLength to
	// keys.MaxLength. It is the same whenever it is asked for, in one generation.
	// The caller wipes it. The error wraps ErrKeysUnavailable, or is KEK.DataKey's.
	DataKey(ctx context.Context, id keys.ID, length int) (keys.Secret, error)
}

// CheckpointSigner signs the ledger's checkpoints with a key that it never shows.
type CheckpointSigner interface {
	// SignCheckpoint signs a checkpoint's body (C2SP tlog-checkpoint, "note text")
	// and returns the whole signed note. It refuses a checkpoint that does not
	// continue what it signed before, as far as the proof that comes along shows, and
	// one that the ledger never was at: the frontier is the ledger's at the
	// checkpoint, which tells the signer where the entries after it lead. A ledger is
	// at sizes where a batch of entries ends, and at no others.
	// The error wraps ErrKeysUnavailable or ledger.ErrCheckpoint.
	SignCheckpoint(ctx context.Context, checkpoint *ledger.Checkpoint, frontier *merkle.Frontier, proof *ledger.Consistency) ([]byte, error)
}
