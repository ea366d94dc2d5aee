package sequencing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/ports"
)

// signingKey names the data key that is the seed of the ledger's key.
const signingKey = "checkpoints"

// SignerConfig is what a Signer works with.
type SignerConfig struct {
	Keys    ports.KeyManager
	Store   ports.Store
	Cluster keys.ClusterID
	// Known is the newest signed checkpoint that came from elsewhere than the
	// store, as from a disk's seal; nil: none.
	Known []byte
}

// Signer signs a cluster's checkpoints with the key whose seed is a data key. It is
// the KMS's side, and takes nobody's word for what was signed before: it believes
// only checkpoints that verify with its own key, of which it knows three: what it
// was given, what it signed itself, and what is in the store. What it signs has to
// continue the largest of them and to be a beginning of the store's ledger, and is
// in the store, in place of exactly that one which was there, before it leaves. So all signers of a cluster make one chain
// together as long as the store's history does not go back; where it does, those
// that remember more refuse, and so does whoever keeps checkpoints outside.
type Signer struct {
	keys   ports.KeyManager
	store  ports.Store
	origin string

	mu    sync.Mutex
	known []byte             // not opened yet
	last  *ledger.Checkpoint // the largest that this process knows
}

var _ ports.CheckpointSigner = (*Signer)(nil)

// NewSigner returns a Signer. The key manager is asked when it is used.
func NewSigner(config SignerConfig) (*Signer, error) {
	if config.Keys == nil || config.Store == nil || config.Cluster == (keys.ClusterID{}) {
		return nil, errors.New("making a checkpoint signer: key manager, store and cluster are all needed")
	}
	return &Signer{keys: config.Keys, store: config.Store, origin: ledger.Origin(config.Cluster), known: config.Known}, nil
}

// PublicKey returns the key that verifies the ledger's checkpoints.
func (s *Signer) PublicKey(ctx context.Context) (owner.PublicKey, error) {
	private, err := s.private(ctx)
	if err != nil {
		return owner.PublicKey{}, err
	}
	defer clear(private)
	return publicOf(private), nil
}

// private derives the ledger's private key, which the caller clears.
func (s *Signer) private(ctx context.Context) (ed25519.PrivateKey, error) {
	id, err := keys.NewID(keys.LedgerSigning, signingKey)
	if err != nil {
		return nil, fmt.Errorf("naming the ledger's key: %w", err)
	}
	seed, err := s.keys.DataKey(ctx, id, ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("deriving the ledger's key: %w", err)
	}
	defer seed.Wipe()
	if seed.Len() != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: a seed of %d bytes", ports.ErrKeysUnavailable, seed.Len())
	}
	return ed25519.NewKeyFromSeed(seed.Reveal()), nil
}

func publicOf(private ed25519.PrivateKey) owner.PublicKey {
	return owner.PublicKey(private[ed25519.SeedSize:])
}

// SignCheckpoint implements ports.CheckpointSigner. Its refusals wrap
// ledger.ErrCheckpoint, those of ledger.Compare among them. A checkpoint is refused
// too where the store has not all entries after it any more, which it has for every
// node whose acknowledgement counts when it is trimmed. Other errors are those of
// key manager and store.
func (s *Signer) SignCheckpoint(ctx context.Context, c *ledger.Checkpoint, frontier *merkle.Frontier, proof *ledger.Consistency) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	note, err := s.signCheckpoint(ctx, c, frontier, proof)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return note, nil
}

func (s *Signer) signCheckpoint(ctx context.Context, c *ledger.Checkpoint, frontier *merkle.Frontier, proof *ledger.Consistency) ([]byte, error) {
	if c.Origin != s.origin {
		return nil, fmt.Errorf("%w: it is of %.128q, not of %q", ledger.ErrCheckpoint, c.Origin, s.origin)
	}
	private, err := s.private(ctx)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	stored, err := s.recall(ctx, publicOf(private))
	if err != nil {
		return nil, err
	}
	if err := s.continues(c, proof); err != nil {
		return nil, err
	}
	if err := wasStored(ctx, s.store, c, frontier); err != nil {
		return nil, err
	}
	if stored.checkpoint != nil && *stored.checkpoint == *c {
		return stored.note, nil
	}
	sign := func(message []byte) ([]byte, error) { return ed25519.Sign(private, message), nil }
	note, err := ledger.SignNote(c, publicOf(private), sign)
	if err != nil {
		return nil, err
	}
	if err := writeCheckpoint(ctx, s.store, stored.revision, note); err != nil {
		return nil, err
	}
	own := *c
	s.last = &own
	return note, nil
}

// recall brings together what is known of earlier checkpoints, and returns the
// store's.
func (s *Signer) recall(ctx context.Context, key owner.PublicKey) (*published, error) {
	if s.known != nil {
		c, err := ledger.OpenCheckpoint(s.known, s.origin, key, nil, 0)
		if err != nil {
			return nil, fmt.Errorf("opening the checkpoint that was known at the start: %w", err)
		}
		if err := s.remember(c); err != nil {
			return nil, err
		}
		s.known = nil
	}
	stored, err := readCheckpoint(ctx, s.store, s.origin, key)
	if err != nil {
		return nil, err
	}
	if stored.checkpoint == nil {
		return stored, nil
	}
	return stored, s.remember(stored.checkpoint)
}

// remember keeps the larger checkpoint. Two of one size that differ are a fork.
func (s *Signer) remember(c *ledger.Checkpoint) error {
	switch {
	case s.last == nil || c.Head.Size > s.last.Head.Size:
		s.last = c
	case c.Head.Size == s.last.Head.Size:
		return ledger.Compare(s.last, c, nil)
	}
	return nil
}

// continues refuses what does not continue the checkpoints before.
func (s *Signer) continues(c *ledger.Checkpoint, proof *ledger.Consistency) error {
	if s.last == nil {
		return nil
	}
	return ledger.Compare(s.last, c, proof)
}
