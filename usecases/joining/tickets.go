package joining

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// TicketsConfig is what a Tickets works with. All but Limits is needed.
type TicketsConfig struct {
	Store     ports.Store
	Authority Authority
	Recorder  Recorder
	Evidence  ports.Blobs // of who was admitted
	Keys      Keys
	Minter    Minter
	Prober    Prober
	Refusals  *Refusals
	Now       func() time.Time
	Limits    Limits
}

// Tickets decides who joins, and issues their tickets. Any number of them, on any
// number of nodes, share one store. It may be used concurrently.
type Tickets struct {
	config TicketsConfig
	book   book
}

// NewTickets returns a Tickets.
func NewTickets(c TicketsConfig) (*Tickets, error) {
	if c.Store == nil || c.Authority == nil || c.Recorder == nil || c.Evidence == nil || c.Keys == nil ||
		c.Minter == nil || c.Prober == nil || c.Refusals == nil || c.Now == nil {
		return nil, errors.New("making an issuer of tickets: something that it needs is missing")
	}
	c.Limits = c.Limits.orDefaults()
	return &Tickets{config: c, book: book{c.Store}}, nil
}

// Issue decides on an application, and returns the ticket of who is admitted. The
// caller wipes it. The same request of the same node in the same boot goes on
// where it broke off, and gets the same ticket again for Limits.Request.
//
// Errors are a *Refusal, an *ExhaustedError, a *ReleaseError, ErrApplication, or
// wrap the error of what could not be asked; StatusOf tells them apart. After any
// of them nothing was given out, and to ask again is safe.
func (t *Tickets) Issue(ctx context.Context, a *Application) (*join.Ticket, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	for range t.config.Limits.Attempts {
		ticket, err := t.issue(ctx, a)
		if !contended(err) && !overtaken(err) {
			return ticket, err
		}
		if err := ended(ctx, "issuing a ticket"); err != nil {
			return nil, err
		}
	}
	return nil, &ExhaustedError{What: "what the decision rests on changes all the time", RetryAfter: t.config.Limits.Retry}
}

// overtaken says whether the KMS saw something newer than the intent was decided
// on, such as a denial: the next attempt sees it too.
func overtaken(err error) bool {
	var release *ReleaseError
	return errors.As(err, &release) && (release.Reason == NoIntent || release.Reason == Barred || release.Reason == NoLease)
}

// passage is a request on its way: what is durable of it, and at which revisions.
type passage struct {
	record   *join.Record
	recordAt ports.Revision
	request  *request
	word     *word
	lease    ports.Revision // of the control-plane lease; zero where none is needed
}

func (t *Tickets) issue(ctx context.Context, a *Application) (*join.Ticket, error) {
	p, err := t.admit(ctx, a)
	if err != nil {
		return nil, err
	}
	return t.serve(ctx, a, p)
}

// admit returns the durable intent: one that is there, or one decided now.
func (t *Tickets) admit(ctx context.Context, a *Application) (*passage, error) {
	word, err := listen(ctx, t.config.Authority, a.Candidate, t.config.Now())
	if err != nil {
		return nil, err
	}
	if err := t.presentable(ctx, a, word); err != nil {
		return nil, err
	}
	recorded, revision, err := t.book.request(ctx, a.Candidate.Request.ID)
	if err != nil {
		return nil, err
	}
	if recorded != nil && !recorded.over(t.config.Now()) {
		return t.resume(ctx, a, word, recorded)
	}
	return t.decide(ctx, a, word, revision)
}

// presentable refuses whoever is refused whatever the store holds: it is not read
// for the sake of evidence that shows nothing, or with names that are none.
func (t *Tickets) presentable(ctx context.Context, a *Application, w *word) error {
	d := join.Decide(a.Candidate, &join.Facts{Standing: w.standing}, t.config.Now())
	if d.Cause == join.ByEvidence || a.Candidate.Request.Validate() != nil {
		return t.refuse(ctx, a, d)
	}
	return nil
}

// decide lets domain decide, and carries out what was decided.
func (t *Tickets) decide(ctx context.Context, a *Application, word *word, requestAt ports.Revision) (*passage, error) {
	k, err := t.facts(ctx, a.Candidate, word)
	if err != nil {
		return nil, err
	}
	d, err := t.admission(ctx, a, k)
	if err != nil {
		return nil, err
	}
	if err := t.settled(ctx, k.Own); err != nil {
		return nil, err
	}
	return t.intend(ctx, a, d, &intent{known: k, word: word, requestAt: requestAt})
}

// admission returns the decision that admits a candidate. Who is not admitted
// waits, or is refused: the error says so.
func (t *Tickets) admission(ctx context.Context, a *Application, k *known) (*join.Decision, error) {
	d, err := t.decision(ctx, a.Candidate, &k.Facts)
	if err != nil {
		return nil, err
	}
	switch d.Outcome {
	case join.Admitted:
		return d, nil
	case join.Awaiting:
		return nil, t.wait(ctx, a, d, k)
	default:
		return nil, t.refuse(ctx, a, d)
	}
}

// settled lets another boot of a node wait while the last one may be coming up:
// it has its ticket, but may not be marked yet, and answers nobody. That nothing
// answers says nothing then about whether there are two of it.
func (t *Tickets) settled(ctx context.Context, own *join.Record) error {
	if own == nil {
		return nil
	}
	last, _, err := t.book.request(ctx, own.Request)
	if err != nil {
		return err
	}
	now := t.config.Now()
	if last == nil || last.Identity != own.Identity || last.Stage != done || last.over(now) {
		return nil
	}
	return &ExhaustedError{What: "the node was given a ticket in another boot, and may be coming up", RetryAfter: last.Expires.Sub(now) + time.Second}
}

// decision asks the machine of the record where the decision needs that.
func (t *Tickets) decision(ctx context.Context, c *join.Candidate, f *join.Facts) (*join.Decision, error) {
	d := join.Decide(c, f, t.config.Now())
	if !d.Ask {
		return d, nil
	}
	liveness, err := t.config.Prober.Alive(ctx, f.Own)
	if err != nil {
		return nil, fmt.Errorf("asking node %v whether it lives: %w", f.Own.Identity, err)
	}
	f.Other = liveness
	if d = join.Decide(c, f, t.config.Now()); d.Ask {
		return nil, fmt.Errorf("%w: nobody knows whether node %v lives", ErrInconsistent, f.Own.Identity)
	}
	return d, nil
}

// refuse returns the refusal, and has it remembered. That it could not be is said
// beside it, and changes nothing for the node.
func (t *Tickets) refuse(ctx context.Context, a *Application, d *join.Decision) error {
	refusal := &Refusal{Decision: d}
	if err := t.config.Refusals.Note(ctx, a, d); err != nil {
		return fmt.Errorf("%w; it was not counted: %w", refusal, err)
	}
	return refusal
}
