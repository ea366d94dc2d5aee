package joining_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// crash is a way in which a call to the store may end.
type crash struct {
	name    string
	commits bool // n counts commits, not all calls
	fault   func(n uint64) memstore.Fault
}

// crashes are all ways of the numbered call.
func crashes() []crash {
	return []crash{
		{"unavailable", false, func(n uint64) memstore.Fault {
			return memstore.FailAt(memstore.Before, n, ports.ErrStoreUnavailable)
		}},
		{"full", true, func(n uint64) memstore.Fault {
			return memstore.FailAt(memstore.Before, n, ports.ErrStoreFull, memstore.Commit)
		}},
		{"unknown, not committed", true, func(n uint64) memstore.Fault {
			return memstore.FailAt(memstore.Before, n, ports.ErrOutcomeUnknown, memstore.Commit)
		}},
		{"unknown, committed", true, func(n uint64) memstore.Fault {
			return memstore.FailAt(memstore.After, n, ports.ErrOutcomeUnknown, memstore.Commit)
		}},
		{"dead before", false, func(n uint64) memstore.Fault { return deadFrom(memstore.Before, n) }},
		{"dead after", false, func(n uint64) memstore.Fault { return deadFrom(memstore.After, n) }},
	}
}

// deadFrom is a process that ends at a call: the store hears nothing more of it.
func deadFrom(at memstore.Moment, n uint64) memstore.Fault {
	var dead atomic.Bool
	return func(when memstore.Moment, call *memstore.Call) error {
		if call.Number == n && when == at {
			dead.Store(true)
		}
		switch {
		case !dead.Load():
			return nil
		case call.Method == memstore.Commit && when == memstore.After:
			return ports.ErrOutcomeUnknown
		default:
			return ports.ErrStoreUnavailable
		}
	}
}

// story is a request that is issued while the store fails.
type story struct {
	name    string
	prepare func(w *world) *joining.Application
}

func stories() []story {
	return []story{
		{"worker joins", func(w *world) *joining.Application { return w.machine("w-1").join("one") }},
		{"control plane joins", func(w *world) *joining.Application {
			m := w.machine("cp-2")
			w.approve(m)
			return m.join("one", asControlPlane)
		}},
		{"worker rejoins", func(w *world) *joining.Application {
			m := w.machine("w-1")
			w.issue(w.main, m.join("zero"))
			w.up(m)
			return m.reboot().rejoin("one")
		}},
		{"worker joins anew with another disk", func(w *world) *joining.Application {
			m := w.machine("w-1")
			w.issue(w.main, m.join("zero"))
			w.up(m)
			return m.reboot().join("one", onDisk("w-9"))
		}},
	}
}

// calls returns how many calls to the store a story takes without a fault, and
// how many of them are commits.
func calls(t *testing.T, s story) (all, commits uint64) {
	t.Helper()
	w := newWorld(t)
	a := s.prepare(w)
	w.issue(w.service(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before {
			all++
		}
		if at == memstore.Before && call.Method == memstore.Commit {
			commits++
		}
		return nil
	}), a)
	return all, commits
}

// Whatever becomes of any one call to the store: the same request, on another
// node, ends with the ticket, which a third gives again.
func TestCrashAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, s := range stories() {
		all, commits := calls(t, s)
		if all < 10 || commits < 3 {
			t.Fatalf("%s takes %d calls, %d of them commits: the faults are not reached", s.name, all, commits)
		}
		for _, c := range crashes() {
			most := all
			if c.commits {
				most = commits
			}
			t.Run(s.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				for n := uint64(1); n <= most; n++ {
					crashOnce(t, s, c, n)
				}
			})
		}
	}
}

func crashOnce(t *testing.T, s story, c crash, n uint64) {
	t.Helper()
	w := newWorld(t)
	a := s.prepare(w)
	tokens := w.minter.distinct()
	before, err := w.service(c.fault(n)).tickets.Issue(t.Context(), a)
	w.holds()
	second := w.issue(w.takeover(nil), a)
	third := w.issue(w.takeover(nil), a)
	where := fmt.Sprintf("%s, %s at call %d (%v)", s.name, c.name, n, err)
	if second.PublicHash() != third.PublicHash() || !second.DiskKey.Equal(third.DiskKey) {
		t.Fatalf("%s: the ticket is another one when it is given again", where)
	}
	if before != nil && before.PublicHash() != second.PublicHash() {
		t.Fatalf("%s: the first ticket is another one", where)
	}
	if second.Token != nil && (!second.Token.Secret.Equal(third.Token.Secret) || w.minter.distinct() != tokens+1) {
		t.Fatalf("%s: more than one token was made", where)
	}
	if state := w.record(a.Candidate.Identity).State; state != join.Member {
		t.Fatalf("%s: the node is %s", where, state)
	}
	outcomes := 0
	for _, e := range w.entries() {
		if e.Type == ledger.Outcome && e.Outcome.Request == a.Candidate.Request.ID {
			outcomes++
			if e.Outcome.Ticket != second.PublicHash() {
				t.Fatalf("%s: the ledger tells of another ticket", where)
			}
		}
	}
	if outcomes != 1 {
		t.Fatalf("%s: %d outcomes", where, outcomes)
	}
	w.holds()
}

// A transaction whose answer was lost may be carried out long after, between any
// two calls of the service that took over.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for lost := uint64(1); lost <= 4; lost++ {
				for late := uint64(1); late <= 24; late += 3 {
					lateOnce(t, s, lost, late)
				}
			}
		})
	}
}

func lateOnce(t *testing.T, s story, lost, late uint64) {
	t.Helper()
	w := newWorld(t)
	a := s.prepare(w)
	var tx *ports.Transaction
	first := w.service(func(at memstore.Moment, call *memstore.Call) error {
		switch {
		case tx != nil: // the process ends there
			return ports.ErrStoreUnavailable
		case at == memstore.Before && call.Method == memstore.Commit:
			lost--
			if lost == 0 {
				tx = call.Transaction
				return ports.ErrOutcomeUnknown
			}
		}
		return nil
	})
	_, _ = first.tickets.Issue(t.Context(), a)
	if tx == nil {
		return // there are fewer commits
	}
	second := w.issue(w.takeover(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Number == late {
			_, _ = w.store.Commit(t.Context(), tx)
		}
		return nil
	}), a)
	_, _ = w.store.Commit(t.Context(), tx)
	w.holds()
	if third := w.issue(w.takeover(nil), a); third.PublicHash() != second.PublicHash() {
		t.Fatalf("%s: the ticket is another one when it is given again", s.name)
	}
}
