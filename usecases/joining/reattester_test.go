package joining_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// shown is what asking the machine gives.
func shown(a *joining.Application) joining.Observation {
	return joining.Observation{Candidate: a.Candidate, Evidence: a.Evidence}
}

func (w *world) observe(m *machine, o joining.Observation) *join.Decision {
	w.t.Helper()
	d, err := w.main.reattest.Observe(w.t.Context(), m.id, o)
	must(w.t, err)
	return d
}

func TestObserve(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	before := w.store.Revision()
	w.observe(m, shown(m.attest()))
	if w.store.Revision() != before {
		t.Error("an attestation a moment after the last was written")
	}
	w.clock.Advance(10 * time.Minute)
	w.observe(m, shown(m.attest()))
	if r := w.record(m.id); !r.Attested.Equal(w.clock.Now()) || w.count(ledger.Reattest) != 0 {
		t.Errorf("attested as before: %v, %d entries", r.Attested, w.count(ledger.Reattest))
	}
	d := w.observe(m, shown(fails(m.attest(), policy.CodePCRMismatch)))
	if d.Outcome != join.Refused || w.record(m.id).State != join.Withheld || w.count(ledger.Reattest) != 1 {
		t.Errorf("failed: %s, %d entries", w.record(m.id).State, w.count(ledger.Reattest))
	}
	e := w.entries()[len(w.entries())-1].Reattest
	if e.State != join.Withheld || len(e.Codes) != 1 || e.Codes[0] != policy.CodePCRMismatch {
		t.Errorf("the entry is %+v", e)
	}
	if _, err := w.blobs.ReadBlob(t.Context(), [32]byte(e.Evidence.Bytes())); err != nil {
		t.Errorf("its evidence: %v", err)
	}
	w.observe(m, shown(fails(m.attest(), policy.CodePCRMismatch))) // the same again
	if n := w.count(ledger.Reattest); n != 1 {
		t.Errorf("the same again: %d entries", n)
	}
	w.refused(w.main, m.join("one"), policy.CodeBootNotNew) // it gets nothing while it is withheld
	w.observe(m, shown(m.attest()))
	if w.record(m.id).State != join.Member || w.count(ledger.Reattest) != 2 {
		t.Errorf("attests again: %s, %d entries", w.record(m.id).State, w.count(ledger.Reattest))
	}
	w.observe(m, shown(m.reboot().attest())) // in another boot
	if w.record(m.id).State != join.Withheld {
		t.Error("a node that was rebooted is a member without having rejoined")
	}
	w.issue(w.main, m.reboot().rejoin("two"))
	w.holds()
}

func TestObserveSilence(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.clock.Advance(join.DefaultSilence*time.Second - time.Second)
	if d := w.observe(m, joining.Observation{}); d.Outcome != join.Admitted || w.record(m.id).State != join.Member {
		t.Errorf("silent for a moment: %s", w.record(m.id).State)
	}
	w.clock.Advance(time.Second)
	w.observe(m, joining.Observation{})
	w.observe(m, joining.Observation{})
	if w.record(m.id).State != join.Withheld || w.count(ledger.Reattest) != 1 {
		t.Errorf("silent for too long: %s, %d entries", w.record(m.id).State, w.count(ledger.Reattest))
	}
}

func TestObserveErrors(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	if _, err := w.main.reattest.Observe(t.Context(), m.id, joining.Observation{}); !errors.Is(err, joining.ErrNoRecord) {
		t.Errorf("without a record: %v", err)
	}
	w.issue(w.main, m.join("one"))
	o := shown(m.attest())
	o.Evidence = []byte("other")
	if _, err := w.main.reattest.Observe(t.Context(), m.id, o); !errors.Is(err, joining.ErrApplication) {
		t.Errorf("with other evidence: %v", err)
	}
	w.observe(m, shown(w.machine("w-2").attest())) // another machine answers
	if r := w.record(m.id); r.State != join.Member {
		t.Errorf("another machine made it %s", r.State)
	}
	key := ports.Key{Collection: ports.Records, Name: m.id.String()}
	s := w.takeover(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Method == memstore.Commit {
			return &ports.ConflictError{Keys: []ports.Key{key}}
		}
		return nil
	})
	var exhausted *joining.ExhaustedError
	if _, err := s.reattest.Observe(t.Context(), m.id, shown(fails(m.attest(), policy.CodePCRMismatch))); !errors.As(err, &exhausted) {
		t.Errorf("in a storm: %v", err)
	}
}

// Whoever is at the address of a node shows nothing of it, and makes it look silent
// at worst.
func TestThreat23ObserveStrangers(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	junk := &joining.Application{Candidate: &join.Candidate{Policy: 1, Evidence: hash([]byte("junk"))}, Evidence: []byte("junk")}
	for _, o := range []*joining.Application{junk, w.machine("w-2").attest(), fails(m.attest(), policy.CodeTimeMissing)} {
		if d := w.observe(m, shown(o)); d.Outcome != join.Admitted || w.record(m.id).State != join.Member {
			t.Errorf("at once: %s, %v", d.Outcome, d.Findings)
		}
	}
	w.clock.Advance(join.DefaultSilence * time.Second)
	kept := w.blobs.n
	if d := w.observe(m, shown(junk)); d.Outcome != join.Refused || d.Codes()[0] != policy.CodeNodeSilent || w.record(m.id).State != join.Withheld {
		t.Errorf("in the end: %s, %v", d.Outcome, d.Findings)
	}
	if w.blobs.n != kept {
		t.Error("what shows nothing is kept for good")
	}
	w.holds()
}

// A leader whose clock was ahead leaves records that say so: the next one asks
// right away, and puts them right.
func TestThreat28ClockOfTheLeaderWasAhead(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.clock.Advance(12 * time.Hour)
	w.observe(m, shown(m.attest()))
	must2(w.main.reattest.Due(t.Context(), 10*time.Minute))(t)
	w.clock.Advance(-12 * time.Hour)
	for name, leader := range map[string]*service{"the same": w.main, "another": w.takeover(nil)} {
		due, err := leader.reattest.Due(t.Context(), 10*time.Minute)
		must(t, err)
		if !slices.ContainsFunc(due, func(r *join.Record) bool { return r.Identity == m.id }) {
			t.Errorf("%s leader does not ask", name)
		}
	}
	w.observe(m, shown(m.attest()))
	if r := w.record(m.id); r.Attested.After(w.clock.Now()) {
		t.Errorf("its record says that it attested at %v, and it is %v", r.Attested, w.clock.Now())
	}
}

// A denial that is committed while an attestation is applied is not undone by it.
func TestObserveDoesNotResurrect(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.observe(m, shown(fails(m.attest(), policy.CodePCRMismatch)))
	denial := w.author.Deny(m.id, "stolen")
	s := w.takeover(at(memstore.Before, 1, func() { w.submit(denial) }))
	d, err := s.reattest.Observe(t.Context(), m.id, shown(m.attest()))
	if err != nil || d.Outcome != join.Refused || w.record(m.id).State != join.Revoked {
		t.Errorf("%v, %v: the node is %s", d, err, w.record(m.id).State)
	}
	w.holds()
}

// Every member has its own moment in each interval; they are spread evenly, and a
// new leader goes on where the last one was.
func TestDue(t *testing.T) {
	const members, interval = 60, 10 * time.Minute
	w := newWorld(t)
	for i := range members {
		m := w.machine(fmt.Sprintf("w-%d", i))
		w.issue(w.main, m.join(m.name))
	}
	w.refused(w.main, w.machine("cp-9").join("waits", asControlPlane), policy.CodeApprovalMissing)
	asked := map[join.Identity]int{}
	busiest := 0
	for minute := range 20 {
		w.clock.Advance(time.Minute)
		leader := w.main
		if minute == 10 {
			leader = w.takeover(nil) // a new leader
		}
		due, err := leader.reattest.Due(t.Context(), interval)
		must(t, err)
		busiest = max(busiest, len(due))
		for _, r := range due {
			asked[r.Identity]++
			m := w.machine(string(r.Name))
			_, err := leader.reattest.Observe(t.Context(), r.Identity, shown(m.attest()))
			must(t, err)
		}
		again, err := leader.reattest.Due(t.Context(), interval)
		must(t, err)
		if len(again) != 0 {
			t.Fatalf("minute %d: %d are due twice", minute, len(again))
		}
	}
	if len(asked) != members+1 { // and the first node
		t.Errorf("%d members were asked", len(asked))
	}
	for id, n := range asked {
		if n < 1 || n > 2 {
			t.Errorf("%v was asked %d times in two intervals", id, n)
		}
	}
	if busiest > members/3 {
		t.Errorf("%d members in one minute of ten", busiest)
	}
}

// Who does not answer is named once an interval, whoever else is.
func TestDueSilent(t *testing.T) {
	w := newWorld(t)
	times := 0
	for range 60 {
		w.clock.Advance(time.Minute)
		due, err := w.main.reattest.Due(t.Context(), 10*time.Minute)
		must(t, err)
		times += len(due)
	}
	if times != 6 {
		t.Errorf("a silent node was named %d times in six intervals", times)
	}
	if _, err := w.main.reattest.Due(t.Context(), 0); err == nil {
		t.Error("an interval of nothing is one")
	}
}

// A record that cannot be read does not keep the others from being asked.
func TestDueOverGarbage(t *testing.T) {
	w := newWorld(t)
	key := ports.Key{Collection: ports.Records, Name: w.machine("a").id.String()}
	must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: key, Value: []byte("{}")}}}))(t)
	w.clock.Advance(time.Hour)
	due, err := w.main.reattest.Due(t.Context(), 10*time.Minute)
	if !errors.Is(err, join.ErrRecord) || len(due) != 1 {
		t.Errorf("%d are due, %v", len(due), err)
	}
}
