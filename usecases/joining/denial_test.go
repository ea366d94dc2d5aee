package joining_test

import (
	"errors"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// at calls do once, at a moment of the service's numbered commit.
func at(moment memstore.Moment, number int, do func()) memstore.Fault {
	seen := 0
	return func(when memstore.Moment, call *memstore.Call) error {
		if call.Method == memstore.Commit && when == moment {
			seen++
			if seen == number {
				do()
			}
		}
		return nil
	}
}

// A denial that is committed while a node joins: whatever was decided before,
// nothing is given out after.
func TestDeniedWhileJoining(t *testing.T) {
	for _, tt := range []struct {
		name    string
		moment  memstore.Moment
		commit  int // of intent, release and outcome
		derived int // keys, each of which has its release before the denial
	}{
		{"before the intent", memstore.Before, 1, 0},
		{"between intent and release", memstore.After, 1, 0},
		{"before the release, which was decided", memstore.Before, 2, 0},
		{"between release and outcome", memstore.After, 2, 2},
		{"before the outcome, which was decided", memstore.Before, 3, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			m := w.machine("w-1")
			denial := w.author.Deny(m.id, "stolen")
			s := w.service(at(tt.moment, tt.commit, func() { w.submit(denial) }))
			w.refused(s, m.join("one"), policy.CodeNodeRevoked)
			if n := w.kms.derived(); n != tt.derived {
				t.Errorf("%d keys were derived, want %d", n, tt.derived)
			}
			if w.minter.distinct() != 0 || w.count(ledger.Outcome) != 0 {
				t.Errorf("%d tokens, %d outcomes", w.minter.distinct(), w.count(ledger.Outcome))
			}
			w.holds()
			w.barred(m)
		})
	}
}

// barred fails unless a machine gets nothing in any way.
func (w *world) barred(m *machine) {
	w.t.Helper()
	releases := w.count(ledger.KeyRelease)
	for _, a := range []*joining.Application{m.join("one"), m.join("other"), m.reboot().join("third"), m.reboot().rejoin("fourth")} {
		w.refused(w.main, a, policy.CodeNodeRevoked)
	}
	if r := w.record(m.id); r != nil {
		if r.State != join.Revoked {
			w.t.Errorf("a denied node is %s", r.State)
		}
		_, err := w.main.releaser.Release(w.t.Context(), joining.JoinService, joining.ReleaseRequest{Request: r.Request, Node: m.id, Disk: r.Disk})
		var refused *joining.ReleaseError
		if !errors.As(err, &refused) {
			w.t.Errorf("its keys: %v", err)
		}
		d, err := w.main.reattest.Observe(w.t.Context(), m.id, joining.Observation{Candidate: m.attest().Candidate, Evidence: m.attest().Evidence})
		if err != nil || d.Outcome != join.Refused || w.record(m.id).State != join.Revoked {
			w.t.Errorf("it attests: %v, %v, and is %s", d, err, w.record(m.id).State)
		}
	}
	if w.count(ledger.KeyRelease) != releases {
		w.t.Error("keys were released after the denial")
	}
	w.holds()
}

func TestDeniedMember(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.submit(w.author.Deny(m.id, "decommissioned"))
	w.barred(m)
	due, err := w.main.reattest.Due(t.Context(), 1)
	must(t, err)
	for _, r := range due {
		if r.Identity == m.id {
			t.Error("a revoked node is asked to attest")
		}
	}
	must(t, w.main.nodes.Remove(t.Context(), m.id))
	if w.record(m.id) != nil {
		t.Error("its record is still there")
	}
	w.barred(m)
	w.issue(w.main, w.machine("w-2").join("heir", func(r *join.Request) { r.Name = "w-1" }))
	w.holds()
}

// Whoever was never here can be denied too.
func TestDeniedStranger(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.submit(w.author.Deny(m.id, "known to be bad"))
	w.barred(m)
}
