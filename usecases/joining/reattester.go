package joining

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// ErrNoRecord is wrapped where there is no record of a node.
var ErrNoRecord = errors.New("there is no record of the node")

// ReattesterConfig is what a Reattester works with. All but Every is needed.
type ReattesterConfig struct {
	Store     ports.Store
	Authority Authority
	Recorder  Recorder
	Evidence  ports.Blobs
	Now       func() time.Time
	Every     time.Duration // at most so often a record is written only to say that its node attested; zero: 1 min
}

// Reattester keeps the records of members true: who is to be asked to attest
// again, and what follows from the answer. Whoever leads among the JoinServices
// uses one. It may be used concurrently.
type Reattester struct {
	config ReattesterConfig
	book   book

	mu    sync.Mutex
	asked map[join.Identity]time.Time // when Due named them last
}

// NewReattester returns a Reattester.
func NewReattester(c ReattesterConfig) (*Reattester, error) {
	if c.Store == nil || c.Authority == nil || c.Recorder == nil || c.Evidence == nil || c.Now == nil {
		return nil, errors.New("making a reattester: something that it needs is missing")
	}
	if c.Every <= 0 {
		c.Every = time.Minute
	}
	return &Reattester{config: c, book: book{c.Store}, asked: map[join.Identity]time.Time{}}, nil
}

// Observation is what asking a member has shown.
type Observation struct {
	// Candidate is what its attested session has shown; nil: it did not answer.
	Candidate *join.Candidate
	Evidence  []byte // whose SHA-256 the candidate names
}

// Observe applies what asking a member has shown, and returns the decision. The
// record and the ledger are written where the member's state or the reasons for
// it change; that it attested as before is written now and then, without an
// entry. An answer that shows nothing of the node, good or bad, counts as none. A
// revoked node stays revoked, whatever it shows.
//
// Errors wrap ErrNoRecord, ErrVerdictStale, ErrApplication, or those of what could
// not be asked; an *ExhaustedError says that the record changed all the time.
func (r *Reattester) Observe(ctx context.Context, id join.Identity, o Observation) (*join.Decision, error) {
	if o.Candidate != nil && o.Candidate.Evidence != measurement.Sum(measurement.SHA256, o.Evidence) {
		return nil, fmt.Errorf("%w: the evidence is not the one that the candidate names", ErrApplication)
	}
	for range DefaultAttempts {
		d, err := r.observe(ctx, id, o)
		if !contended(err) {
			return d, err
		}
		if err := ended(ctx, "recording what a member has shown"); err != nil {
			return nil, err
		}
	}
	return nil, &ExhaustedError{What: "the record of the node changes all the time", RetryAfter: r.config.Every}
}

func (r *Reattester) observe(ctx context.Context, id join.Identity, o Observation) (*join.Decision, error) {
	now := r.config.Now()
	w, err := r.listen(ctx, id, o.Candidate, now)
	if err != nil {
		return nil, err
	}
	record, revision, err := r.book.record(ctx, id)
	if err != nil {
		return nil, err
	}
	if record == nil {
		return nil, fmt.Errorf("%w: %v", ErrNoRecord, id)
	}
	if o.Candidate != nil {
		d := join.Reattest(o.Candidate, &join.Facts{Standing: w.standing, Own: record}, now)
		if !d.Silence {
			return d, r.apply(ctx, w, d, record, revision, o.Evidence)
		}
	}
	d := join.Unreachable(record, w.standing, record.Attested, now)
	return d, r.apply(ctx, w, d, record, revision, nil)
}

// listen needs no policy for a node that did not answer: nothing was judged.
func (r *Reattester) listen(ctx context.Context, id join.Identity, c *join.Candidate, now time.Time) (*word, error) {
	if c != nil {
		return listen(ctx, r.config.Authority, c, now)
	}
	a, revision, err := ask(ctx, r.config.Authority, now)
	if err != nil {
		return nil, err
	}
	return newWord(a, id, revision), nil
}

// apply writes what was decided, if anything is to be.
func (r *Reattester) apply(ctx context.Context, w *word, d *join.Decision, before *join.Record, revision ports.Revision, evidence []byte) error {
	switch {
	case d.Record == nil || before.State == join.Revoked:
		return nil
	case d.Record.State != before.State || !slices.Equal(d.Record.Codes, before.Codes):
		return r.change(ctx, w, d, before, revision, evidence)
	case fresh(before, d.Record, r.config.Every) && d.Record.Spent == before.Spent:
		return nil
	default:
		return r.touch(ctx, w, d.Record, revision)
	}
}

// fresh says whether the record need not be written only for its time. A time
// that lies ahead is that of a clock that was wrong, and is put right.
func fresh(before, after *join.Record, every time.Duration) bool {
	age := after.Attested.Sub(before.Attested)
	return 0 <= age && age < every
}

// change writes the record with a ledger entry.
func (r *Reattester) change(ctx context.Context, w *word, d *join.Decision, before *join.Record, revision ports.Revision, evidence []byte) error {
	entry := &ledger.ReattestEntry{Node: before.Identity, State: d.Record.State, Codes: d.Record.Codes}
	if len(evidence) > 0 {
		hash, err := r.config.Evidence.WriteBlob(ctx, evidence)
		if err != nil {
			return fmt.Errorf("keeping the evidence of node %v: %w", before.Identity, err)
		}
		entry.Evidence = measurement.DigestSHA256(hash)
	}
	value, err := d.Record.Encode()
	if err != nil {
		return err
	}
	_, err = r.config.Recorder.Append(ctx, &sequencing.Proposal{
		Entries: []ledger.Entry{{Type: ledger.Reattest, Reattest: entry}},
		If:      []ports.Condition{w.condition(), {Key: recordKey(before.Identity), Revision: revision}},
		Then:    []ports.Write{{Key: recordKey(before.Identity), Value: value}},
	})
	if err != nil {
		return fmt.Errorf("recording that node %v is %s: %w", before.Identity, d.Record.State, err)
	}
	return nil
}

// touch writes when a node attested last. Nothing was decided, so the ledger has
// nothing to tell.
func (r *Reattester) touch(ctx context.Context, w *word, record *join.Record, revision ports.Revision) error {
	value, err := record.Encode()
	if err != nil {
		return err
	}
	_, err = r.config.Store.Commit(ctx, &ports.Transaction{
		If:   []ports.Condition{w.condition(), {Key: recordKey(record.Identity), Revision: revision}},
		Then: []ports.Write{{Key: recordKey(record.Identity), Value: value}},
	})
	if err != nil {
		return fmt.Errorf("recording that node %v attested: %w", record.Identity, err)
	}
	return nil
}
