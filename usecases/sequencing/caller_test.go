package sequencing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

func by() string { return ledgertest.Node(0).String() }

// held is a sequencer whose first commit waits at a moment.
type held struct {
	*sequencing.Sequencer
	store   *memstore.Store
	started chan struct{}
	proceed chan error // what the commit answers; nil: as it is
	group   sync.WaitGroup
}

func hold(t *testing.T, at memstore.Moment) *held {
	t.Helper()
	h := &held{store: memstore.New(start), started: make(chan struct{}), proceed: make(chan error, 1)}
	var once sync.Once
	h.Sequencer = newSequencer(t, h.store.Client(func(moment memstore.Moment, call *memstore.Call) (err error) {
		if moment == at && call.Method == memstore.Commit {
			once.Do(func() { close(h.started); err = <-h.proceed })
		}
		return err
	}), &counting{})
	return h
}

// append appends in the background.
func (h *held) append(ctx context.Context, n uint64) <-chan error {
	result := make(chan error, 1)
	h.group.Go(func() {
		_, err := h.Append(ctx, proposal(n))
		result <- err
	})
	return result
}

// TestACallerThatLeaves: before its turn nothing was written, and later nobody
// knows; the others do not notice.
func TestACallerThatLeaves(t *testing.T) {
	for name, test := range map[string]struct {
		at    memstore.Moment
		reply error
	}{
		"before the commit":                {memstore.Before, nil},
		"after the commit":                 {memstore.After, nil},
		"and the answer is lost":           {memstore.After, ports.ErrOutcomeUnknown},
		"and the request is lost":          {memstore.Before, ports.ErrOutcomeUnknown},
		"and the store cannot for that":    {memstore.Before, ports.ErrStoreUnavailable},
		"and another node has been faster": {memstore.Before, &ports.ConflictError{Keys: []ports.Key{{Collection: ports.Heads, Name: "ledger"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := hold(t, test.at)
			ctx, cancel := context.WithCancel(t.Context())
			leader := h.append(ctx, 0)
			<-h.started
			waits, leaves := h.append(t.Context(), 1), h.append(ctx, 2)
			await(t, func() bool { return h.Waiting() == 2 })
			cancel()
			if err := <-leaves; !errors.Is(err, ports.ErrStoreUnavailable) || !errors.Is(err, context.Canceled) || errors.Is(err, ports.ErrOutcomeUnknown) {
				t.Errorf("who left before its turn: %v", err)
			}
			h.proceed <- test.reply
			if err := <-waits; err != nil {
				t.Errorf("who stayed: %v", err)
			}
			err := <-leader
			if _, missing := h.store.Get(t.Context(), item("record-0")); err == nil && missing != nil || err != nil &&
				!errors.Is(err, ports.ErrOutcomeUnknown) && (missing == nil || !errors.Is(err, ports.ErrStoreUnavailable)) {
				t.Errorf("who led and left was told %v, and its item: %v", err, missing)
			}
			h.group.Wait()
			for _, e := range replay(t, h.store) {
				if e.OtherKeys.Count == 3 {
					t.Error("what was withdrawn is in the ledger")
				}
			}
		})
	}
}

// TestACallerThatLeavesWhileItIsSent: another sends for it.
func TestACallerThatLeavesWhileItIsSent(t *testing.T) {
	h := hold(t, memstore.Before)
	second := make(chan struct{})
	proceed := make(chan struct{})
	commits := 0
	h.Sequencer = newSequencer(t, h.store.Client(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Method == memstore.Commit {
			commits++ // one at a time
			switch commits {
			case 1:
				close(h.started)
				<-h.proceed
			case 2:
				close(second)
				<-proceed
			}
		}
		return nil
	}), &counting{})
	ctx, cancel := context.WithCancel(t.Context())
	first := h.append(t.Context(), 0)
	<-h.started
	leader := h.append(t.Context(), 1)
	await(t, func() bool { return h.Waiting() == 1 })
	leaves := h.append(ctx, 2)
	await(t, func() bool { return h.Waiting() == 2 })
	h.proceed <- nil
	<-second
	cancel()
	if err := <-leaves; !errors.Is(err, ports.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("who left while it was sent: %v", err)
	}
	close(proceed)
	if err := errors.Join(<-first, <-leader); err != nil {
		t.Error(err)
	}
	h.group.Wait()
	if n := len(replay(t, h.store)); n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
}

// TestTheDoubtIsHandedOn: the leader leaves without an answer, and another caller
// of the same transaction learns what became of it.
func TestTheDoubtIsHandedOn(t *testing.T) {
	for name, test := range map[string]struct {
		at    memstore.Moment
		reply error
	}{
		"not done":           {memstore.Before, ports.ErrOutcomeUnknown},
		"done":               {memstore.After, ports.ErrOutcomeUnknown},
		"known not to be so": {memstore.Before, ports.ErrStoreUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			h := hold(t, test.at)
			ctx, cancel := context.WithCancel(t.Context())
			commits := 0
			h.Sequencer = newSequencer(t, h.store.Client(func(moment memstore.Moment, call *memstore.Call) error {
				if call.Method != memstore.Commit {
					return nil
				}
				if moment == memstore.Before {
					commits++
				}
				switch {
				case commits == 1 && moment == memstore.Before:
					close(h.started)
					return <-h.proceed
				case commits == 2 && moment == test.at:
					cancel() // while the leader waits for the answer
					return test.reply
				}
				return nil
			}), &counting{})
			first := h.append(t.Context(), 0)
			<-h.started
			leads := h.append(ctx, 1)
			await(t, func() bool { return h.Waiting() == 1 })
			shares := h.append(t.Context(), 2)
			await(t, func() bool { return h.Waiting() == 2 })
			h.proceed <- nil
			if err := errors.Join(<-first, <-shares); err != nil {
				t.Error(err)
			}
			if err := <-leads; !errors.Is(err, test.reply) || !errors.Is(err, context.Canceled) {
				t.Errorf("the leader: %v", err)
			}
			h.group.Wait()
			seen := map[uint64]int{}
			for _, e := range replay(t, h.store) {
				seen[e.OtherKeys.Count]++
			}
			if seen[1] != 1 || seen[3] != 1 || seen[2] > 1 {
				t.Errorf("in the ledger, by proposal: %v", seen)
			}
		})
	}
}

func TestAContextThatIsDone(t *testing.T) {
	store := memstore.New(start)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := newSequencer(t, store, &counting{})
	if _, err := s.Append(ctx, proposal(1)); !errors.Is(err, context.Canceled) || !errors.Is(err, ports.ErrStoreUnavailable) {
		t.Errorf("%v", err)
	}
	if _, err := s.Append(t.Context(), proposal(1)); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// TestThreat23EntriesAreBounded: no proposal and no number of them makes a
// transaction, an item or a queue larger than is written down.
func TestThreat23EntriesAreBounded(t *testing.T) {
	store := memstore.New(start)
	s := newSequencer(t, store, &counting{})
	if _, err := s.Append(t.Context(), &sequencing.Proposal{Entries: []ledger.Entry{largest()}}); err != nil {
		t.Fatalf("a large entry: %v", err)
	}
	before := store.Revision()
	large := entry(1)
	large.OtherKeys.Caller = strings.Repeat("x", ledger.MaxEntrySize)
	many := make([]ledger.Entry, ledger.MaxBatch+1)
	for i := range many {
		many[i] = entry(uint64(i))
	}
	refusals := make([]ledger.Entry, 300)
	for i := range refusals {
		refusals[i] = largest()
	}
	conditions := make([]ports.Condition, ports.MaxOperations)
	writes := make([]ports.Write, ports.MaxOperations-1)
	for i := range conditions {
		conditions[i].Key = item("c-%d", i)
	}
	for i := range writes {
		writes[i].Key = item("w-%d", i)
	}
	one := []ledger.Entry{entry(1)}
	for name, p := range map[string]*sequencing.Proposal{
		"no entry":            {Then: writes[:1]},
		"a malformed entry":   {Entries: []ledger.Entry{{Type: ledger.Init}}},
		"a large entry":       {Entries: []ledger.Entry{large}},
		"many entries":        {Entries: many},
		"large entries":       {Entries: refusals},
		"many conditions":     {Entries: one, If: conditions},
		"many writes":         {Entries: one, Then: writes},
		"a large value":       {Entries: one, Then: []ports.Write{{Key: item("x"), Value: make([]byte, ports.MaxItemSize+1)}}},
		"a bad name":          {Entries: one, Then: []ports.Write{{Key: item("x/y")}}},
		"one item twice":      {Entries: one, Then: []ports.Write{{Key: item("x")}, {Key: item("x")}}},
		"the ledger's head":   {Entries: one, Then: []ports.Write{{Key: ports.Key{Collection: ports.Heads, Name: "ledger"}}}},
		"a batch":             {Entries: one, Then: []ports.Write{{Key: sequencing.BatchKey(5)}}},
		"a batch taken away":  {Entries: one, Then: []ports.Write{{Key: sequencing.BatchKey(5), Delete: true}}},
		"a later head":        {Entries: one, If: []ports.Condition{{Key: ports.Key{Collection: ports.Heads, Name: "ledger"}, Revision: 1}}},
		"a negative revision": {Entries: one, If: []ports.Condition{{Key: item("x"), Revision: -1}}},
	} {
		if _, err := s.Append(t.Context(), p); !errors.Is(err, sequencing.ErrProposal) {
			t.Errorf("%s: %v, want ErrProposal", name, err)
		}
	}
	if store.Revision() != before {
		t.Errorf("something was written")
	}
	fits := &sequencing.Proposal{Entries: one, If: conditions[1:], Then: writes[1:]}
	if _, err := s.Append(t.Context(), fits); err != nil {
		t.Errorf("as much as is allowed: %v", err)
	}
}

// largest is an entry about as large as they get.
func largest() ledger.Entry {
	e := ledgertest.RefusalsEntry(1)
	for i := range ledger.MaxCodes - len(e.Refusals.Codes) {
		e.Refusals.Codes = append(e.Refusals.Codes, policy.Code(fmt.Sprintf("X%063d", i)))
	}
	return e
}

// TestThreat23TransactionsAreBounded: however many wait, and whatever they want.
func TestThreat23TransactionsAreBounded(t *testing.T) {
	store := memstore.New(start)
	var proposals []*sequencing.Proposal
	for n := range uint64(150) {
		p := proposal(n)
		p.Then[0].Value = bytes.Repeat([]byte{1}, 20<<10)
		p.If = append(p.If, ports.Condition{Key: item("other-%d", n)})
		proposals = append(proposals, p)
	}
	shared := 0
	watch := func(at memstore.Moment, call *memstore.Call) error {
		if at != memstore.Before || call.Method != memstore.Commit {
			return nil
		}
		size := 0
		for _, w := range call.Transaction.Then {
			size += len(w.Value)
		}
		if size > 520<<10 || len(call.Transaction.If) > ports.MaxOperations || len(call.Transaction.Then) > ports.MaxOperations {
			t.Errorf("a transaction of %d bytes, %d conditions and %d writes", size, len(call.Transaction.If), len(call.Transaction.Then))
		}
		shared = max(shared, len(call.Transaction.Then)-2)
		return nil
	}
	for i, err := range together(t, store, watch, proposals...) {
		if err != nil {
			t.Errorf("proposal %d: %v", i, err)
		}
	}
	if shared < 20 {
		t.Errorf("at most %d shared a transaction", shared)
	}
	if n := len(replay(t, store)); n != 151 {
		t.Errorf("%d entries, want 151", n)
	}
}

// TestThreat23TheQueueIsBounded: who comes when too many wait is told at once.
func TestThreat23TheQueueIsBounded(t *testing.T) {
	h := hold(t, memstore.Before)
	client := h.store.Client(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Method == memstore.Commit && call.Number == 2 {
			close(h.started)
			return <-h.proceed
		}
		return nil
	})
	var err error
	h.Sequencer, err = sequencing.New(sequencing.Config{
		Store: client, Now: start, Random: &counting{}, By: by(), Limits: sequencing.Limits{Waiting: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	results := []<-chan error{h.append(t.Context(), 0)}
	<-h.started
	for n := range uint64(3) {
		results = append(results, h.append(t.Context(), n+1))
	}
	await(t, func() bool { return h.Waiting() == 3 })
	if _, err := h.Append(t.Context(), proposal(9)); !errors.Is(err, sequencing.ErrBusy) || !errors.Is(err, ports.ErrStoreUnavailable) {
		t.Errorf("one too many: %v, want ErrBusy", err)
	}
	h.proceed <- nil
	for _, result := range results {
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
	h.group.Wait()
}

func BenchmarkAppend64(b *testing.B) {
	store := memstore.New(start)
	s := newSequencer(b, store, &counting{})
	next := make(chan uint64, b.N)
	for n := range uint64(b.N) {
		next <- n
	}
	close(next)
	b.ResetTimer()
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for n := range next {
				if _, err := s.Append(b.Context(), proposal(n)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(b.N)/float64(store.Revision()), "entries/transaction")
}
