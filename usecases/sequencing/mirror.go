package sequencing

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
)

// MirrorConfig is what a Mirror works with.
type MirrorConfig struct {
	Store    ports.Store
	Tiles    ports.Tiles   // this node's, which nobody else writes
	Identity join.Identity // of this node
	// Source has what the store has no more; nil: nobody is asked.
	Source Source
	// Keep is how many of the newest entries stay in the store even if all mirrors
	// have them, so that a sequencer which got no answer finds out what became of
	// its batch; zero: 1024.
	Keep uint64
}

// Mirror keeps a control-plane node's copy of the ledger. Its methods may be
// called concurrently, and wait for each other.
type Mirror struct {
	store    ports.Store
	tiles    ports.Tiles
	identity join.Identity
	source   Source
	keep     uint64

	mu    sync.Mutex
	local *ledger.Head // of the copy; nil: to be read
}

// NewMirror returns a Mirror. Nothing is read before it is used.
func NewMirror(config MirrorConfig) (*Mirror, error) {
	if config.Store == nil || config.Tiles == nil || config.Identity == (join.Identity{}) {
		return nil, errors.New("making a mirror: store, tiles and identity are all needed")
	}
	if config.Keep == 0 {
		config.Keep = 1024
	}
	return &Mirror{
		store: config.Store, tiles: config.Tiles, identity: config.Identity, source: config.Source, keep: config.Keep,
	}, nil
}

// Catch brings the copy up to what the store's ledger is now, and acknowledges it.
// What it writes is verified against the ledger's head before, and lasts before it
// is acknowledged. After a crash at any point the next call goes on. It returns the
// copy's head.
//
// The error is a *CopyError where copy and ledger do not go together, wraps
// ErrStoredLedger, or is that of store, tiles or source. A copy that is Damaged is
// damaged for good: see Rebuild.
func (m *Mirror) Catch(ctx context.Context) (merkle.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	head, err := m.catch(ctx)
	if err != nil {
		m.local = nil // what is on the disk counts
		return merkle.Head{}, fmt.Errorf("mirroring the ledger: %w", err)
	}
	return head, nil
}

func (m *Mirror) catch(ctx context.Context) (merkle.Head, error) {
	if err := m.open(ctx); err != nil {
		return merkle.Head{}, err
	}
	target, err := loadBase(ctx, m.store)
	if err != nil {
		return merkle.Head{}, err
	}
	if err := compareHeads(m.local, target.head); err != nil {
		return merkle.Head{}, err
	}
	if err := m.takeBack(ctx); err != nil {
		return merkle.Head{}, err
	}
	if m.local.Size() < target.head.Size() {
		if err := m.follow(ctx, target.head); err != nil {
			return merkle.Head{}, err
		}
	}
	return m.local.Tree(), m.acknowledge(ctx)
}

// open reads how far the copy has come, and holds its edge against that.
func (m *Mirror) open(ctx context.Context) error {
	if m.local != nil {
		return nil
	}
	local, err := readHead(ctx, m.tiles)
	if err != nil {
		return err
	}
	frontier, err := source{ctx, m.tiles}.frontier(local.Size())
	switch {
	case err != nil && (errors.Is(err, ledger.ErrTile) || errors.Is(err, ledger.ErrNoTile) || errors.Is(err, ports.ErrFileDamaged)):
		return &CopyError{Damaged, local.Tree(), merkle.Head{}, err}
	case err != nil:
		return err
	case frontier != local.Frontier:
		return &CopyError{Damaged, local.Tree(), frontier.Head(), errors.New("its tiles lead to another root than its head")}
	}
	m.local = local
	return nil
}

// readHead returns how far a copy has come; the empty ledger's head where there is
// none.
func readHead(ctx context.Context, tiles Source) (*ledger.Head, error) {
	data, err := tiles.ReadTile(ctx, ports.HeadPath)
	if errors.Is(err, ports.ErrNoFile) {
		return &ledger.Head{}, nil
	}
	if errors.Is(err, ports.ErrFileDamaged) {
		return nil, &CopyError{Trouble: Damaged, Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the copy's head: %w", err)
	}
	head, err := ledger.DecodeHead(data)
	if err != nil {
		return nil, &CopyError{Trouble: Damaged, Err: err}
	}
	return head, nil
}

// compareHeads holds a copy against the store's head, as far as heads alone tell.
func compareHeads(copied, target *ledger.Head) error {
	local, theirs := copied.Tree(), target.Tree()
	switch {
	case theirs.Size < local.Size:
		return &CopyError{RolledBack, local, theirs, nil}
	case theirs.Size == local.Size && theirs != local:
		return &CopyError{Forked, local, theirs, nil}
	default:
		return nil
	}
}

// keepGrowth writes files of the ledger, and then that the copy has them. The last
// of the entries tells the time.
func (m *Mirror) keepGrowth(ctx context.Context, grown *ledger.Growth, last []byte) error {
	entry, err := ledger.DecodeEntry(last)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStoredLedger, err)
	}
	next := &ledger.Head{Frontier: grown.Frontier, Time: entry.Time}
	encoded, err := next.Encode()
	if err != nil {
		return fmt.Errorf("encoding the copy's head: %w", err)
	}
	err = m.tiles.WriteTiles(ctx, grown.Files)
	if errors.Is(err, ports.ErrFileConflict) {
		return &CopyError{Forked, m.local.Tree(), next.Tree(), err}
	}
	if err != nil {
		return fmt.Errorf("writing tiles up to entry %d: %w", next.Size(), err)
	}
	if err := m.tiles.WriteTiles(ctx, map[string][]byte{ports.HeadPath: encoded}); err != nil {
		return fmt.Errorf("writing the copy's head: %w", err)
	}
	m.local = next
	return nil
}
