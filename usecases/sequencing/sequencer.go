package sequencing

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// Config is what a Sequencer works with.
type Config struct {
	Store  ports.Store
	Now    func() time.Time
	Random io.Reader // of it 16 bytes tell one transaction from every other
	By     string    // the identity of this node, as entries name it
	// Pause waits before a transaction that had no answer is sent again for the
	// attempt-th time, from 1 on, until the context ends, whose error it returns.
	// Any other error gives the transaction up. Nil: it does not wait, and
	// Limits.Attempts may be used up within a millisecond of an outage. A program
	// waits longer from attempt to attempt, with jitter, so that it is the callers'
	// contexts that bound how long an outage may last, and Limits.Attempts only
	// comes after them.
	Pause  func(ctx context.Context, attempt int) error
	Limits Limits
}

// Limits bound what a Sequencer does at once. Zero fields mean the defaults.
type Limits struct {
	Bytes    int // of all values in a transaction that several proposals share; 512 KiB
	Waiting  int // proposals that wait; 4096
	Attempts int // to commit one proposal before others, or to learn what became of it; 64
}

func (l Limits) orDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Bytes, 512 << 10}, {&l.Waiting, 4096}, {&l.Attempts, 64}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return l
}

// Sequencer appends to the ledger. Any number of them, on any number of nodes,
// share one ledger. All methods may be called concurrently.
type Sequencer struct {
	store  ports.Store
	now    func() time.Time
	random io.Reader
	by     string
	pause  func(ctx context.Context, attempt int) error
	limits Limits

	mu      sync.Mutex
	queue   []*call // in order of arrival
	leading bool    // one of the callers commits for all

	// Only who leads touches these.
	base  *base    // the ledger's head as last seen; nil: to be read
	doubt *attempt // was sent, and no answer came
}

// New returns a Sequencer.
func New(config Config) (*Sequencer, error) {
	if config.Store == nil || config.Now == nil || config.Random == nil || config.By == "" {
		return nil, fmt.Errorf("making a sequencer: store, clock, randomness and name are all needed")
	}
	if _, err := join.ParseIdentity(config.By); err != nil {
		return nil, fmt.Errorf("making a sequencer: %w", err)
	}
	if config.Pause == nil {
		config.Pause = func(context.Context, int) error { return nil }
	}
	return &Sequencer{
		store: config.Store, now: config.Now, random: config.Random, by: config.By,
		pause: config.Pause, limits: config.Limits.orDefaults(),
	}, nil
}

// Append carries out the proposal: when it returns a receipt, the entries are in
// the ledger and the writes are done, in one transaction, for good and once.
// Proposals that arrive while another is committed share the next transaction,
// unless one writes what the other writes or has a condition on.
//
// Errors, beside the context's: a *ports.ConflictError with those of the
// proposal's own keys whose condition did not hold; ErrProposal;
// ports.ErrStoreFull; ports.ErrStoreUnavailable (nothing was written);
// ports.ErrOutcomeUnknown (it was written, will be, or never will be; this
// Sequencer sends it again only for callers who shared the transaction and wait).
func (s *Sequencer) Append(ctx context.Context, p *Proposal) (*Receipt, error) {
	c, err := s.newCall(p)
	if err != nil {
		return nil, fmt.Errorf("appending to the ledger: %w", err)
	}
	if leads := s.enter(ctx, c); leads || s.wait(ctx, c) {
		s.lead(ctx, c)
	}
	if c.err != nil {
		return nil, fmt.Errorf("appending to the ledger: %w", c.err)
	}
	return c.receipt, nil
}
