package joining

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// ErrRecovery is wrapped where a recovery is not recorded: the node has no record
// as a control-plane node, is denied, or shows no later boot than its record.
var ErrRecovery = errors.New("not a recovery to record")

// RecovererConfig is what a Recoverer works with. All of it is needed.
type RecovererConfig struct {
	Store     ports.Store
	Authority Authority
	Recorder  Recorder
	Evidence  ports.Blobs
	Now       func() time.Time
}

// Recoverer records that a control-plane node was recovered after a power-off of
// all. The node itself does, before anything else uses the store.
type Recoverer struct {
	config RecovererConfig
	book   book
}

// NewRecoverer returns a Recoverer.
func NewRecoverer(c RecovererConfig) (*Recoverer, error) {
	if c.Store == nil || c.Authority == nil || c.Recorder == nil || c.Evidence == nil || c.Now == nil {
		return nil, errors.New("making a recoverer: something that it needs is missing")
	}
	return &Recoverer{config: c, book: book{c.Store}}, nil
}

// Recovered is a node that came back, as the owner's tool or a share holder's
// verified it in the session that recovered it.
type Recovered struct {
	Node     join.Identity
	Boot     join.Boot
	Means    string // as in ledger.RecoveryEntry
	Evidence []byte
}

// Record makes the recovery a ledger entry, which names the ledger that it goes
// on from, and the boot of the node's record the one in which it runs: else the
// first re-attestation would withhold it. To record the same again changes
// nothing.
//
// No cluster statement has to hold for it: after a long power-off the owner can
// only sign a new one for a cluster that runs. What is denied stays out.
//
// The error wraps ErrRecovery, or that of what could not be asked.
func (r *Recoverer) Record(ctx context.Context, n *Recovered) error {
	for range DefaultAttempts {
		err := r.recordOnce(ctx, n)
		if !contended(err) {
			return err
		}
		if err := ended(ctx, "recording a recovery"); err != nil {
			return err
		}
	}
	return &ExhaustedError{What: "the record of the node changes all the time", RetryAfter: time.Second}
}

func (r *Recoverer) recordOnce(ctx context.Context, n *Recovered) error {
	said, authorityAt, err := r.config.Authority.Load(ctx)
	if err != nil {
		return fmt.Errorf("asking for the owner's word: %w", err)
	}
	if _, denied := said.StandingOn(n.Node).Denied(n.Node); denied {
		return fmt.Errorf("%w: node %v is denied", ErrRecovery, n.Node)
	}
	record, recordAt, err := r.book.record(ctx, n.Node)
	if err != nil {
		return err
	}
	if record != nil && record.Boot == n.Boot && record.State == join.Member {
		return nil
	}
	if err := recoverable(record, n); err != nil {
		return err
	}
	proposal, err := r.propose(ctx, record, n)
	if err != nil {
		return err
	}
	proposal.If = []ports.Condition{
		(&word{revision: authorityAt}).condition(), {Key: recordKey(n.Node), Revision: recordAt},
	}
	if _, err := r.config.Evidence.WriteBlob(ctx, n.Evidence); err != nil {
		return fmt.Errorf("keeping the evidence of node %v: %w", n.Node, err)
	}
	if _, err := r.config.Recorder.Append(ctx, proposal); err != nil {
		return fmt.Errorf("recording the recovery of node %v: %w", n.Node, err)
	}
	return nil
}

// recoverable wants a control-plane node in a later boot than its record knows.
func recoverable(record *join.Record, n *Recovered) error {
	switch {
	case record == nil:
		return fmt.Errorf("%w: there is no record of node %v", ErrRecovery, n.Node)
	case record.Role != join.ControlPlane || record.State != join.Member && record.State != join.Withheld:
		return fmt.Errorf("%w: node %v is a %s, %s", ErrRecovery, n.Node, record.Role, record.State)
	case !later(n.Boot, record.Boot):
		return fmt.Errorf("%w: node %v shows %v, and its record %v", ErrRecovery, n.Node, n.Boot, record.Boot)
	default:
		return nil
	}
}

// later says whether a boot came after another one of the same machine: where
// there is a TPM, it counts.
func later(b, other join.Boot) bool {
	if !b.Session.IsZero() {
		return b.Session != other.Session
	}
	return b.ResetCount > other.ResetCount
}

// propose returns the entry and the record as they are to be.
func (r *Recoverer) propose(ctx context.Context, record *join.Record, n *Recovered) (*sequencing.Proposal, error) {
	data, revision, err := r.book.get(ctx, ports.Key{Collection: ports.Heads, Name: "ledger"})
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		return nil, fmt.Errorf("%w: there is no ledger to go on from", ErrRecovery)
	}
	head, err := ledger.DecodeHead(data)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's head: %w", err)
	}
	back := record.Next(join.Member)
	back.Boot, back.Holder, back.Attested = n.Boot, n.Boot, r.config.Now().UTC().Truncate(time.Millisecond)
	back.Evidence = measurement.Sum(measurement.SHA256, n.Evidence)
	value, err := back.Encode()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecovery, err)
	}
	tree := head.Tree()
	return &sequencing.Proposal{
		Entries: []ledger.Entry{{Type: ledger.Recovery, Recovery: &ledger.RecoveryEntry{
			Node: n.Node, Means: n.Means, Size: tree.Size, Root: measurement.DigestSHA256(tree.Root),
		}}},
		Then: []ports.Write{{Key: recordKey(n.Node), Value: value}},
	}, nil
}
