package sequencing_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// network is what lies between sequencers and the store: it loses answers, loses
// requests, and delivers some of them late.
type network struct {
	t     *rapid.T
	store *memstore.Store
	late  []*ports.Transaction
}

// fates are what may become of a call.
type fate int

const (
	delivered   fate = iota
	answerLost       // it was done, and nobody is told
	requestLost      // it was not, and nobody is told
	overtaken        // it is done later, or never
	down             // the store says that it cannot
)

// fault draws the fate of each call.
func (n *network) fault(at memstore.Moment, call *memstore.Call) error {
	if at == memstore.Before {
		n.deliverLate()
		call.Err = nil
	}
	drawn := delivered
	if at == memstore.Before {
		drawn = fate(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3, 4}).Draw(n.t, "fate"))
	}
	commit := call.Method == memstore.Commit
	switch {
	case drawn == down, drawn != delivered && !commit:
		return ports.ErrStoreUnavailable
	case drawn == answerLost:
		// A conflict that is not told is the same as a lost request.
		_, _ = n.store.Commit(context.Background(), call.Transaction)
		return ports.ErrOutcomeUnknown
	case drawn == overtaken:
		n.late = append(n.late, call.Transaction)
		return ports.ErrOutcomeUnknown
	case drawn == requestLost:
		return ports.ErrOutcomeUnknown
	}
	return nil
}

// deliverLate carries out some of what was sent long ago.
func (n *network) deliverLate() {
	for len(n.late) > 0 && rapid.Bool().Draw(n.t, "late") {
		tx := n.late[0]
		n.late = n.late[1:]
		_, _ = n.store.Commit(context.Background(), tx) // its sender does not listen any more
	}
}

// what became of a proposal, as its caller knows.
type told struct {
	proposal *sequencing.Proposal
	receipt  *sequencing.Receipt
	err      error
}

// TestNothingIsLostOrTwice: whatever the network does, what was acknowledged is in
// the ledger once, where the receipt says, with its writes; what was refused is
// not; and what is unknown is there at most once, entries with writes.
func TestNothingIsLostOrTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := &network{t: t, store: memstore.New(start)}
		random := &counting{}
		var sequencers []*sequencing.Sequencer
		for range 3 {
			s, err := sequencing.New(sequencing.Config{
				Store: n.store.Client(n.fault), Now: start, Random: random, By: by(), Limits: sequencing.Limits{Attempts: 4},
			})
			if err != nil {
				t.Fatal(err)
			}
			sequencers = append(sequencers, s)
		}
		var all []told
		for i := range uint64(rapid.IntRange(1, 12).Draw(t, "proposals")) {
			p := proposal(i)
			if rapid.Bool().Draw(t, "common") { // only the first can have it
				p.If = append(p.If, ports.Condition{Key: item("common")})
				p.Then = append(p.Then, ports.Write{Key: item("common"), Value: fmt.Append(nil, i)})
			}
			r, err := rapid.SampledFrom(sequencers).Draw(t, "sequencer").Append(context.Background(), p)
			all = append(all, told{p, r, err})
		}
		for _, tx := range n.late {
			_, _ = n.store.Commit(context.Background(), tx)
		}
		checkTold(t, n.store, all)
	})
}

// checkTold holds what callers were told against the ledger and the store.
func checkTold(t *rapid.T, store *memstore.Store, all []told) {
	where := map[uint64][]uint64{}
	for at, e := range replayRapid(t, store) {
		where[e.OtherKeys.Count] = append(where[e.OtherKeys.Count], uint64(at))
	}
	common := 0
	for i, told := range all {
		at := where[uint64(i)+1]
		_, err := store.Get(context.Background(), item("record-%d", i))
		written := err == nil
		switch {
		case len(at) > 1:
			t.Fatalf("proposal %d is in the ledger %d times", i, len(at))
		case written != (len(at) == 1):
			t.Fatalf("proposal %d: written %t, in the ledger %t", i, written, len(at) == 1)
		case told.err == nil && (len(at) != 1 || at[0] != told.receipt.First):
			t.Fatalf("proposal %d was acknowledged at %d and is at %v", i, told.receipt.First, at)
		case told.err != nil && !errors.Is(told.err, ports.ErrOutcomeUnknown) && len(at) > 0:
			t.Fatalf("proposal %d is in the ledger, and its caller was told %v", i, told.err)
		}
		if len(told.proposal.If) > 1 && len(at) == 1 {
			common++
		}
	}
	if common > 1 {
		t.Fatalf("%d proposals had what only one can have", common)
	}
}

// replayRapid is replay for properties.
func replayRapid(t *rapid.T, store *memstore.Store) []ledger.Entry {
	listing, err := store.List(context.Background(), ports.LedgerBatches, "", ports.MaxListing)
	if err != nil {
		t.Fatal(err)
	}
	var entries []ledger.Entry
	for _, item := range listing.Items {
		if item.Key != sequencing.BatchKey(uint64(len(entries))) {
			t.Fatalf("%v after %d entries", item.Key, len(entries))
		}
		batch, err := sequencing.OpenBatch(item.Value)
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range batch {
			e, err := ledger.DecodeEntry(data)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, *e)
		}
	}
	return entries
}

// TestUnknownOutcomes: one by one, with what the caller is told.
func TestUnknownOutcomes(t *testing.T) {
	lost := ports.ErrOutcomeUnknown
	for name, test := range map[string]struct {
		fault   func(store *memstore.Store) memstore.Fault
		want    error
		entries int
	}{
		"done, the answer lost": {func(*memstore.Store) memstore.Fault {
			return memstore.FailAt(memstore.After, 1, lost, memstore.Commit)
		}, nil, 2},
		"not done": {func(*memstore.Store) memstore.Fault {
			return memstore.FailAt(memstore.Before, 1, lost, memstore.Commit)
		}, nil, 2},
		"done, and then the store is down for good": {func(*memstore.Store) memstore.Fault {
			return failAfter(1, memstore.After, lost, ports.ErrStoreUnavailable)
		}, lost, 2},
		"never an answer": {func(*memstore.Store) memstore.Fault {
			return failAfter(0, memstore.Before, nil, lost)
		}, lost, 1},
		"done, another goes on, and the batch is gone": {func(store *memstore.Store) memstore.Fault {
			return once(memstore.After, func() error {
				other := newSequencer(t, store, &counting{next: 77})
				if _, err := other.Append(context.Background(), proposal(50)); err != nil {
					t.Error(err)
				}
				_, err := store.Commit(context.Background(), &ports.Transaction{
					Then: []ports.Write{{Key: sequencing.BatchKey(1), Delete: true}},
				})
				return errors.Join(err, lost)
			})
		}, lost, 0},
		"not done, and another takes the place": {func(store *memstore.Store) memstore.Fault {
			return once(memstore.Before, func() error {
				other := newSequencer(t, store, &counting{next: 77})
				_, err := other.Append(context.Background(), proposal(50))
				return errors.Join(err, lost)
			})
		}, nil, 3},
		"not done, and then its condition does not hold": {func(store *memstore.Store) memstore.Fault {
			return once(memstore.Before, func() error {
				_, err := store.Commit(context.Background(), &ports.Transaction{Then: []ports.Write{{Key: item("record-1")}}})
				return errors.Join(err, lost)
			})
		}, ports.ErrStoreConflict, 1},
	} {
		t.Run(name, func(t *testing.T) {
			store := memstore.New(start)
			if _, err := newSequencer(t, store, &counting{}).Append(t.Context(), proposal(0)); err != nil {
				t.Fatal(err)
			}
			s := newSequencer(t, store.Client(test.fault(store)), &counting{next: 10})
			if _, err := s.Append(t.Context(), proposal(1)); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if test.entries > 0 {
				if n := len(replay(t, store)); n != test.entries {
					t.Errorf("%d entries, want %d", n, test.entries)
				}
			}
		})
	}
}

// once calls do at the first commit's moment.
func once(moment memstore.Moment, do func() error) memstore.Fault {
	done := false
	return func(at memstore.Moment, call *memstore.Call) error {
		if done || at != moment || call.Method != memstore.Commit {
			return nil
		}
		done = true
		return do()
	}
}

// failAfter fails the first commits with one error, and all calls after them with
// another.
func failAfter(commits int, moment memstore.Moment, first, rest error) memstore.Fault {
	return func(at memstore.Moment, call *memstore.Call) error {
		switch {
		case commits > 0 && call.Method != memstore.Commit:
			return nil
		case commits > 0 && at == moment:
			commits--
			return first
		case commits > 0:
			return nil
		case at == memstore.Before && call.Method == memstore.Commit, at == memstore.Before && first != nil:
			return rest
		}
		return nil
	}
}

// TestTwinsAreToldApart: another node's batch that says the same, at the same time
// and place, is not taken for the one that was lost.
func TestTwinsAreToldApart(t *testing.T) {
	store := memstore.New(start)
	twin := &sequencing.Proposal{Entries: []ledger.Entry{entry(1)}}
	random := &counting{}
	s := newSequencer(t, store.Client(once(memstore.Before, func() error {
		_, err := newSequencer(t, store, random).Append(context.Background(), twin)
		return errors.Join(err, ports.ErrOutcomeUnknown)
	})), random)
	r, err := s.Append(t.Context(), twin)
	if err != nil || r.First != 1 {
		t.Errorf("%+v, %v; want the second entry", r, err)
	}
	if n := len(replay(t, store)); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
}

// TestAFencedAttemptNeverHappens: the caller was told of a conflict, the condition
// holds again, and the transaction that was lost on the way arrives at last.
func TestAFencedAttemptNeverHappens(t *testing.T) {
	store := memstore.New(start)
	if _, err := newSequencer(t, store, &counting{}).Append(t.Context(), proposal(0)); err != nil {
		t.Fatal(err)
	}
	var late *ports.Transaction
	key := item("record-1")
	write := func(w ports.Write) {
		if _, err := store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{w}}); err != nil {
			t.Fatal(err)
		}
	}
	s := newSequencer(t, store.Client(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Method == memstore.Commit && late == nil {
			late = call.Transaction
			write(ports.Write{Key: key})
			return ports.ErrOutcomeUnknown
		}
		return nil
	}), &counting{next: 10})
	if _, err := s.Append(t.Context(), proposal(1)); !errors.Is(err, ports.ErrStoreConflict) {
		t.Fatalf("%v, want a conflict", err)
	}
	write(ports.Write{Key: key, Delete: true})
	if _, err := store.Commit(t.Context(), late); !errors.Is(err, ports.ErrStoreConflict) {
		t.Errorf("what was refused happened after all: %v", err)
	}
	if n := len(replay(t, store)); n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
}

// TestNobodyWaitsForItAnyMore: a proposal was lost on its way and its caller has
// left. Whatever is appended later does not bring it about, and once something is,
// what was lost cannot arrive any more.
func TestNobodyWaitsForItAnyMore(t *testing.T) {
	for name, begun := range map[string]bool{"a new ledger": false, "a ledger with entries": true} {
		t.Run(name, func(t *testing.T) {
			store := memstore.New(start)
			if begun {
				if _, err := newSequencer(t, store, &counting{}).Append(t.Context(), proposal(0)); err != nil {
					t.Fatal(err)
				}
			}
			ctx, leave := context.WithCancel(t.Context())
			var lost *ports.Transaction
			s := newSequencer(t, store.Client(func(at memstore.Moment, call *memstore.Call) error {
				if at != memstore.Before || call.Method != memstore.Commit || lost != nil {
					return nil
				}
				lost = call.Transaction
				leave()
				return ports.ErrOutcomeUnknown
			}), &counting{next: 10})
			if _, err := s.Append(ctx, proposal(1)); !errors.Is(err, ports.ErrOutcomeUnknown) {
				t.Fatalf("who left was told %v", err)
			}
			if _, err := s.Append(t.Context(), proposal(2)); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Commit(t.Context(), lost); !errors.Is(err, ports.ErrStoreConflict) {
				t.Errorf("what was lost arrives: %v", err)
			}
			for _, e := range replay(t, store) {
				if e.OtherKeys.Count == 2 {
					t.Error("what nobody waited for was sent again")
				}
			}
		})
	}
}

// TestAttemptsAreBounded: a store that never lets one through, or never answers,
// costs a bounded number of calls.
func TestAttemptsAreBounded(t *testing.T) {
	conflict := &ports.ConflictError{Keys: []ports.Key{{Collection: ports.Heads, Name: "ledger"}}}
	for _, test := range []struct{ fault, want error }{
		{conflict, sequencing.ErrBusy},
		{conflict, ports.ErrStoreUnavailable},
		{ports.ErrOutcomeUnknown, ports.ErrOutcomeUnknown},
	} {
		calls := 0
		s := newSequencer(t, memstore.New(start).Client(func(at memstore.Moment, call *memstore.Call) error {
			if at == memstore.Before && call.Method == memstore.Commit {
				calls++
				return test.fault
			}
			return nil
		}), &counting{})
		if _, err := s.Append(t.Context(), proposal(1)); !errors.Is(err, test.want) || calls > 64 {
			t.Errorf("%v after %d commits, want %v", err, calls, test.want)
		}
	}
}

// TestPauses: an outage after a lost answer lasts as long as its caller waits, and
// not as short as so many attempts.
func TestPauses(t *testing.T) {
	lost := ports.ErrOutcomeUnknown
	for name, test := range map[string]struct {
		up    int // the pause after which the store answers again; zero: never
		leave int // that in which the caller leaves; zero: never
		fail  int // that which fails by itself; zero: none
		want  error
		last  int
	}{
		"none, where there is an answer":        {want: nil},
		"until the store answers":               {up: 7, want: nil, last: 7},
		"until the caller leaves":               {leave: 9, want: context.Canceled, last: 9},
		"until there were too many attempts":    {want: lost, last: 63},
		"until something else keeps from it":    {fail: 3, want: errPower, last: 3},
		"the outcome is as unknown as it could": {fail: 3, want: lost, last: 3},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			down, last := test.want != nil || test.up > 0, 0
			s, err := sequencing.New(sequencing.Config{
				Now: start, Random: &counting{}, By: by(),
				Store: memstore.New(start).Client(func(at memstore.Moment, call *memstore.Call) error {
					if down && at == memstore.Before && call.Method == memstore.Commit {
						return lost
					}
					return nil
				}),
				Pause: func(ctx context.Context, attempt int) error {
					last++
					if attempt != last {
						t.Errorf("attempt %d after %d", attempt, last-1)
					}
					switch attempt {
					case test.up:
						down = false
					case test.leave:
						leave()
					case test.fail:
						return errPower
					}
					return ctx.Err()
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = s.Append(ctx, proposal(1)); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || last != test.last {
				t.Errorf("%v after %d pauses, want %v after %d", err, last, test.want, test.last)
			}
			if err != nil && !errors.Is(err, lost) {
				t.Errorf("%v does not say that the outcome is unknown", err)
			}
		})
	}
}
