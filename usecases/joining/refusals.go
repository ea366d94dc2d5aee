package joining

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// RefusalsConfig is what a Refusals works with. Zero numbers mean the defaults.
type RefusalsConfig struct {
	Store    ports.Store
	Recorder Recorder
	Ring     ports.Blobs // keeps the last evidence of who was refused, or waits; nil: none is kept
	Now      func() time.Time
	Interval time.Duration // that one ledger entry tells of; 10 min
	Every    time.Duration // how often one machine's tally is written; 10 s
	Machines int           // whose refusals are kept at once, up to ports.MaxListing; 512
	// Counted hears of every refusal, stored or not, for a transport's counters: its
	// codes, sorted, and whether hardware that the cluster trusts vouches for who was
	// refused. It may be called concurrently. nil: nobody counts.
	Counted func(codes []policy.Code, vouched bool)
}

// Refusals remembers whom the cluster refused: one tally in the store for each
// machine and interval, and one ledger entry when the interval ends. A machine
// that asks all the time costs a write now and then, and more machines than there
// is room for are left to counters. It may be used concurrently.
type Refusals struct {
	config RefusalsConfig
	book   book

	mu      sync.Mutex
	pending map[join.Identity]*pending
}

// pending is what the store does not hold yet.
type pending struct {
	tally   *tally // nil: nothing
	written time.Time
	kept    measurement.Digest // the evidence that was kept last
}

// NewRefusals returns a Refusals.
func NewRefusals(c RefusalsConfig) (*Refusals, error) {
	if c.Store == nil || c.Recorder == nil || c.Now == nil {
		return nil, errors.New("making a memory of refusals: something that it needs is missing")
	}
	if c.Interval <= 0 {
		c.Interval = 10 * time.Minute
	}
	if c.Every <= 0 {
		c.Every = 10 * time.Second
	}
	if c.Machines <= 0 || c.Machines > ports.MaxListing {
		c.Machines = 512
	}
	return &Refusals{config: c, book: book{c.Store}, pending: map[join.Identity]*pending{}}, nil
}

// Note counts a refusal. It stores nothing of a machine that no hardware vouches
// for.
func (r *Refusals) Note(ctx context.Context, a *Application, d *join.Decision) error {
	codes, known := codesOf(d.Codes()), vouched(a.Candidate)
	if r.config.Counted != nil {
		r.config.Counted(slices.Clone(codes), known)
	}
	if !known || len(codes) == 0 {
		return nil
	}
	now := r.config.Now()
	id := a.Candidate.Identity
	if !r.count(&tally{Codes: codes, Count: 1, From: seconds(now), Node: id, Version: tallyVersion}, now) {
		return nil
	}
	kept, err := r.keep(ctx, a.Evidence)
	if err != nil {
		return err
	}
	r.name(id, kept)
	return r.store(ctx, id)
}

// keep puts evidence into the ring, and returns its hash: zero without a ring.
func (r *Refusals) keep(ctx context.Context, content []byte) (measurement.Digest, error) {
	if r.config.Ring == nil {
		return measurement.Digest{}, nil
	}
	hash, err := r.config.Ring.WriteBlob(ctx, content)
	if err != nil {
		return measurement.Digest{}, fmt.Errorf("keeping evidence that admits nobody: %w", err)
	}
	return measurement.DigestSHA256(hash), nil
}

// count adds to what is pending, and says whether it is to be written now, with
// the evidence. Until then the tally names the evidence that was kept last.
func (r *Refusals) count(t *tally, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pending[t.Node]
	switch {
	case p == nil && len(r.pending) >= r.config.Machines:
		return false
	case p == nil:
		p = &pending{}
		r.pending[t.Node] = p
	}
	t.Evidence = p.kept
	if p.tally != nil {
		t = p.tally.plus(t)
	}
	p.tally = t
	return now.Sub(p.written) >= r.config.Every || p.written.After(now)
}

// name has what is pending of a machine name the evidence that was kept of it.
func (r *Refusals) name(id join.Identity, kept measurement.Digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pending[id]; p != nil && !kept.IsZero() {
		p.kept = kept
		if p.tally != nil {
			p.tally.Evidence = kept
		}
	}
}

// store moves what is pending of a machine into the store. What cannot be written
// stays pending.
func (r *Refusals) store(ctx context.Context, id join.Identity) error {
	t := r.take(id)
	if t == nil {
		return nil
	}
	err := r.merge(ctx, t)
	if err != nil && !errors.Is(err, ports.ErrOutcomeUnknown) { // rather once too few than twice
		r.giveBack(t)
	}
	return err
}

func (r *Refusals) take(id join.Identity) *tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pending[id]
	if p == nil || p.tally == nil {
		return nil
	}
	t := p.tally
	p.tally, p.written = nil, r.config.Now()
	return t
}

func (r *Refusals) giveBack(t *tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pending[t.Node]
	if p == nil {
		p = &pending{}
		r.pending[t.Node] = p
	}
	if p.tally != nil {
		t = t.plus(p.tally)
	}
	p.tally = t
}

// merge adds a tally to the store's. One of an interval that ended becomes an
// entry first.
func (r *Refusals) merge(ctx context.Context, t *tally) error {
	for range DefaultAttempts {
		err := r.mergeOnce(ctx, t)
		if !contended(err) {
			return err
		}
	}
	return &ExhaustedError{What: "too many count the refusals of one machine", RetryAfter: r.config.Every}
}

func (r *Refusals) mergeOnce(ctx context.Context, t *tally) error {
	key := refusalKey(t.Node)
	data, revision, err := r.book.get(ctx, key)
	if err != nil {
		return err
	}
	if revision == 0 {
		return r.begin(ctx, t)
	}
	kept, err := decodeTally(data)
	if err != nil { // nobody can go on from it
		return r.write(ctx, t, revision)
	}
	if r.over(kept) {
		if err := r.conclude(ctx, kept, revision); err != nil {
			return err
		}
		return r.begin(ctx, t)
	}
	return r.write(ctx, kept.plus(t), revision)
}

// begin writes the first tally of a machine if there is room for one more.
func (r *Refusals) begin(ctx context.Context, t *tally) error {
	listing, err := r.config.Store.List(ctx, ports.Refusals, "", r.config.Machines)
	if err != nil {
		return fmt.Errorf("counting machines that were refused: %w", err)
	}
	if len(listing.Items) >= r.config.Machines {
		return nil
	}
	return r.write(ctx, t, 0)
}

func (r *Refusals) write(ctx context.Context, t *tally, revision ports.Revision) error {
	value, err := t.encode()
	if err != nil {
		return err
	}
	key := refusalKey(t.Node)
	_, err = r.config.Store.Commit(ctx, &ports.Transaction{
		If:   []ports.Condition{{Key: key, Revision: revision}},
		Then: []ports.Write{{Key: key, Value: value}},
	})
	if err != nil {
		return fmt.Errorf("writing %v: %w", key, err)
	}
	return nil
}

// over says whether the interval of a tally has ended. One that begins in the
// future comes from a clock that was ahead, and would not end for as long.
func (r *Refusals) over(t *tally) bool {
	now := r.config.Now()
	return !now.Before(t.From.Add(r.config.Interval)) || t.From.After(now.Add(clockSkew))
}

// conclude turns a tally into a ledger entry.
func (r *Refusals) conclude(ctx context.Context, t *tally, revision ports.Revision) error {
	key := refusalKey(t.Node)
	_, err := r.config.Recorder.Append(ctx, &sequencing.Proposal{
		Entries: []ledger.Entry{{Type: ledger.Refusals, Refusals: &ledger.RefusalsEntry{
			Node: t.Node, From: t.From, Count: t.Count, Codes: t.Codes, Evidence: t.Evidence,
		}}},
		If:   []ports.Condition{{Key: key, Revision: revision}},
		Then: []ports.Write{{Key: key, Delete: true}},
	})
	if err != nil {
		return fmt.Errorf("recording refusals of %v: %w", t.Node, err)
	}
	return nil
}

// Flush writes what is pending, and turns every tally whose interval ended into a
// ledger entry. A tally that cannot be read is dropped, and named in the error. It
// goes on behind a machine that fails, and returns all errors.
func (r *Refusals) Flush(ctx context.Context) error {
	var failed []error
	for _, id := range r.waiting() {
		failed = append(failed, r.store(ctx, id))
	}
	listing, err := r.config.Store.List(ctx, ports.Refusals, "", ports.MaxListing)
	if err != nil {
		return errors.Join(append(failed, fmt.Errorf("listing refusals: %w", err))...)
	}
	for _, item := range listing.Items {
		failed = append(failed, r.flushItem(ctx, item))
	}
	r.forget()
	return errors.Join(failed...)
}

func (r *Refusals) flushItem(ctx context.Context, item *ports.Item) error {
	t, err := decodeTally(item.Value)
	if err != nil {
		return errors.Join(fmt.Errorf("%v: %w", item.Key, err), r.drop(ctx, item))
	}
	if !r.over(t) {
		return nil
	}
	if err := r.conclude(ctx, t, item.Revision); err != nil && !contended(err) { // another was first
		return err
	}
	return nil
}

// drop deletes an item as it was read.
func (r *Refusals) drop(ctx context.Context, item *ports.Item) error {
	_, err := r.config.Store.Commit(ctx, &ports.Transaction{
		If:   []ports.Condition{{Key: item.Key, Revision: item.Revision}},
		Then: []ports.Write{{Key: item.Key, Delete: true}},
	})
	if err != nil && !contended(err) { // another was first
		return fmt.Errorf("dropping %v: %w", item.Key, err)
	}
	return nil
}

// waiting returns the machines of which something is pending, sorted.
func (r *Refusals) waiting() []join.Identity {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Keys(r.pending), join.Identity.Compare)
}

// forget makes room for other machines.
func (r *Refusals) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.pending, func(_ join.Identity, p *pending) bool { return p.tally == nil })
}
