package sequencing

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/ports"
)

// PublisherConfig is what a Publisher works with.
type PublisherConfig struct {
	Store  ports.Store
	Tiles  ports.Tiles // as a Mirror on this node keeps them
	Signer ports.CheckpointSigner
	Origin string          // ledger.Origin of the cluster
	Key    owner.PublicKey // that the signer signs with
}

// Publisher has checkpoints signed. It may be used concurrently.
type Publisher struct{ config PublisherConfig }

// NewPublisher returns a Publisher.
func NewPublisher(config PublisherConfig) (*Publisher, error) {
	if config.Store == nil || config.Tiles == nil || config.Signer == nil || config.Origin == "" || config.Key == (owner.PublicKey{}) {
		return nil, errors.New("making a publisher: store, tiles, signer, origin and key are all needed")
	}
	return &Publisher{config}, nil
}

// Publish has the ledger signed as far as this node's tiles go, if that is further
// than the newest checkpoint, and puts the signed checkpoint into the store and
// beside the tiles. It returns the newest checkpoint; nil while there is none, and
// nothing to sign.
//
// The error wraps ledger.ErrCheckpoint where the newest checkpoint is not the
// ledger's own, or tiles and checkpoint do not continue each other (a
// *ledger.ForkError or *ledger.RollbackError); ErrCopy; or it is that of signer,
// store or tiles.
func (p *Publisher) Publish(ctx context.Context) (*ledger.Checkpoint, error) {
	known, err := readCheckpoint(ctx, p.config.Store, p.config.Origin, p.config.Key)
	if err != nil {
		return nil, fmt.Errorf("publishing a checkpoint: %w", err)
	}
	c, err := p.publish(ctx, known)
	if errors.Is(err, ledger.ErrCheckpoint) {
		c, err = p.publishAfter(ctx, known, err)
	}
	if err != nil {
		return nil, fmt.Errorf("publishing a checkpoint: %w", err)
	}
	return c, nil
}

// publishAfter begins anew where another node has published meanwhile: what the
// signer refused does not continue that one, and nothing is wrong.
func (p *Publisher) publishAfter(ctx context.Context, known *published, refused error) (*ledger.Checkpoint, error) {
	now, err := readCheckpoint(ctx, p.config.Store, p.config.Origin, p.config.Key)
	if err != nil || now.revision == known.revision {
		return nil, refused
	}
	return p.publish(ctx, now)
}

func (p *Publisher) publish(ctx context.Context, known *published) (*ledger.Checkpoint, error) {
	next, err := p.next(ctx, known.checkpoint)
	if err != nil {
		return nil, err
	}
	if next == nil {
		return known.checkpoint, p.keep(ctx, known)
	}
	signed, err := p.sign(ctx, next)
	if err != nil {
		return nil, err
	}
	if err := p.commit(ctx, known, signed); err != nil {
		return nil, err
	}
	return signed.checkpoint, p.keep(ctx, signed)
}

// due is a checkpoint to be signed, with what shows that it is the ledger's.
type due struct {
	checkpoint *ledger.Checkpoint
	frontier   *merkle.Frontier
	proof      *ledger.Consistency // that it continues the one that is known
}

// next returns the checkpoint that is due; nil where none is.
func (p *Publisher) next(ctx context.Context, known *ledger.Checkpoint) (*due, error) {
	local, err := readHead(ctx, p.config.Tiles)
	if err != nil {
		return nil, err
	}
	if local.Size() == 0 || known != nil && local.Size() < known.Head.Size {
		return nil, nil // another node is further, or nobody has begun
	}
	next := &due{checkpoint: &ledger.Checkpoint{Origin: p.config.Origin, Head: local.Tree()}, frontier: &local.Frontier}
	if known == nil {
		return next, nil
	}
	next.proof, err = proofOf(source{ctx, p.config.Tiles}, known.Head, next.checkpoint.Head)
	if err != nil {
		return nil, err
	}
	if err := ledger.Compare(known, next.checkpoint, next.proof); err != nil {
		return nil, err
	}
	if known.Head.Size == local.Size() {
		return nil, nil
	}
	return next, nil
}

// proofOf returns the proof that the tree of the newer head begins with the older
// one, as the tiles have it; nil where there is nothing to prove.
func proofOf(tiles source, older, newer merkle.Head) (*ledger.Consistency, error) {
	if older.Size == 0 || older.Size == newer.Size {
		return nil, nil
	}
	proof, err := ledger.OpenTree(newer.Size, tiles).Consistency(older.Size)
	if err != nil {
		return nil, fmt.Errorf("proving that %d entries continue %d: %w", newer.Size, older.Size, err)
	}
	proof.Older = older // what is to be proved; the path shows whether the tiles agree
	return proof, nil
}

// sign has the checkpoint signed and looks at what comes back.
func (p *Publisher) sign(ctx context.Context, next *due) (*published, error) {
	want := next.checkpoint
	note, err := p.config.Signer.SignCheckpoint(ctx, want, next.frontier, next.proof)
	if err != nil {
		return nil, fmt.Errorf("signing %d entries: %w", want.Head.Size, err)
	}
	opened, err := ledger.OpenCheckpoint(note, p.config.Origin, p.config.Key, nil, 0)
	if err != nil {
		return nil, fmt.Errorf("opening what was signed: %w", err)
	}
	if *opened != *want {
		return nil, fmt.Errorf("%w: %d entries were signed in place of %d", ledger.ErrCheckpoint, opened.Head.Size, want.Head.Size)
	}
	return &published{note: note, checkpoint: opened}, nil
}

// commit puts the checkpoint into the store, unless the signer did.
func (p *Publisher) commit(ctx context.Context, known, signed *published) error {
	now, err := p.config.Store.Get(ctx, CheckpointKey())
	if err == nil && bytes.Equal(now.Value, signed.note) {
		return nil
	}
	if err != nil && !errors.Is(err, ports.ErrNoItem) {
		return fmt.Errorf("reading the newest checkpoint: %w", err)
	}
	return writeCheckpoint(ctx, p.config.Store, known.revision, signed.note)
}

// keep puts the checkpoint beside the tiles, if these go as far.
func (p *Publisher) keep(ctx context.Context, newest *published) error {
	if newest.checkpoint == nil {
		return nil
	}
	local, err := readHead(ctx, p.config.Tiles)
	if err != nil || local.Size() < newest.checkpoint.Head.Size {
		return err
	}
	before, err := p.config.Tiles.ReadTile(ctx, ledger.CheckpointPath)
	if err == nil && bytes.Equal(before, newest.note) {
		return nil
	}
	if err := p.config.Tiles.WriteTiles(ctx, map[string][]byte{ledger.CheckpointPath: newest.note}); err != nil {
		return fmt.Errorf("keeping the checkpoint: %w", err)
	}
	return nil
}
