package sequencing_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

func TestAppend(t *testing.T) {
	store := memstore.New(start)
	s := newSequencer(t, store, &counting{})
	next := uint64(0)
	for n := range uint64(50) {
		p := proposal(n)
		for extra := range n % 3 {
			p.Entries = append(p.Entries, entry(1000*(extra+1)+n))
		}
		r, err := s.Append(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		want := &sequencing.Receipt{First: next, Head: headOf(t, store).Tree(), Revision: store.Revision()}
		if diff := cmp.Diff(want, r); diff != "" || want.Head.Size != next+uint64(len(p.Entries)) {
			t.Fatalf("receipt of proposal %d: %s", n, diff)
		}
		for i, e := range replay(t, store)[next:] {
			if !cmp.Equal(e.OtherKeys, p.Entries[i].OtherKeys) || e.By != ledgertest.Node(0).String() || !e.Time.Equal(start()) {
				t.Fatalf("entry %d of proposal %d became %+v", i, n, e)
			}
		}
		next += uint64(len(p.Entries))
	}
}

// TestAppendNeverGoesBackInTime: also where another node's clock is ahead.
func TestAppendNeverGoesBackInTime(t *testing.T) {
	store := memstore.New(start)
	for i, late := range []time.Duration{0, time.Hour, -time.Hour, 30 * time.Minute, 2 * time.Hour} {
		s, err := sequencing.New(sequencing.Config{
			Store: store, Now: func() time.Time { return start().Add(late) }, Random: &counting{}, By: ledgertest.Node(i).String(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(t.Context(), proposal(uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	var got []time.Duration
	for _, e := range replay(t, store) {
		got = append(got, e.Time.Sub(start()))
	}
	if want := []time.Duration{0, time.Hour, time.Hour, time.Hour, 2 * time.Hour}; !slices.Equal(got, want) {
		t.Errorf("times %v, want %v", got, want)
	}
}

// TestAppendConcurrently: two sequencers, 64 callers; every acknowledged proposal
// is in the ledger once, where its receipt says.
func TestAppendConcurrently(t *testing.T) {
	store := memstore.New(start)
	random := &counting{}
	sequencers := []*sequencing.Sequencer{newSequencer(t, store, random), newSequencer(t, store, random)}
	var mu sync.Mutex
	receipts := map[uint64]*sequencing.Receipt{} // by what tells the entry
	var group sync.WaitGroup
	for caller := range uint64(64) {
		group.Go(func() {
			for n := range uint64(20) {
				n += caller * 100
				r, err := sequencers[caller%2].Append(t.Context(), proposal(n))
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				mu.Lock()
				receipts[n+1] = r
				mu.Unlock()
			}
		})
	}
	group.Wait()
	entries := replay(t, store)
	if len(entries) != 64*20 || len(receipts) != len(entries) {
		t.Fatalf("%d entries of %d receipts", len(entries), len(receipts))
	}
	for i, e := range entries {
		if r := receipts[e.OtherKeys.Count]; r == nil || r.First != uint64(i) {
			t.Fatalf("entry %d has the receipt %+v", i, r)
		}
	}
}

// together has the proposals wait while the sequencer commits another, so that
// they share what comes next. It returns their errors.
func together(t *testing.T, store *memstore.Store, fault memstore.Fault, proposals ...*sequencing.Proposal) []error {
	t.Helper()
	started, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	client := store.Client(func(at memstore.Moment, call *memstore.Call) error {
		first := false
		if at == memstore.Before && call.Method == memstore.Commit {
			once.Do(func() { first = true; close(started); <-proceed })
		}
		if fault == nil || first {
			return nil
		}
		return fault(at, call)
	})
	s := newSequencer(t, client, &counting{})
	errs := make([]error, len(proposals))
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := s.Append(t.Context(), proposal(9999)); err != nil {
			t.Errorf("the first: %v", err)
		}
	})
	<-started
	for i, p := range proposals {
		group.Go(func() { _, errs[i] = s.Append(t.Context(), p) })
		await(t, func() bool { return s.Waiting() == i+1 })
	}
	close(proceed)
	group.Wait()
	return errs
}

// await waits for what other goroutines do.
func await(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}

// TestProposalsShareATransaction, and one whose condition does not hold is told so,
// with its own keys, and spoils nothing.
func TestProposalsShareATransaction(t *testing.T) {
	store := memstore.New(start)
	taken, missing := item("taken"), item("missing")
	if _, err := store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: taken}}}); err != nil {
		t.Fatal(err)
	}
	before := store.Revision()
	spoilt := proposal(3)
	spoilt.If = append(spoilt.If, ports.Condition{Key: taken}, ports.Condition{Key: missing, Revision: 1})
	errs := together(t, store, nil, proposal(1), spoilt, proposal(2), proposal(4))
	var conflict *ports.ConflictError
	if !errors.As(errs[1], &conflict) || !slices.Equal(conflict.Keys, []ports.Key{taken, missing}) {
		t.Errorf("the spoilt one: %v", errs[1])
	}
	for _, i := range []int{0, 2, 3} {
		if errs[i] != nil {
			t.Errorf("proposal %d: %v", i, errs[i])
		}
	}
	if n := store.Revision() - before; n != 2 {
		t.Errorf("%d transactions, want one for the first and one for the others", n)
	}
	if n := len(replay(t, store)); n != 4 {
		t.Errorf("%d entries, want 4", n)
	}
}

// TestProposalsThatTouchOneAnother do not share: each sees what the other did.
func TestProposalsThatTouchOneAnother(t *testing.T) {
	x, y := item("x"), item("y")
	write := func(n uint64, on, key ports.Key) *sequencing.Proposal {
		return &sequencing.Proposal{
			Entries: []ledger.Entry{entry(n)}, If: []ports.Condition{{Key: on}}, Then: []ports.Write{{Key: key, Value: []byte{byte(n)}}},
		}
	}
	for name, pair := range map[string][2]*sequencing.Proposal{
		"one item":         {write(1, x, x), write(2, x, x)},
		"crosswise":        {write(1, x, y), write(2, y, x)},
		"read and written": {write(1, x, x), write(2, x, y)},
	} {
		t.Run(name, func(t *testing.T) {
			store := memstore.New(start)
			errs := together(t, store, nil, pair[0], pair[1])
			if errs[0] != nil || !errors.Is(errs[1], ports.ErrStoreConflict) {
				t.Errorf("%v, %v; want one to win and the other to lose", errs[0], errs[1])
			}
			if n := len(replay(t, store)); n != 2 {
				t.Errorf("%d entries, want 2", n)
			}
		})
	}
}

// TestOneConditionForMany: what all rest on is asked once, whatever its number.
func TestOneConditionForMany(t *testing.T) {
	store := memstore.New(start)
	authority := ports.Key{Collection: ports.Heads, Name: "authority"}
	revision, err := store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: authority}}})
	if err != nil {
		t.Fatal(err)
	}
	var proposals []*sequencing.Proposal
	for n := range uint64(30) {
		p := proposal(n)
		p.If = append(p.If, ports.Condition{Key: authority, Revision: revision})
		if n == 10 {
			p.If[1].Revision++
		}
		proposals = append(proposals, p)
	}
	for n, err := range together(t, store, nil, proposals...) {
		if (n == 10) != errors.Is(err, ports.ErrStoreConflict) || n != 10 && err != nil {
			t.Errorf("proposal %d: %v", n, err)
		}
	}
	if got := store.Revision() - revision; got != 2 {
		t.Errorf("%d transactions, want 2", got)
	}
}

// TestASpoiltRequestIsFoundOut: where the store refuses a request, only the
// proposal that spoils it is refused.
func TestASpoiltRequestIsFoundOut(t *testing.T) {
	store := memstore.New(start)
	refuse := func(at memstore.Moment, call *memstore.Call) error {
		spoils := func(w ports.Write) bool { return w.Key == item("record-2") }
		if at == memstore.Before && call.Method == memstore.Commit && slices.ContainsFunc(call.Transaction.Then, spoils) {
			return ports.ErrStoreRequest
		}
		return nil
	}
	for i, err := range together(t, store, refuse, proposal(0), proposal(1), proposal(2), proposal(3)) {
		if (i == 2) != errors.Is(err, ports.ErrStoreRequest) || i != 2 && err != nil {
			t.Errorf("proposal %d: %v", i, err)
		}
	}
	if n := len(replay(t, store)); n != 4 {
		t.Errorf("%d entries, want 4", n)
	}
}

// TestFirstOnly: who wants to begin the ledger does, or is told that it has begun.
func TestFirstOnly(t *testing.T) {
	store := memstore.New(start)
	head := ports.Key{Collection: ports.Heads, Name: "ledger"}
	first := func(n uint64) *sequencing.Proposal {
		p := proposal(n)
		p.If = append(p.If, ports.Condition{Key: head})
		return p
	}
	ours, theirs := newSequencer(t, store, &counting{}), newSequencer(t, store, &counting{next: 100})
	if _, err := theirs.Append(t.Context(), first(1)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*sequencing.Sequencer{ours, theirs, ours} {
		var conflict *ports.ConflictError
		if _, err := s.Append(t.Context(), first(2)); !errors.As(err, &conflict) || !slices.Equal(conflict.Keys, []ports.Key{head}) {
			t.Errorf("a second beginning: %v", err)
		}
	}
	if _, err := ours.Append(t.Context(), proposal(2)); err != nil {
		t.Error(err)
	}
	for i, err := range together(t, memstore.New(start), nil, proposal(5), first(6), proposal(7)) {
		if (i == 1) != errors.Is(err, ports.ErrStoreConflict) || i != 1 && err != nil {
			t.Errorf("proposal %d: %v", i, err)
		}
	}
}

// TestErrorsPassThrough: the store's errors reach every caller, and the next
// proposal finds the store as it is then.
func TestErrorsPassThrough(t *testing.T) {
	for _, want := range []error{ports.ErrStoreFull, ports.ErrStoreUnavailable} {
		for _, method := range []memstore.Method{memstore.Commit, memstore.Get} {
			store := memstore.New(start)
			var broken atomic.Bool
			broken.Store(true)
			s := newSequencer(t, store.Client(func(at memstore.Moment, call *memstore.Call) error {
				if at == memstore.Before && call.Method == method && broken.Load() {
					return want
				}
				return nil
			}), &counting{})
			if _, err := s.Append(t.Context(), proposal(1)); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", method, err, want)
			}
			broken.Store(false)
			if r, err := s.Append(t.Context(), proposal(1)); err != nil || r.First != 0 {
				t.Errorf("afterwards: %+v, %v", r, err)
			}
		}
	}
}

func TestNewWantsEverything(t *testing.T) {
	whole := sequencing.Config{Store: memstore.New(start), Now: start, Random: &counting{}, By: ledgertest.Node(0).String()}
	if _, err := sequencing.New(whole); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		c := whole
		switch i {
		case 0:
			c.Store = nil
		case 1:
			c.Now = nil
		case 2:
			c.Random = nil
		case 3:
			c.By = ""
		default:
			c.By = "somebody"
		}
		if _, err := sequencing.New(c); err == nil {
			t.Errorf("a sequencer without part %d was made", i)
		}
	}
}
