package joining

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

var (
	// ErrFounded is wrapped where the store is that of a cluster already, founded by
	// another init.
	ErrFounded = errors.New("the cluster has been founded already")
	// ErrFounding is wrapped where a founding lacks something, or contradicts itself.
	// Nothing was written.
	ErrFounding = errors.New("not the founding of a cluster")
)

// FounderConfig is what a Founder works with. All of it is needed.
type FounderConfig struct {
	Store    ports.Store
	Recorder Recorder
	Evidence ports.Blobs
	Now      func() time.Time
}

// Founder writes what a new cluster begins with.
type Founder struct {
	config FounderConfig
	book   book
}

// NewFounder returns a Founder.
func NewFounder(c FounderConfig) (*Founder, error) {
	if c.Store == nil || c.Recorder == nil || c.Evidence == nil || c.Now == nil {
		return nil, errors.New("making a founder: something that it needs is missing")
	}
	return &Founder{config: c, book: book{c.Store}}, nil
}

// Founding is what an init has agreed on.
type Founding struct {
	Owner   keys.OwnerID
	Cluster keys.ClusterID
	// Directives are signed and in order: the first cluster statement, an attestation
	// policy, a join policy, and what else the owner says at once.
	Directives [][]byte
	First      FirstNode
}

// FirstNode is the node that was initialised, as the owner's tool verified it.
type FirstNode struct {
	Request  join.RequestID // of the init
	Identity join.Identity
	Name     join.NodeName
	Disk     string // UUID
	Platform evidence.Platform
	Chip     policy.Hex // empty where it is hidden, or there is none
	Boot     join.Boot
	Release  string
	Evidence []byte // that the owner's tool verified
}

// Found writes the owner's first directives, the first node's record and the
// ledger's first entries, in one transaction and only into an empty store. Before
// it returns, no JoinService answers. To found the same cluster again changes
// nothing and succeeds.
//
// Errors wrap ErrFounding (beside the *authority.DirectiveError of a directive
// that is refused), ErrFounded, or that of what could not be asked.
func (f *Founder) Found(ctx context.Context, founding *Founding) error {
	if founded, err := f.founded(ctx, founding); founded || err != nil {
		return err
	}
	d, err := f.draft(ctx, founding)
	if err != nil {
		return err
	}
	if _, err := f.config.Evidence.WriteBlob(ctx, founding.First.Evidence); err != nil {
		return fmt.Errorf("keeping the evidence of the first node: %w", err)
	}
	_, err = f.config.Recorder.Append(ctx, d.proposal())
	if contended(err) { // somebody was first: the same init, or another
		founded, failed := f.founded(ctx, founding)
		if founded || failed != nil {
			return failed
		}
		return fmt.Errorf("%w: %w", ErrFounded, err)
	}
	if err != nil {
		return fmt.Errorf("founding the cluster: %w", err)
	}
	return nil
}

// draft lets governing judge the directives over an empty store, and adds the
// node.
func (f *Founder) draft(ctx context.Context, founding *Founding) (*draft, error) {
	d := newDraft()
	g, err := governing.New(governing.Config{Store: d, Recorder: d, Owner: founding.Owner, Cluster: founding.Cluster, Now: f.config.Now})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFounding, err)
	}
	for i, directive := range founding.Directives {
		if _, err := g.Submit(ctx, directive); err != nil {
			return nil, fmt.Errorf("%w: directive %d: %w", ErrFounding, i+1, err)
		}
	}
	said, _, err := g.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFounding, err)
	}
	record, err := f.record(said, &founding.First)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFounding, err)
	}
	if err := d.admit(ctx, record); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFounding, err)
	}
	entry, err := initEntry(said, record)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFounding, err)
	}
	d.entries = append([]ledger.Entry{entry}, d.entries...)
	return d, nil
}

// record returns the first node's. It needs a usable authority: a cluster that
// could admit nobody is not founded.
func (f *Founder) record(said *authority.Authority, n *FirstNode) (*join.Record, error) {
	now := f.config.Now()
	if err := said.Current(now); err != nil {
		return nil, err
	}
	inForce, err := said.Policy()
	if err != nil {
		return nil, err
	}
	standing := said.StandingOn(n.Identity)
	if _, denied := standing.Denied(n.Identity); denied || standing.Policy == nil {
		return nil, errors.New("there is no join policy, or the first node is denied")
	}
	at := now.UTC().Truncate(time.Millisecond)
	return &join.Record{
		Version: join.RecordVersion, Serial: 1, Identity: n.Identity, State: join.Member, Name: n.Name, Role: join.ControlPlane,
		Disk: n.Disk, Platform: n.Platform, Chip: n.Chip, Boot: n.Boot, Holder: n.Boot, Request: n.Request, Kind: join.FirstJoin, Release: n.Release,
		Policy: inForce.Serial(), Directive: said.Head().Serial,
		Evidence: measurement.Sum(measurement.SHA256, n.Evidence), Joined: at, Attested: at,
	}, nil
}

// admit adds a node's record, name and disk.
func (d *draft) admit(ctx context.Context, r *join.Record) error {
	value, err := r.Encode()
	if err != nil {
		return err
	}
	holder, err := encodeHolder(r.Identity)
	if err != nil {
		return err
	}
	_, err = d.Append(ctx, &sequencing.Proposal{Then: []ports.Write{
		{Key: recordKey(r.Identity), Value: value},
		{Key: nameKey(r.Name), Value: holder},
		{Key: diskKey(r.Disk), Value: holder},
	}})
	return err
}

func initEntry(said *authority.Authority, r *join.Record) (ledger.Entry, error) {
	statement, err := said.Statement()
	if err != nil {
		return ledger.Entry{}, err
	}
	hash, err := statement.Hash()
	if err != nil {
		return ledger.Entry{}, err
	}
	return ledger.Entry{Type: ledger.Init, Init: &ledger.InitEntry{
		Cluster: said.Cluster(), Owner: said.Owner(), Node: r.Identity,
		Statement: measurement.DigestSHA256(hash), Evidence: r.Evidence,
	}}, nil
}

// founded says whether this very init has founded the cluster. The error wraps
// ErrFounded where another one has.
func (f *Founder) founded(ctx context.Context, founding *Founding) (bool, error) {
	_, revision, err := f.book.get(ctx, governing.HeadKey())
	if err != nil || revision == 0 {
		return false, err
	}
	for i, directive := range founding.Directives {
		stored, _, err := f.book.get(ctx, governing.DirectiveKey(uint64(i)+1))
		if err != nil {
			return false, err
		}
		if !bytes.Equal(stored, directive) {
			return false, fmt.Errorf("%w: directive %d is another one", ErrFounded, i+1)
		}
	}
	record, _, err := f.book.record(ctx, founding.First.Identity)
	if err != nil {
		return false, err
	}
	if record == nil || record.Disk != founding.First.Disk || record.Name != founding.First.Name {
		return false, fmt.Errorf("%w: its first node is another one", ErrFounded)
	}
	return true, nil
}
