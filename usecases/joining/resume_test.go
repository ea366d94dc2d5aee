package joining_test

import (
	"errors"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// interrupted has an intent, and no ticket.
func (w *world) interrupted(a *joining.Application) {
	w.t.Helper()
	w.kms.fail = errors.New("no key manager today")
	if _, err := w.main.tickets.Issue(w.t.Context(), a); !errors.Is(err, w.kms.fail) {
		w.t.Fatalf("without a key manager: %v", err)
	}
	w.kms.fail = nil
}

// What the owner says after the intent counts for whoever has no ticket yet.
func TestResumeUnderTheNewestWord(t *testing.T) {
	for name, tt := range map[string]struct {
		say  func(w *world)
		want policy.Code // empty: it goes on
	}{
		"a freeze": {func(w *world) { w.submit(w.author.Freeze()) }, policy.CodeClusterFrozen},
		"a stricter join policy": {func(w *world) {
			p := *join.Default()
			p.TEEWorkers = join.AllowList
			w.submit(w.author.JoinPolicy(p))
		}, policy.CodeIdentityNotListed},
		"approvals from now on": {func(w *world) {
			p := *join.Default()
			p.TEEWorkers = join.Approve
			w.submit(w.author.JoinPolicy(p))
		}, policy.CodeApprovalMissing},
		"what bears on others":   {func(w *world) { w.approve(w.machine("cp-9")) }, ""},
		"a freeze and its end":   {func(w *world) { w.submit(w.author.Freeze()); w.submit(w.author.Thaw()) }, ""},
		"nothing that was heard": {func(*world) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.machine("w-1")
			w.interrupted(m.join("one"))
			tt.say(w)
			w.clock.Advance(5 * time.Minute)
			if tt.want != "" {
				w.refused(w.main, m.join("one"), tt.want)
				if w.count(ledger.KeyRelease) != 1 || w.record(m.id).State != join.Intended {
					t.Errorf("%d releases, it is %s", w.count(ledger.KeyRelease), w.record(m.id).State)
				}
				return
			}
			w.issue(w.main, m.join("one"))
			w.holds()
		})
	}
}

// Another attestation policy may judge otherwise; what was answered stays answered.
func TestResumeUnderAnotherPolicy(t *testing.T) {
	w := newWorld(t)
	open, answered := w.machine("w-1"), w.machine("w-2")
	w.interrupted(open.join("one"))
	w.issue(w.main, answered.join("two"))
	w.policy()
	w.submit(w.author.All()[len(w.author.All())-1])
	w.submit(w.author.Freeze())
	newer := func(a *joining.Application) *joining.Application {
		a.Candidate.Policy = 2
		return a
	}
	w.refused(w.main, newer(open.join("one")), policy.CodeClusterFrozen)
	w.issue(w.main, newer(answered.join("two")))
	w.holds()
}

// A node with an approval goes on under it, whatever else was said.
func TestResumeWithAnApproval(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	w.approve(m)
	w.interrupted(m.join("one", asControlPlane))
	w.approve(w.machine("cp-9"))
	w.issue(w.main, m.join("one", asControlPlane))
	w.holds()
}

// A node that was recovered in a later boot gets nothing for the boot before: not
// its ticket again, nor its keys.
func TestThreat24RequestOfAnEarlierBoot(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	w.approve(m)
	w.issue(w.main, m.join("one", asControlPlane))
	q := current(w, m)
	later := m.reboot()
	recoverer, err := joining.NewRecoverer(joining.RecovererConfig{
		Store: w.store, Authority: w.main.governor, Recorder: w.main.recorder, Evidence: w.blobs, Now: w.clock.Now,
	})
	must(t, err)
	must(t, recoverer.Record(t.Context(), &joining.Recovered{
		Node: m.id, Boot: join.Boot{ResetCount: later.boot, AK: hash(later.ak())}, Means: "shares", Evidence: []byte("evidence"),
	}))
	w.refused(w.main, m.join("one", asControlPlane), policy.CodeRequestReplayed)
	var refused *joining.ReleaseError
	if _, err := w.main.releaser.Release(t.Context(), joining.JoinService, q); !errors.As(err, &refused) || refused.Reason != joining.NoIntent {
		t.Errorf("its keys: %v", err)
	}
}

// A copy of a member gets an intent while the member is silent for a moment, and no
// key manager is there. The member answers again, and two days later so does the
// key manager: the copy gets nothing, however it asks.
func TestThreat12IntentIsNoLicenceToDisplace(t *testing.T) {
	again := func(m *machine, id string) *joining.Application { return m.join(id, onDisk("another")) }
	rejoin := func(m *machine, id string) *joining.Application { return m.rejoin(id) }
	for name, tt := range map[string]struct {
		ask   func(m *machine, id string) *joining.Application
		after time.Duration
		id    string
		later bool // asks in a later boot
	}{
		"the same request, at once":      {rejoin, time.Second, "two", false},
		"the same request, two days on":  {rejoin, 48 * time.Hour, "two", false},
		"another request, two days on":   {rejoin, 48 * time.Hour, "three", false},
		"a later boot":                   {rejoin, 48 * time.Hour, "three", true},
		"a first join, at once":          {again, time.Second, "two", false},
		"a first join, two days on":      {again, 48 * time.Hour, "two", false},
		"a first join under another ID":  {again, 48 * time.Hour, "three", false},
		"a first join from a later boot": {func(m *machine, id string) *joining.Application { return m.join(id, onDisk("disk of "+id)) }, 48 * time.Hour, "three", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.machine("w-1")
			w.issue(w.main, m.join("one"))
			w.up(m)
			lives := w.record(m.id).Boot
			clone := m.reboot()
			w.interrupted(tt.ask(clone, "two"))
			releases := w.count(ledger.KeyRelease)
			w.prober.alive[m.id], w.prober.boots = join.Alive, map[join.Identity]join.Boot{m.id: lives}
			w.clock.Advance(tt.after)
			if tt.later {
				clone = clone.reboot()
			}
			w.refused(w.main, tt.ask(clone, tt.id), policy.CodeCloneAlive)
			if w.count(ledger.KeyRelease) != releases || w.record(m.id).Held() != lives {
				t.Error("the copy got keys, or the machine's place")
			}
			delete(w.prober.boots, m.id)
			w.prober.alive[m.id] = join.Silent
			w.issue(w.main, tt.ask(clone, tt.id)) // the machine has gone
			w.uniqueHolders()
		})
	}
}

// Another service answers while this one thinks about the newest word: both give
// one ticket.
func TestResumeWhileAnotherAnswers(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.interrupted(m.join("one"))
	w.approve(w.machine("cp-9"))
	var first *join.Ticket
	reads := 0
	s := w.takeover(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Method == memstore.Get && call.Key.Name == m.id.String() && call.Key.Collection == ports.Records {
			reads++
			if reads == 2 {
				first = w.issue(w.main, m.join("one"))
			}
		}
		return nil
	})
	if second := w.issue(s, m.join("one")); first == nil || second.PublicHash() != first.PublicHash() {
		t.Error("the tickets differ")
	}
	w.holds()
}
