package governing_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// world is a store, a ledger, and an owner.
type world struct {
	testing.TB
	store    *memstore.Store
	recorder *recorder
	author   *authoritytest.Author
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store := memstore.New(now)
	sequencer, err := sequencing.New(sequencing.Config{Store: store, Now: now, Random: rand.NewChaCha8([32]byte{1}), By: machine("cp-1").String()})
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, store, &recorder{Recorder: sequencer}, authoritytest.New(t, authoritytest.Config{Seed: "governing"})}
}

// now is late enough for everything that the owner signs here.
func now() time.Time { return authoritytest.Start().Add(30 * time.Minute) }

// governor returns one that has read nothing yet.
func (w *world) governor(changes ...func(*governing.Config)) *governing.Governor {
	w.Helper()
	c := governing.Config{Store: w.store, Recorder: w.recorder, Owner: w.author.Owner(), Cluster: w.author.Cluster(), Now: now}
	for _, change := range changes {
		change(&c)
	}
	g, err := governing.New(c)
	if err != nil {
		w.Fatal(err)
	}
	return g
}

func over(store ports.Store) func(*governing.Config) {
	return func(c *governing.Config) { c.Store = store }
}

func by(r governing.Recorder) func(*governing.Config) {
	return func(c *governing.Config) { c.Recorder = r }
}

func (w *world) submit(g *governing.Governor, signed ...[]byte) *governing.Receipt {
	w.Helper()
	var receipt *governing.Receipt
	for _, s := range signed {
		var err error
		if receipt, err = g.Submit(w.Context(), s); err != nil {
			w.Fatal(err)
		}
	}
	return receipt
}

func (w *world) load(g *governing.Governor) *authority.Authority {
	w.Helper()
	a, _, err := g.Load(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func (w *world) commit(writes ...ports.Write) {
	w.Helper()
	if _, err := w.store.Commit(w.Context(), &ports.Transaction{Then: writes}); err != nil {
		w.Fatal(err)
	}
}

// get returns an item's value, nil where there is none.
func (w *world) get(key ports.Key) []byte {
	w.Helper()
	item, err := w.store.Get(w.Context(), key)
	if errors.Is(err, ports.ErrNoItem) {
		return nil
	}
	if err != nil {
		w.Fatal(err)
	}
	return item.Value
}

// recorder counts what is appended, and does before or after it what a test wants.
type recorder struct {
	governing.Recorder
	before func(p *sequencing.Proposal) error // its error is the answer
	after  func() error                       // its error takes the place of the answer

	mu      sync.Mutex
	entries []ledger.Entry
}

// Append implements governing.Recorder.
func (r *recorder) Append(ctx context.Context, p *sequencing.Proposal) (*sequencing.Receipt, error) {
	if r.before != nil {
		if err := r.before(p); err != nil {
			return nil, err
		}
	}
	receipt, err := r.Recorder.Append(ctx, p)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.entries = append(r.entries, p.Entries...)
	r.mu.Unlock()
	if r.after != nil {
		if err := r.after(); err != nil {
			return nil, err
		}
	}
	return receipt, nil
}

// once returns the error the first time.
func once(err error) func() error {
	done := false
	return func() error {
		if done {
			return nil
		}
		done = true
		return err
	}
}

func machine(name string) join.Identity { return authoritytest.Machine(name) }

func sha256Of(text string) measurement.Digest {
	return measurement.Sum(measurement.SHA256, []byte(text))
}

func recordKey(name string) ports.Key {
	return ports.Key{Collection: ports.Records, Name: machine(name).String()}
}

func waitingKey(name string) ports.Key {
	return ports.Key{Collection: ports.Waiting, Name: machine(name).String()}
}

// record is that of a member.
func (w *world) record(name string) *join.Record {
	w.Helper()
	r := &join.Record{
		Version: join.RecordVersion, Serial: 1, Identity: machine(name), State: join.Member, Name: join.NodeName(name), Role: join.Worker,
		Disk: "7c1e2a9a-6a4b-4a0e-9f0e-5f1f2d3c4b5a", Platform: evidence.ProcessVTPM, Boot: join.Boot{ResetCount: 1, AK: sha256Of("ak")},
		Request: join.RequestID{1}, Kind: join.FirstJoin, Policy: 1, Directive: 1, Joined: now(), Attested: now(),
	}
	if err := r.Validate(); err != nil {
		w.Fatal(err)
	}
	return r
}

func (w *world) encode(d interface{ Encode() ([]byte, error) }) []byte {
	w.Helper()
	data, err := d.Encode()
	if err != nil {
		w.Fatal(err)
	}
	return data
}

// history signs one directive of each kind.
func history(author *authoritytest.Author) [][]byte { return say(author, 8) }

// say signs the first n of them.
func say(author *authoritytest.Author, n int) [][]byte {
	for _, sign := range []func(){
		func() { author.Statement() },
		func() { author.By("platform").Policy() },
		func() { author.JoinPolicy(*join.Default()) },
		func() { author.By("night-shift").Approve(machine("w1"), join.Worker) },
		func() { author.By("platform").Deny(machine("w2"), "stolen") },
		func() { author.Freeze() },
		func() { author.Statement() },
		func() { author.By("platform").Thaw() },
	}[:n] {
		sign()
	}
	return author.All()
}

func reasonOf(err error) authority.Reason {
	var refused *authority.DirectiveError
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Reason
}
