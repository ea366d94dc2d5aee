package joining_test

import (
	"errors"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/joining"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

func (w *world) recoverer(s *service) *joining.Recoverer {
	w.t.Helper()
	r, err := joining.NewRecoverer(joining.RecovererConfig{
		Store: s.store, Authority: s.governor, Recorder: s.recorder, Evidence: w.blobs, Now: w.clock.Now,
	})
	must(w.t, err)
	return r
}

// recovered is the machine as a holder's tool saw it.
func (m *machine) recovered() *joining.Recovered {
	return &joining.Recovered{
		Node: m.id, Boot: join.Boot{ResetCount: m.boot, AK: hash(m.ak())}, Means: "shares", Evidence: m.attest().Evidence,
	}
}

// A node that was recovered, also long after its statement has expired, is a
// member in the boot in which it runs.
func TestRecover(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-1").reboot()
	before := len(w.entries())
	w.clock.Advance(owner.MaxStatementLifetime)
	must(t, w.recoverer(w.main).Record(t.Context(), m.recovered()))
	must(t, w.recoverer(w.service(nil)).Record(t.Context(), m.recovered()))
	entries := w.entries()
	last := entries[len(entries)-1]
	if len(entries) != before+1 || last.Type != ledger.Recovery || last.Recovery.Size != uint64(before) || last.Recovery.Node != m.id {
		t.Fatalf("%d entries more, the last is %+v", len(entries)-before, last)
	}
	w.submit(w.statement())
	w.observe(m, shown(m.attest()))
	if r := w.record(m.id); r.State != join.Member || r.Boot.ResetCount != 2 {
		t.Errorf("it is %s, in boot %v", r.State, r.Boot)
	}
	w.holds()
}

func TestRecoverIsRefused(t *testing.T) {
	w := newWorld(t)
	worker, denied := w.machine("w-1"), w.machine("cp-2")
	w.issue(w.main, worker.join("one"))
	w.approve(denied)
	w.issue(w.main, denied.join("two", asControlPlane))
	w.submit(w.author.Deny(denied.id, "stolen"))
	older := w.machine("cp-1").reboot()
	older.boot = 0
	sameCount := w.machine("cp-1").recovered()
	sameCount.Boot.AK = hash([]byte("another key"))
	for name, n := range map[string]*joining.Recovered{
		"a stranger": w.machine("stranger").recovered(), "a worker": worker.reboot().recovered(), "a denied node": denied.reboot().recovered(),
		"an older boot": older.recovered(), "another key in the same boot": sameCount,
	} {
		if err := w.recoverer(w.main).Record(t.Context(), n); !errors.Is(err, joining.ErrRecovery) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := w.machine("cp-1").reboot().recovered()
	n.Means = "magic"
	if err := w.recoverer(w.main).Record(t.Context(), n); !errors.Is(err, sequencing.ErrProposal) {
		t.Errorf("by unknown means: %v", err)
	}
	if got := w.count(ledger.Recovery); got != 0 {
		t.Errorf("%d recoveries", got)
	}
	denial := w.author.Deny(w.machine("cp-1").id, "stolen")
	s := w.takeover(at(memstore.Before, 1, func() { w.submit(denial) }))
	if err := w.recoverer(s).Record(t.Context(), w.machine("cp-1").reboot().recovered()); !errors.Is(err, joining.ErrRecovery) {
		t.Errorf("denied meanwhile: %v", err)
	}
	w.holds()
}
