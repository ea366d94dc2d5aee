package joining_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// result is what one Issue gave.
type result struct {
	ticket *join.Ticket
	err    error
}

// together issues all applications at once, each on a service of its own.
func (w *world) together(all ...*joining.Application) []result {
	w.t.Helper()
	results := make([]result, len(all))
	var group sync.WaitGroup
	for i, a := range all {
		s := w.service(nil)
		group.Go(func() { results[i].ticket, results[i].err = s.tickets.Issue(context.Background(), a) })
	}
	group.Wait()
	return results
}

func TestOneRequestOnManyServices(t *testing.T) {
	for range 8 {
		w := newWorld(t)
		m := w.machine("w-1")
		results := w.together(m.join("one"), m.join("one"), m.join("one"), m.join("one"))
		for i, r := range results {
			if r.err != nil {
				t.Fatalf("service %d: %v", i, r.err)
			}
			if r.ticket.PublicHash() != results[0].ticket.PublicHash() || !r.ticket.Token.Secret.Equal(results[0].ticket.Token.Secret) {
				t.Fatalf("service %d gave another ticket", i)
			}
		}
		if n := w.count(ledger.Outcome); n != 1 || w.minter.distinct() != 1 {
			t.Fatalf("%d outcomes, %d tokens", n, w.minter.distinct())
		}
		w.holds()
	}
}

// Of those that want one name, or one disk, at the same time, one gets it.
func TestOneNameOneDisk(t *testing.T) {
	for _, tt := range []struct {
		code   policy.Code
		change func(*join.Request)
	}{
		{policy.CodeNameTaken, func(r *join.Request) { r.Name = "wanted" }},
		{policy.CodeDiskTaken, func(r *join.Request) { r.Disk = disk("wanted") }},
	} {
		for range 8 {
			w := newWorld(t)
			results := w.together(
				w.machine("w-1").join("one", tt.change), w.machine("w-2").join("two", tt.change), w.machine("w-3").join("three", tt.change))
			admitted := 0
			for _, r := range results {
				var refusal *joining.Refusal
				switch {
				case r.err == nil:
					admitted++
				case !errors.As(r.err, &refusal) || refusal.Decision.Codes()[0] != tt.code:
					t.Fatalf("refused with %v, want %s", r.err, tt.code)
				}
			}
			if admitted != 1 {
				t.Fatalf("%s: %d were admitted", tt.code, admitted)
			}
			w.holds()
		}
	}
}

// There is one control-plane lease, from the intent until the node is up.
func TestOneControlPlaneNodeAtATime(t *testing.T) {
	for range 4 {
		w := newWorld(t)
		machines := []*machine{w.machine("cp-2"), w.machine("cp-3")}
		for _, m := range machines {
			w.approve(m)
		}
		results := w.together(machines[0].join("one", asControlPlane), machines[1].join("two", asControlPlane))
		first, second := 0, 1
		if results[0].err != nil {
			first, second = 1, 0
		}
		var exhausted *joining.ExhaustedError
		if results[first].err != nil || !errors.As(results[second].err, &exhausted) || exhausted.RetryAfter <= 0 {
			t.Fatalf("at once: %v and %v", results[0].err, results[1].err)
		}
		if joining.StatusOf(exhausted) != joining.StatusExhausted {
			t.Errorf("status of a taken lease = %s", joining.StatusOf(exhausted))
		}
		again := machines[second].join("again", asControlPlane)
		if _, err := w.main.tickets.Issue(t.Context(), again); !errors.As(err, &exhausted) {
			t.Fatalf("while the first comes up: %v", err)
		}
		must(t, w.main.nodes.Finished(t.Context(), machines[first].id))
		w.issue(w.main, again)
		w.holds()
	}
}

// A control-plane node that never comes up holds the others back for a while only,
// and says nothing of the lease that another one took.
func TestControlPlaneLeaseEnds(t *testing.T) {
	w := newWorld(t)
	lost, next, third := w.machine("cp-2"), w.machine("cp-3"), w.machine("cp-4")
	for _, m := range []*machine{lost, next, third} {
		w.approve(m)
	}
	w.issue(w.main, lost.join("one", asControlPlane))
	w.clock.Advance(joiningLease)
	w.issue(w.main, next.join("two", asControlPlane))
	w.up(lost)
	w.later(w.main, third.join("three", asControlPlane))
}

// Who is a control-plane node and returns gets neither KEK nor files, and waits for
// nobody; nor does one that boots again and again keep the lease.
func TestControlPlaneReturnsWithoutLease(t *testing.T) {
	w := newWorld(t)
	first, lost, next := w.machine("cp-1").reboot(), w.machine("cp-2"), w.machine("cp-3")
	w.approve(lost)
	w.approve(next)
	w.issue(w.main, lost.join("one", asControlPlane))
	if ticket := w.issue(w.main, first.rejoin("first")); ticket.ControlPlane != nil || ticket.Role != join.ControlPlane {
		t.Errorf("who returns is a %s, and gets %v", ticket.Role, ticket.ControlPlane)
	}
	w.issue(w.main, first.rejoin("first")) // again
	for i := range 3 {
		w.clock.Advance(joiningLease - time.Minute)
		lost = lost.reboot()
		w.issue(w.main, lost.rejoin(strings.Repeat("x", i+1)))
	}
	w.issue(w.main, next.join("two", asControlPlane))
	w.holds()
}

// Where everything changes all the time, deciding anew ends.
func TestConflictStormEnds(t *testing.T) {
	w := newWorld(t)
	head, err := w.store.Get(t.Context(), governing.HeadKey())
	must(t, err)
	commits := 0
	s := w.service(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Method == memstore.Commit {
			commits++
			_, err := w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: head.Key, Value: head.Value}}})
			return err
		}
		return nil
	})
	var exhausted *joining.ExhaustedError
	if _, err := s.tickets.Issue(t.Context(), w.machine("w-1").join("one")); !errors.As(err, &exhausted) {
		t.Fatalf("in a storm: %v", err)
	}
	if commits != joining.DefaultAttempts {
		t.Errorf("%d attempts, want %d", commits, joining.DefaultAttempts)
	}
	if n := w.count(ledger.Intent, ledger.KeyRelease, ledger.Outcome); n != 0 {
		t.Errorf("%d entries of a join that was not", n)
	}
}

// A context that ends stops deciding anew.
func TestContextEnds(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := w.service(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Method == memstore.Commit {
			cancel()
			return &ports.ConflictError{Keys: []ports.Key{governing.HeadKey()}}
		}
		return nil
	})
	if _, err := s.tickets.Issue(ctx, w.machine("w-1").join("one")); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled request ends with %v", err)
	}
}
