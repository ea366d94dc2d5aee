package joining

import (
	"context"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// intent is what an admission rests on.
type intent struct {
	*known
	word      *word
	requestAt ports.Revision // of what an expired request left
}

// intend commits an admission, before anything is made for the node. The evidence
// that the entry names is kept before.
func (t *Tickets) intend(ctx context.Context, a *Application, d *join.Decision, in *intent) (*passage, error) {
	recorded, err := t.opened(a, d.Record)
	if err != nil {
		return nil, err
	}
	proposal, err := t.intention(d, recorded, in)
	if err != nil {
		return nil, err
	}
	if err := t.takeLease(ctx, d.Record, proposal); err != nil {
		return nil, err
	}
	if err := t.keep(ctx, a); err != nil {
		return nil, err
	}
	receipt, err := t.config.Recorder.Append(ctx, proposal)
	if err != nil {
		return nil, fmt.Errorf("recording the intent of node %v: %w", d.Record.Identity, err)
	}
	p := &passage{record: d.Record, recordAt: receipt.Revision, request: recorded, word: in.word}
	if needsLease(d.Record) {
		p.lease = receipt.Revision
	}
	return p, nil
}

// opened is the request as the intent leaves it.
func (t *Tickets) opened(a *Application, r *join.Record) (*request, error) {
	hash, err := a.Candidate.Request.Hash()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrApplication, err)
	}
	return &request{
		Boot: r.Boot, Expires: seconds(t.config.Now().Add(t.config.Limits.Request)), Hash: hash, Identity: r.Identity,
		Kind: r.Kind, Request: r.Request, Stage: intended, Version: requestVersion,
	}, nil
}

// intention proposes the entry and what it is about, if nothing has changed. A
// disk that the node gives up stays its own for good: who could join with it
// would get its key.
func (t *Tickets) intention(d *join.Decision, recorded *request, in *intent) (*sequencing.Proposal, error) {
	r := d.Record
	record, err := r.Encode()
	if err != nil {
		return nil, err
	}
	state, err := recorded.encode()
	if err != nil {
		return nil, err
	}
	p := &sequencing.Proposal{
		Entries: []ledger.Entry{intentEntry(d)},
		If: []ports.Condition{
			in.word.condition(),
			{Key: recordKey(r.Identity), Revision: in.own},
			{Key: requestKey(r.Request), Revision: in.requestAt},
			{Key: diskKey(r.Disk), Revision: in.disk},
		},
		Then: []ports.Write{
			{Key: recordKey(r.Identity), Value: record},
			{Key: requestKey(r.Request), Value: state, TTL: recorded.left(t.config.Now())},
			{Key: waitingKey(r.Identity), Delete: true},
		},
	}
	if r.Kind == join.Rejoin {
		return p, nil // name and disk are the record's already
	}
	return p, hold(p, d, in)
}

// hold has a first join take its name and disk. A machine that has a record keeps
// its name until the record is removed.
func hold(p *sequencing.Proposal, d *join.Decision, in *intent) error {
	holder, err := encodeHolder(d.Record.Identity)
	if err != nil {
		return err
	}
	p.If = append(p.If, ports.Condition{Key: nameKey(d.Record.Name), Revision: in.name})
	p.Then = append(p.Then,
		ports.Write{Key: nameKey(d.Record.Name), Value: holder},
		ports.Write{Key: diskKey(d.Record.Disk), Value: holder})
	return nil
}

func intentEntry(d *join.Decision) ledger.Entry {
	r := d.Record
	return ledger.Entry{Type: ledger.Intent, Intent: &ledger.IntentEntry{
		Request: r.Request, Kind: r.Kind, Node: r.Identity, Name: r.Name, Role: r.Role, Disk: r.Disk, Boot: r.Boot,
		Release: r.Release, Policy: r.Policy, Directive: r.Directive, Approval: r.Approval, Evidence: r.Evidence,
		Warnings: d.Warnings(),
	}}
}

// needsLease says whether only one node at a time may do what the record's does:
// become a control-plane node. One that returns is one already, and gets neither
// KEK nor files, so that it need not wait for who else joins.
func needsLease(r *join.Record) bool { return r.Role == join.ControlPlane && r.Kind == join.FirstJoin }

// takeLease has a new control-plane node take the one lease with the intent.
func (t *Tickets) takeLease(ctx context.Context, r *join.Record, p *sequencing.Proposal) error {
	if !needsLease(r) {
		return nil
	}
	condition, write, err := t.lease(ctx, r.Identity)
	if err != nil {
		return err
	}
	p.If = append(p.If, condition)
	p.Then = append(p.Then, write)
	return nil
}

// lease returns what takes the control-plane lease, or renews it. The error is an
// *ExhaustedError where another node has it.
func (t *Tickets) lease(ctx context.Context, id join.Identity) (ports.Condition, ports.Write, error) {
	holds, revision, err := t.book.holder(ctx, leaseKey())
	if err != nil {
		return ports.Condition{}, ports.Write{}, err
	}
	if revision != 0 && holds != id {
		return ports.Condition{}, ports.Write{}, &ExhaustedError{What: "another control-plane node is joining", RetryAfter: t.config.Limits.Retry}
	}
	value, err := encodeHolder(id)
	if err != nil {
		return ports.Condition{}, ports.Write{}, err
	}
	return ports.Condition{Key: leaseKey(), Revision: revision}, ports.Write{Key: leaseKey(), Value: value, TTL: t.config.Limits.Lease}, nil
}

// keep keeps the evidence that the intent names.
func (t *Tickets) keep(ctx context.Context, a *Application) error {
	if _, err := t.config.Evidence.WriteBlob(ctx, a.Evidence); err != nil {
		return fmt.Errorf("keeping the evidence of node %v: %w", a.Candidate.Identity, err)
	}
	return nil
}
