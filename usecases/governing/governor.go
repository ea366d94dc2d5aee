package governing

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// Recorder puts entries into the ledger, and writes what they are about.
// sequencing.Sequencer serves it.
type Recorder interface {
	// Append carries out a proposal, all of it or nothing.
	Append(ctx context.Context, p *sequencing.Proposal) (*sequencing.Receipt, error)
}

// Config is what a Governor works with.
type Config struct {
	Store    ports.Store
	Recorder Recorder // only Submit needs it
	// Owner and Cluster are the roots of all trust. They come from the seal, or from
	// whoever founds the cluster, and never from the store.
	Owner   keys.OwnerID
	Cluster keys.ClusterID
	Now     func() time.Time // max(clock, floor), as policy.Floor has it
	// Known is the newest directive that this node knew when it last ran, from its
	// seal or its ledger. Zero where it knows of none.
	Known authority.Head
}

// Governor keeps the owner's directives. All methods may be called concurrently.
type Governor struct {
	store    ports.Store
	recorder Recorder
	now      func() time.Time
	known    authority.Head

	mu     sync.Mutex
	newest *snapshot
}

// snapshot is what was loaded. It never changes.
type snapshot struct {
	authority *authority.Authority
	revision  ports.Revision // of the head; zero: there is none
	// hashes are those of all directives, in order: what was accepted is told from
	// what was not without asking the store again.
	hashes [][sha256.Size]byte
}

// New returns a Governor that has read nothing yet. The error wraps
// ports.ErrStoreRequest where something is missing.
func New(c Config) (*Governor, error) {
	if c.Store == nil || c.Now == nil || c.Owner == (keys.OwnerID{}) || c.Cluster == (keys.ClusterID{}) {
		return nil, fmt.Errorf("%w: governing needs a store, a clock, an owner and a cluster", ports.ErrStoreRequest)
	}
	return &Governor{
		store: c.Store, recorder: c.Recorder, now: c.Now, known: c.Known,
		newest: &snapshot{authority: authority.Begin(c.Owner, c.Cluster)},
	}, nil
}

// seen returns what was loaded last.
func (g *Governor) seen() *snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.newest
}

// keep remembers a snapshot unless a newer one is known, and returns the newest.
// One of them must continue the other: the error wraps ErrRolledBack.
func (g *Governor) keep(s *snapshot) (*snapshot, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	older, newer := s, g.newest
	if s.serial() >= g.newest.serial() {
		older, newer = g.newest, s
	}
	if n := older.serial(); n > 0 && newer.hashes[n-1] != older.hashes[n-1] {
		return nil, fmt.Errorf("%w: directive %d is %x, and %x was seen", ErrRolledBack, n, s.hashes[n-1], g.newest.hashes[n-1])
	}
	g.newest = newer
	return newer, nil
}

func (s *snapshot) serial() uint64 { return uint64(len(s.hashes)) }
