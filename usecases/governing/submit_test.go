package governing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

func TestNewRefuses(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*governing.Config){
		"store":   func(c *governing.Config) { c.Store = nil },
		"clock":   func(c *governing.Config) { c.Now = nil },
		"owner":   func(c *governing.Config) { c.Owner = keys.OwnerID{} },
		"cluster": func(c *governing.Config) { c.Cluster = keys.ClusterID{} },
	} {
		c := governing.Config{Store: w.store, Recorder: w.recorder, Owner: w.author.Owner(), Cluster: w.author.Cluster(), Now: now}
		change(&c)
		if _, err := governing.New(c); !errors.Is(err, ports.ErrStoreRequest) {
			t.Errorf("without a %s: %v", name, err)
		}
	}
}

// Who only reads needs no recorder.
func TestSubmitNeedsARecorder(t *testing.T) {
	w := newWorld(t)
	w.submit(w.governor(), w.author.Statement())
	g := w.governor(by(nil))
	if head := w.load(g).Head(); head != w.author.Head() {
		t.Errorf("it loads %v", head)
	}
	if _, err := g.Submit(t.Context(), w.author.Freeze()); !errors.Is(err, ports.ErrStoreRequest) {
		t.Errorf("submitting: %v", err)
	}
}

// What one node accepts, every other loads; each directive is stored with what it
// carries, and one entry tells of it.
func TestSubmittedDirectivesAreEverywhere(t *testing.T) {
	w := newWorld(t)
	g := w.governor()
	if a, revision, err := g.Load(t.Context()); err != nil || revision != 0 || a.Head() != (authority.Head{}) {
		t.Fatalf("an empty store: %v at %d, %v", a.Head(), revision, err)
	}
	for i, signed := range history(w.author) {
		serial := uint64(i + 1)
		receipt := w.submit(g, signed)
		if receipt.Head.Serial != serial || receipt.Ledger == nil || receipt.Ledger.First != uint64(i) {
			t.Errorf("directive %d: %+v", serial, receipt)
		}
		if stored := w.get(governing.DirectiveKey(serial)); !bytes.Equal(stored, signed) {
			t.Errorf("directive %d is stored as %.80q", serial, stored)
		}
		if stored := w.get(governing.HeadKey()); !bytes.Equal(stored, w.encode(receipt.Head)) {
			t.Errorf("after directive %d the head is %s", serial, stored)
		}
		for _, g := range []*governing.Governor{g, w.governor()} {
			a, revision, err := g.Load(t.Context())
			if err != nil || a.Head() != receipt.Head || revision != receipt.Ledger.Revision {
				t.Errorf("after directive %d: %v at %d, %v", serial, a.Head(), revision, err)
			}
		}
	}
	w.checkDocuments()
	w.checkEntries()
}

func (w *world) checkDocuments() {
	w.Helper()
	a := w.load(w.governor())
	if stored := w.get(governing.StatementKey(2)); !bytes.Equal(stored, a.SignedStatement()) || w.get(governing.StatementKey(1)) == nil {
		w.Errorf("statement 2 is stored as %.80q", stored)
	}
	p, err := a.Policy()
	if err != nil {
		w.Fatal(err)
	}
	if stored := w.get(governing.PolicyKey(sha256Of(string(p.JSON())))); !bytes.Equal(stored, p.JSON()) {
		w.Errorf("policy 1 is stored as %.80q", stored)
	}
}

func (w *world) checkEntries() {
	w.Helper()
	if len(w.recorder.entries) != len(w.author.All()) {
		w.Fatalf("%d entries tell of %d directives", len(w.recorder.entries), len(w.author.All()))
	}
	for i, signed := range w.author.All() {
		s, err := authority.DecodeSigned(signed)
		if err != nil {
			w.Fatal(err)
		}
		d, err := authority.DecodeDirective(s.Directive)
		if err != nil {
			w.Fatal(err)
		}
		want := ledger.DirectiveEntry{Serial: uint64(i + 1), Kind: d.Kind, Hash: sha256Of(string(s.Directive)), Node: d.Node}
		if e := w.recorder.entries[i]; e.Type != ledger.Directive || *e.Directive != want {
			w.Errorf("entry %d: %+v", i, e.Directive)
		}
	}
}

// To submit a directive again succeeds and changes nothing, on any node, also when
// others came after it.
func TestSubmitTwiceIsOnce(t *testing.T) {
	w := newWorld(t)
	g := w.governor()
	all := history(w.author)
	w.submit(g, all...)
	before := w.store.Revision()
	for i, signed := range all {
		for _, g := range []*governing.Governor{g, w.governor()} {
			receipt := w.submit(g, signed)
			if receipt.Head.Serial != uint64(i+1) || receipt.Ledger != nil {
				t.Errorf("directive %d again: %+v", i+1, receipt)
			}
		}
	}
	if after := w.store.Revision(); after != before {
		t.Error("the store was written to")
	}
	w.checkEntries()
}

// What is refused is refused with a reason, and nothing is written.
func TestSubmitRefuses(t *testing.T) {
	w := newWorld(t)
	g := w.governor()
	w.submit(g, w.author.Statement(), w.author.Deny(machine("w2"), "stolen"))
	older := w.author.Fork()
	w.submit(g, w.author.Freeze())
	stranger := authoritytest.New(t, authoritytest.Config{Seed: "stranger", Cluster: w.author.Cluster()})
	elsewhere := authoritytest.New(t, authoritytest.Config{Seed: "governing", Cluster: keys.ClusterID{1}})
	skipping := w.author.Fork()
	skipping.Freeze()
	late := w.author.Fork()
	before := w.store.Revision()
	for name, tt := range map[string]struct {
		signed []byte
		reason authority.Reason
	}{
		"not a directive":                    {[]byte("freeze"), authority.Malformed},
		"nothing":                            {nil, authority.Malformed},
		"by a stranger":                      {w.author.Fork().By("stranger").Thaw(), authority.NotDelegated},
		"by a reader":                        {w.author.Fork().By("auditor").Thaw(), authority.NotDelegated},
		"a statement by an administrator":    {w.author.Fork().By("platform").Statement(), authority.NotOwner},
		"of another owner":                   {stranger.Statement(), authority.Rollback},
		"of another cluster":                 {elsewhere.Statement(), authority.OtherCluster},
		"with the serial of another":         {older.Thaw(), authority.Forked},
		"after one that was not submitted":   {skipping.Thaw(), authority.Gap},
		"an approval of who was denied":      {w.author.Fork().Approve(machine("w2"), join.Worker), authority.Denied},
		"of a clock that is too far ahead":   {late.Sign(authority.Directive{Kind: authority.Thaw, Issued: now().Add(time.Hour)}, nil), authority.NotYetValid},
		"an approval that has expired":       {w.author.Fork().Approve(machine("w1"), join.Worker, expires(time.Minute)), authority.Expired},
		"a statement that has expired":       {w.author.Fork().Statement(lasting(time.Minute)), authority.Expired},
		"with something behind":              {append(w.author.Fork().Thaw(), 0), authority.Malformed},
		"an older one with another document": {attached(t, w.author.All()[2], []byte("{}")), ""}, // was accepted: its document is not what it is known by
	} {
		receipt, err := g.Submit(t.Context(), tt.signed)
		if reasonOf(err) != tt.reason || (receipt == nil) != (tt.reason != "") {
			t.Errorf("%s: %+v, %v", name, receipt, err)
		}
	}
	if after := w.store.Revision(); after != before {
		t.Error("the store was written to")
	}
}

func expires(after time.Duration) func(*authority.Directive) {
	return func(d *authority.Directive) { d.Expires = d.Issued.Add(after) }
}

func lasting(d time.Duration) func(*owner.Statement) {
	return func(s *owner.Statement) { s.Expires = s.Issued.Add(d) }
}

// attached returns the directive with another document.
func attached(t *testing.T, signed, document []byte) []byte {
	t.Helper()
	s, err := authority.DecodeSigned(signed)
	if err != nil {
		t.Fatal(err)
	}
	s.Attached = document
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Two administrators sign at once, on two nodes: one of them has to sign again.
func TestSerialsAreTakenOnce(t *testing.T) {
	w := newWorld(t)
	one, two := w.governor(), w.governor()
	w.submit(one, w.author.Statement())
	w.load(two)
	twin := w.author.Fork()
	w.submit(one, w.author.Freeze())
	if _, err := two.Submit(t.Context(), twin.Deny(machine("w1"), "stolen")); reasonOf(err) != authority.Forked {
		t.Fatalf("the second directive 2: %v", err)
	}
	d, err := two.Next(t.Context(), authority.Directive{Kind: authority.Deny, Node: machine("w1"), Comment: "stolen"})
	if err != nil || d.Serial != 3 || !d.Issued.Equal(now()) {
		t.Fatalf("signed again: %+v, %v", d, err)
	}
	w.submit(two, w.author.By("night-shift").Sign(*d, nil))
	if _, denied := w.load(one).Standing().Denied(machine("w1")); !denied {
		t.Error("it is not denied")
	}
}

// Between reading and writing somebody else commits: the directive is judged anew.
func TestSubmitIsJudgedAnewAfterAConflict(t *testing.T) {
	w := newWorld(t)
	other := w.governor(by(w.recorder.Recorder))
	g := w.governor()
	w.submit(g, w.author.Statement())
	twin := w.author.Fork()
	freeze := w.author.Freeze()
	w.recorder.before = func(*sequencing.Proposal) error {
		w.recorder.before = nil
		w.submit(other, freeze)
		return nil
	}
	if _, err := g.Submit(t.Context(), twin.By("platform").Thaw()); reasonOf(err) != authority.Forked {
		t.Errorf("another of the same serial: %v", err)
	}
	thaw := w.author.Thaw()
	w.recorder.before = func(*sequencing.Proposal) error {
		w.recorder.before = nil
		w.submit(other, thaw)
		return nil
	}
	if receipt := w.submit(g, thaw); receipt.Ledger != nil || receipt.Head != w.author.Head() {
		t.Errorf("the same: %+v", receipt)
	}
}

// An answer that is lost is found: there is one directive and one entry whether it
// was carried out or not.
func TestSubmitWithoutAnAnswer(t *testing.T) {
	lost := fmt.Errorf("%w: the line was cut", ports.ErrOutcomeUnknown)
	for name, cut := range map[string]func(*recorder){
		"carried out": func(r *recorder) { r.after = once(lost) },
		"not carried out": func(r *recorder) {
			first := once(lost)
			r.before = func(*sequencing.Proposal) error { return first() }
		},
	} {
		w := newWorld(t)
		cut(w.recorder)
		if receipt := w.submit(w.governor(), w.author.Statement()); receipt.Head != w.author.Head() {
			t.Errorf("%s: %+v", name, receipt)
		}
		if w.load(w.governor()).Head() != w.author.Head() {
			t.Errorf("%s: it is not there", name)
		}
		w.checkEntries()
	}
}

// What cannot be carried out is said, as what it is.
func TestSubmitFails(t *testing.T) {
	conflict := &ports.ConflictError{Keys: []ports.Key{governing.HeadKey()}}
	for name, tt := range map[string]struct{ answer, want error }{
		"conflicts for ever": {conflict, governing.ErrContended},
		"never an answer":    {fmt.Errorf("%w: again", ports.ErrOutcomeUnknown), ports.ErrOutcomeUnknown},
		"unavailable":        {fmt.Errorf("%w: no leader", ports.ErrStoreUnavailable), ports.ErrStoreUnavailable},
		"full":               {fmt.Errorf("%w: quota", ports.ErrStoreFull), ports.ErrStoreFull},
	} {
		w := newWorld(t)
		w.recorder.before = func(*sequencing.Proposal) error { return tt.answer }
		g := w.governor()
		receipt, err := g.Submit(t.Context(), w.author.Statement())
		if !errors.Is(err, tt.want) || receipt != nil {
			t.Errorf("%s: %+v, %v", name, receipt, err)
		}
		if head := w.load(g).Head(); head != (authority.Head{}) {
			t.Errorf("%s: and yet the head is %v", name, head)
		}
	}
}

// After a lost answer nothing is forgotten: whoever cannot find out what became of
// it is told so.
func TestSubmitCannotFindOut(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.recorder.after = func() error {
		cancel()
		return fmt.Errorf("%w: %w", ports.ErrOutcomeUnknown, context.Canceled)
	}
	if _, err := w.governor().Submit(ctx, w.author.Statement()); !errors.Is(err, ports.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("the caller went away: %v", err)
	}
	broken := newWorld(t)
	gone := false
	client := broken.store.Client(nil)
	broken.recorder.after = func() error {
		gone = true
		return fmt.Errorf("%w: the line was cut", ports.ErrOutcomeUnknown)
	}
	g := broken.governor(over(&hostile{Store: client, get: func(i *ports.Item, err error) (*ports.Item, error) {
		if gone {
			return nil, fmt.Errorf("%w: no leader", ports.ErrStoreUnavailable)
		}
		return i, err
	}}))
	if _, err := g.Submit(t.Context(), broken.author.Statement()); !errors.Is(err, ports.ErrOutcomeUnknown) || !errors.Is(err, ports.ErrStoreUnavailable) {
		t.Errorf("the store went away: %v", err)
	}
}

// Many sign and submit on two nodes at once: each directive is accepted once, and
// the chain is whole.
func TestConcurrentGovernors(t *testing.T) {
	const writers, each = 6, 8
	w := newWorld(t)
	governors := []*governing.Governor{w.governor(), w.governor()}
	w.submit(governors[0], w.author.Statement())
	var signing sync.Mutex
	sign := func(d *authority.Directive) []byte {
		signing.Lock()
		defer signing.Unlock()
		return w.author.Fork().By("platform").Sign(*d, nil)
	}
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			for n := range each {
				d := authority.Directive{Kind: authority.Deny, Node: machine(fmt.Sprintf("%d-%d", i, n))}
				if err := insist(t.Context(), governors[i%2], d, sign); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	a := w.load(w.governor())
	if got := len(a.Standing().Denials); a.Head().Serial != 1+writers*each || got != writers*each {
		t.Errorf("%d directives, %d denials, want %d", a.Head().Serial, got, writers*each)
	}
	if len(w.recorder.entries) != 1+writers*each {
		t.Errorf("%d entries", len(w.recorder.entries))
	}
}

// insist signs again until the directive has a serial of its own.
func insist(ctx context.Context, g *governing.Governor, d authority.Directive, sign func(*authority.Directive) []byte) error {
	for {
		next, err := g.Next(ctx, d)
		if err != nil {
			return err
		}
		_, err = g.Submit(ctx, sign(next))
		if err == nil {
			return nil
		}
		if reason := reasonOf(err); reason != authority.Forked && reason != authority.Rollback && !errors.Is(err, governing.ErrContended) {
			return err
		}
	}
}
