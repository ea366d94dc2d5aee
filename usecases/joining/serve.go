package joining

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// ErrTicketChanged is wrapped where a ticket cannot be given again, because what
// it is made of has changed: the node reboots, and asks anew.
var ErrTicketChanged = errors.New("the ticket cannot be given again")

// serve makes the ticket of a node whose intent is durable, and returns it once
// the outcome is durable too.
func (t *Tickets) serve(ctx context.Context, a *Application, p *passage) (*join.Ticket, error) {
	r := p.record
	released, err := t.config.Keys.Release(ctx, ReleaseRequest{Request: r.Request, Node: r.Identity, Disk: r.Disk})
	if err != nil {
		return nil, fmt.Errorf("asking for the keys of node %v: %w", r.Identity, err)
	}
	ticket := &join.Ticket{
		Request: r.Request, Kind: r.Kind, Name: r.Name, Role: r.Role, Disk: r.Disk, Owner: p.word.owner,
		DiskKey: released.Disk, SealKey: released.Seal, MeasurementSecret: released.Measurement, MeasurementSalt: released.Salt,
	}
	if needsLease(r) {
		ticket.ControlPlane = &join.ControlFiles{KEK: released.KEK}
	}
	if err := t.complete(ctx, a, p, ticket); err != nil {
		ticket.Wipe()
		released.Wipe()
		return nil, err
	}
	return ticket, nil
}

// complete adds to a ticket what is no data key. It looks at the request again:
// the KMS has counted the release in it, and another service may have answered.
func (t *Tickets) complete(ctx context.Context, a *Application, p *passage, ticket *join.Ticket) error {
	current, revision, err := t.book.request(ctx, p.request.Request)
	if err != nil {
		return err
	}
	if current == nil || current.Identity != p.request.Identity || current.Hash != p.request.Hash {
		return fmt.Errorf("answering request %v, which is gone: %w", p.request.Request, ports.ErrStoreConflict)
	}
	if err := t.files(ctx, p.record, ticket); err != nil {
		return err
	}
	if current.Stage == done {
		return t.again(ctx, p, current, ticket)
	}
	if err := t.certify(ctx, a, p, ticket); err != nil {
		return err
	}
	if err := t.conclude(ctx, p, current, revision, ticket); err != nil {
		return err
	}
	return t.acceptToken(ctx, p.record, ticket)
}

// files adds what a control-plane node needs before it starts. Who returns has it
// on its disk.
func (t *Tickets) files(ctx context.Context, r *join.Record, ticket *join.Ticket) error {
	if ticket.ControlPlane == nil {
		return nil
	}
	files, err := t.config.Minter.Files(ctx, r)
	if err != nil {
		return fmt.Errorf("collecting the files of control-plane node %v: %w", r.Identity, err)
	}
	ticket.ControlPlane.Files = files
	return nil
}

// again gives the ticket that was given before.
func (t *Tickets) again(ctx context.Context, p *passage, current *request, ticket *join.Ticket) error {
	current.Answer.fill(ticket)
	if err := addToken(ticket); err != nil {
		return err
	}
	if ticket.PublicHash() != current.Answer.Ticket {
		return fmt.Errorf("%w: request %v", ErrTicketChanged, current.Request)
	}
	return t.acceptToken(ctx, p.record, ticket)
}

// certify adds certificates, and what the cluster says of itself now.
func (t *Tickets) certify(ctx context.Context, a *Application, p *passage, ticket *join.Ticket) error {
	certified, err := t.config.Minter.Certify(ctx, a.order(p.record))
	if err != nil {
		return fmt.Errorf("certifying the keys of node %v: %w", p.record.Identity, err)
	}
	ticket.EngineCA, ticket.AKCertificate, ticket.Services = certified.EngineCA, certified.AKCertificate, certified.Services
	ticket.Statement = p.word.statement
	checkpoint, _, err := t.book.get(ctx, sequencing.CheckpointKey())
	if err != nil {
		return err
	}
	if len(checkpoint) > 0 {
		ticket.Checkpoint = checkpoint
	}
	if p.record.Kind != join.FirstJoin || certified.Kubernetes == nil {
		return nil // who returns knows its Kubernetes, and has its certificate
	}
	ticket.Kubernetes = certified.Kubernetes
	ticket.Token = &join.Token{Expires: seconds(t.config.Now().Add(t.config.Limits.Token))}
	return addToken(ticket)
}

// addToken derives the token where there is to be one.
func addToken(ticket *join.Ticket) error {
	if ticket.Token == nil {
		return nil
	}
	secret, err := bootstrapToken(ticket.DiskKey, ticket.Request)
	if err != nil {
		return err
	}
	ticket.Token.Secret = secret
	return nil
}

// acceptToken is last: no token is good for anything before the outcome is
// durable.
func (t *Tickets) acceptToken(ctx context.Context, r *join.Record, ticket *join.Ticket) error {
	if ticket.Token == nil {
		return nil
	}
	if err := t.config.Minter.AcceptToken(ctx, r, ticket.Token); err != nil {
		return fmt.Errorf("having the token of node %v accepted: %w", r.Identity, err)
	}
	return nil
}

// conclude commits the outcome: the node is a member, and the request answered.
func (t *Tickets) conclude(ctx context.Context, p *passage, current *request, revision ports.Revision, ticket *join.Ticket) error {
	now := t.config.Now()
	answered := *current
	answered.Stage, answered.Answer = done, answerOf(ticket)
	answered.Expires = seconds(now.Add(t.config.Limits.Request))
	state, err := answered.encode()
	if err != nil {
		return err
	}
	record, err := p.record.Next(join.Member).Encode()
	if err != nil {
		return err
	}
	proposal := &sequencing.Proposal{
		Entries: []ledger.Entry{{Type: ledger.Outcome, Outcome: &ledger.OutcomeEntry{
			Request: p.record.Request, Node: p.record.Identity, Ticket: answered.Answer.Ticket,
		}}},
		If: []ports.Condition{
			{Key: recordKey(p.record.Identity), Revision: p.recordAt},
			{Key: requestKey(p.record.Request), Revision: revision},
		},
		Then: []ports.Write{
			{Key: recordKey(p.record.Identity), Value: record},
			{Key: requestKey(p.record.Request), Value: state, TTL: answered.left(now)},
		},
	}
	if err := keepLease(p, proposal, t.config.Limits); err != nil {
		return err
	}
	if _, err := t.config.Recorder.Append(ctx, proposal); err != nil {
		return fmt.Errorf("recording the outcome for node %v: %w", p.record.Identity, err)
	}
	return nil
}

// keepLease has a new control-plane node keep its lease until it is up.
func keepLease(p *passage, proposal *sequencing.Proposal, l Limits) error {
	if p.lease == 0 {
		return nil
	}
	holder, err := encodeHolder(p.record.Identity)
	if err != nil {
		return err
	}
	proposal.If = append(proposal.If, ports.Condition{Key: leaseKey(), Revision: p.lease})
	proposal.Then = append(proposal.Then, ports.Write{Key: leaseKey(), Value: holder, TTL: l.Lease})
	return nil
}
