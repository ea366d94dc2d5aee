package joining

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// ReleaserConfig is what a Releaser works with. All of it is needed.
type ReleaserConfig struct {
	Store     ports.Store
	Authority Authority
	Recorder  Recorder
	Keys      ports.KeyManager
	Roots     Roots
	Now       func() time.Time
	Attempts  int // to commit a release; zero: DefaultAttempts
}

// Releaser is the KMS's side of a join: it gives out a node's keys if the store
// says that the node was admitted, whoever asks, and not before the ledger says
// that they are given out. It may be used concurrently.
type Releaser struct {
	config ReleaserConfig
	book   book
}

// NewReleaser returns a Releaser.
func NewReleaser(c ReleaserConfig) (*Releaser, error) {
	if c.Store == nil || c.Authority == nil || c.Recorder == nil || c.Keys == nil || c.Roots == nil || c.Now == nil {
		return nil, errors.New("making a releaser of keys: something that it needs is missing")
	}
	if c.Attempts <= 0 {
		c.Attempts = DefaultAttempts
	}
	return &Releaser{config: c, book: book{c.Store}}, nil
}

// For returns the Releaser as one caller sees it. The transport says who calls.
func (r *Releaser) For(caller Caller) Keys { return boundKeys{r, caller} }

type boundKeys struct {
	releaser *Releaser
	caller   Caller
}

// Release implements Keys.
func (b boundKeys) Release(ctx context.Context, q ReleaseRequest) (*Released, error) {
	return b.releaser.Release(ctx, b.caller, q)
}

// Release gives out the keys of a node whose current intent is recorded. The KEK
// is among them at the first join of a control-plane node only: when such a node
// comes back, its own disk holds it, and what opens the disk is enough.
//
// The error is a *ReleaseError for what is refused, else it wraps the error of
// what could not be asked.
func (r *Releaser) Release(ctx context.Context, caller Caller, q ReleaseRequest) (*Released, error) {
	if !Allowed(caller, ReleaseNode, keys.StateDisk) || !Allowed(caller, ReleaseNode, keys.StateDiskHeader) {
		return nil, &ReleaseError{NotAllowed, q.Node}
	}
	for range r.config.Attempts {
		g, err := r.entitle(ctx, caller, q)
		if err != nil {
			return nil, err
		}
		err = r.record(ctx, caller, g)
		switch {
		case err == nil:
			return r.derive(ctx, g)
		case !contended(err):
			return nil, err
		}
		if err := ended(ctx, "releasing a node's keys"); err != nil {
			return nil, err
		}
	}
	return nil, &ReleaseError{Contended, q.Node}
}

// grant is what the store says that a node is entitled to, and at which revisions.
type grant struct {
	record  *join.Record
	request *request
	kek     bool
	rests   []ports.Condition // what it rests on
}

// entitle reads what entitles the node. Nothing of it is the caller's word.
func (r *Releaser) entitle(ctx context.Context, caller Caller, q ReleaseRequest) (*grant, error) {
	now := r.config.Now()
	said, authorityRevision, err := ask(ctx, r.config.Authority, now)
	if err != nil {
		return nil, err
	}
	recorded, requestRevision, err := r.book.request(ctx, q.Request)
	if err != nil {
		return nil, err
	}
	node, recordRevision, err := r.book.record(ctx, q.Node)
	if err != nil {
		return nil, err
	}
	if err := entitled(q, recorded, node, now); err != nil {
		return nil, err
	}
	if _, denied := said.StandingOn(q.Node).Denied(q.Node); denied {
		return nil, &ReleaseError{Barred, q.Node}
	}
	g := &grant{record: node, request: recorded, rests: []ports.Condition{
		{Key: governing.HeadKey(), Revision: authorityRevision},
		{Key: requestKey(q.Request), Revision: requestRevision},
		{Key: recordKey(q.Node), Revision: recordRevision},
	}}
	return g, r.entitleKEK(ctx, caller, g)
}

// entitled holds the caller's word against what is recorded.
func entitled(q ReleaseRequest, recorded *request, node *join.Record, now time.Time) error {
	switch {
	case recorded == nil || node == nil || recorded.over(now):
		return &ReleaseError{NoIntent, q.Node}
	case recorded.Identity != q.Node || node.Request != q.Request || node.Disk != q.Disk || node.Kind != recorded.Kind || node.Boot != recorded.Boot:
		return &ReleaseError{NoIntent, q.Node}
	case node.State != join.Intended && node.State != join.Member:
		return &ReleaseError{Barred, q.Node}
	case (node.State == join.Member) != (recorded.Stage == done):
		return &ReleaseError{NoIntent, q.Node}
	case recorded.Releases >= MaxReleases:
		return &ReleaseError{TooOften, q.Node}
	default:
		return nil
	}
}

// entitleKEK decides from the record alone whether the KEK goes along.
func (r *Releaser) entitleKEK(ctx context.Context, caller Caller, g *grant) error {
	if !needsLease(g.record) {
		return nil
	}
	holds, revision, err := r.book.holder(ctx, leaseKey())
	if err != nil {
		return err
	}
	if revision == 0 || holds != g.record.Identity {
		return &ReleaseError{NoLease, g.record.Identity}
	}
	g.rests = append(g.rests, ports.Condition{Key: leaseKey(), Revision: revision})
	g.kek = true
	if !Allowed(caller, ReleaseKEK, NoPurpose) {
		return &ReleaseError{NotAllowed, g.record.Identity}
	}
	return nil
}

// record puts the release into the ledger. Until it returns, no key exists here.
func (r *Releaser) record(ctx context.Context, caller Caller, g *grant) error {
	_, _, ids, err := nodeKeys(g.record.Disk)
	if err != nil {
		return fmt.Errorf("naming the keys of disk %s: %w", g.record.Disk, err)
	}
	counted := *g.request
	counted.Releases++
	value, err := counted.encode()
	if err != nil {
		return err
	}
	_, err = r.config.Recorder.Append(ctx, &sequencing.Proposal{
		Entries: []ledger.Entry{{Type: ledger.KeyRelease, KeyRelease: &ledger.KeyReleaseEntry{
			Request: g.record.Request, Node: g.record.Identity, Caller: string(caller), Keys: ids, KEK: g.kek,
		}}},
		If:   g.rests,
		Then: []ports.Write{{Key: requestKey(counted.Request), Value: value, TTL: counted.left(r.config.Now())}},
	})
	if err != nil {
		return fmt.Errorf("recording a release of keys: %w", err)
	}
	return nil
}

// derive makes the keys. What was made is wiped where something is missing.
func (r *Releaser) derive(ctx context.Context, g *grant) (*Released, error) {
	released := &Released{}
	if err := r.fill(ctx, g, released); err != nil {
		released.Wipe()
		return nil, err
	}
	return released, nil
}

func (r *Releaser) fill(ctx context.Context, g *grant, released *Released) error {
	diskKey, sealKey, _, err := nodeKeys(g.record.Disk)
	if err != nil {
		return fmt.Errorf("naming the keys of disk %s: %w", g.record.Disk, err)
	}
	if released.Disk, err = r.config.Keys.DataKey(ctx, diskKey, join.DiskKeySize); err != nil {
		return fmt.Errorf("deriving key %v: %w", diskKey, err)
	}
	if released.Seal, err = r.config.Keys.DataKey(ctx, sealKey, join.SealKeySize); err != nil {
		return fmt.Errorf("deriving key %v: %w", sealKey, err)
	}
	if released.Measurement, released.Salt, err = r.config.Roots.Measurement(ctx); err != nil {
		return fmt.Errorf("reading the measurement secret: %w", err)
	}
	if !g.kek {
		return nil
	}
	if released.KEK, err = r.config.Roots.KEK(ctx); err != nil {
		return fmt.Errorf("reading the KEK: %w", err)
	}
	return nil
}
