package joining_test

import (
	"errors"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// A request is one machine's, in one boot, with one content; nobody else gets
// anything for it.
func TestThreat24RequestReplayed(t *testing.T) {
	for _, answered := range []bool{true, false} {
		for name, replay := range map[string]func(w *world, m *machine) *joining.Application{
			"by another machine": func(w *world, _ *machine) *joining.Application {
				return w.machine("thief").join("one", func(r *join.Request) { r.Name, r.Disk = "w-1", disk("w-1") })
			},
			"by another machine, for itself": func(w *world, _ *machine) *joining.Application { return w.machine("thief").join("one") },
			"with another name": func(_ *world, m *machine) *joining.Application {
				return m.join("one", func(r *join.Request) { r.Name = "w-2" })
			},
			"with another disk": func(_ *world, m *machine) *joining.Application {
				return m.join("one", func(r *join.Request) { r.Disk = disk("other") })
			},
			"with another role": func(_ *world, m *machine) *joining.Application { return m.join("one", asControlPlane) },
			"as a rejoin":       func(_ *world, m *machine) *joining.Application { return m.rejoin("one") },
			"in another boot":   func(_ *world, m *machine) *joining.Application { return m.reboot().join("one") },
			"with another key for a service": func(_ *world, m *machine) *joining.Application {
				a := (&machine{name: "x", id: m.id, platform: m.platform, boot: m.boot}).join("one", func(r *join.Request) { r.Name, r.Disk = "w-1", disk("w-1") })
				a.Candidate.AK, a.AK = hash(m.ak()), m.ak()
				a.Candidate.Claims = m.attest().Candidate.Claims
				return a
			},
		} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t)
				m := w.machine("w-1")
				if !answered {
					w.minter.fail = errors.New("no certificates today")
				}
				_, err := w.main.tickets.Issue(t.Context(), m.join("one"))
				if answered != (err == nil) {
					t.Fatalf("Issue: %v", err)
				}
				w.minter.fail = nil
				releases := w.count(ledger.KeyRelease)
				w.refused(w.main, replay(w, m), policy.CodeRequestReplayed)
				if w.count(ledger.KeyRelease) != releases {
					t.Error("keys were released for it")
				}
				w.issue(w.main, m.join("one")) // the node itself goes on
				w.holds()
			})
		}
	}
}

// A ticket is given again for minutes, and not once the node is up.
func TestThreat24TicketAgain(t *testing.T) {
	t.Run("after its time", func(t *testing.T) {
		w := newWorld(t)
		m := w.machine("w-1")
		w.issue(w.main, m.join("one"))
		w.clock.Advance(10*time.Minute - time.Second)
		w.issue(w.main, m.join("one"))
		w.clock.Advance(2 * time.Second)
		w.refused(w.main, m.join("one"), policy.CodeBootNotNew)
	})
	t.Run("after the node is up", func(t *testing.T) {
		w := newWorld(t)
		m := w.machine("w-1")
		w.issue(w.main, m.join("one"))
		must(t, w.main.nodes.Finished(t.Context(), m.id))
		must(t, w.main.nodes.Finished(t.Context(), m.id))
		w.refused(w.main, m.join("one"), policy.CodeBootNotNew)
	})
	t.Run("after a later request", func(t *testing.T) {
		w := newWorld(t)
		m := w.machine("w-1")
		w.issue(w.main, m.join("one"))
		request := w.items(ports.Requests)[0]
		w.up(m)
		w.issue(w.main, m.reboot().rejoin("two"))
		must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: request.Key, Value: request.Value}}}))(t) // as if it were there still
		w.refused(w.main, m.join("one"), policy.CodeRequestReplayed)
	})
	t.Run("too often", func(t *testing.T) {
		w := newWorld(t)
		m := w.machine("w-1")
		for range joining.MaxReleases {
			w.issue(w.main, m.join("one"))
		}
		_, err := w.main.tickets.Issue(t.Context(), m.join("one"))
		var refused *joining.ReleaseError
		if !errors.As(err, &refused) || refused.Reason != joining.TooOften || joining.StatusOf(err) != joining.StatusExhausted {
			t.Errorf("once more: %v", err)
		}
		if n := w.count(ledger.KeyRelease); n != joining.MaxReleases {
			t.Errorf("%d releases in the ledger, want %d", n, joining.MaxReleases)
		}
	})
}

// A request whose time ended before it was answered is decided anew: the same
// boot may replace what nobody has a ticket for.
func TestUnansweredRequestEnds(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.minter.fail = errors.New("no certificates today")
	if _, err := w.main.tickets.Issue(t.Context(), m.join("one")); joining.StatusOf(err) != joining.StatusDependency {
		t.Fatalf("without a minter: %v (%s)", err, joining.StatusOf(err))
	}
	w.minter.fail = nil
	w.clock.Advance(time.Hour)
	w.issue(w.main, m.join("two"))
	w.holds()
}

// A node that crashes between its ticket and its mark comes back in another boot,
// with another disk, and asks anew; what it got before is nobody's any more.
func TestThreat05CrashBetweenTicketAndMark(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	lost := w.issue(w.main, m.join("one"))
	w.clock.Advance(w.later(w.main, m.reboot().join("two", onDisk("second"))))
	again := w.issue(w.main, m.reboot().join("two", func(r *join.Request) { r.Disk = disk("second") }))
	if again.DiskKey.Equal(lost.DiskKey) || again.Token.Secret.Equal(lost.Token.Secret) {
		t.Error("the second ticket holds what the first did")
	}
	w.refused(w.main, m.join("one"), policy.CodeBootNotNew)
	w.refused(w.main, w.machine("thief").join("three", func(r *join.Request) { r.Disk = disk("w-1") }), policy.CodeDiskTaken)
	w.holds()
}

// A marked node that asks for a first join is refused by its evidence, and no
// store is asked for its sake.
func TestThreat05MarkedNodeAsks(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	refusal := w.refusal(w.main, fails(m.join("two"), policy.CodeMarkMismatch), policy.CodeMarkMismatch)
	if joining.StatusOf(refusal) != joining.StatusEvidence || len(refusal.Decision.Findings) != 1 {
		t.Errorf("a marked node learns %v", refusal.Decision.Findings)
	}
}

// Yesterday's disk, two live clones, and two disks that changed places.
func TestThreat12ClonesAndSwappedDisks(t *testing.T) {
	w := newWorld(t)
	a, b := w.machine("w-1"), w.machine("w-2")
	w.issue(w.main, a.join("one"))
	w.issue(w.main, b.join("two"))
	w.up(a)
	w.issue(w.main, a.reboot().rejoin("three")) // today's boot
	w.up(a)
	releases := w.count(ledger.KeyRelease)

	w.refused(w.main, a.rejoin("four"), policy.CodeBootNotNew) // the machine and disk as they were yesterday
	w.refused(w.main, a.reboot().rejoin("five"), policy.CodeBootNotNew)
	w.prober.alive[a.id] = join.Alive
	w.refused(w.main, a.reboot().reboot().rejoin("six"), policy.CodeCloneAlive)
	w.refused(w.main, a.reboot().reboot().join("seven", onDisk("new")), policy.CodeCloneAlive)
	w.prober.alive[a.id] = join.Silent
	w.refused(w.main, a.reboot().reboot().rejoin("eight", func(r *join.Request) { r.Disk = disk("w-2") }), policy.CodeDiskMismatch)
	w.refused(w.main, b.reboot().rejoin("nine", func(r *join.Request) { r.Disk = disk("w-1") }), policy.CodeDiskTaken)
	if w.count(ledger.KeyRelease) != releases {
		t.Error("keys were released for a clone")
	}
	w.issue(w.main, a.reboot().reboot().rejoin("ten"))
	w.holds()
}

// Nobody knows whether the other one lives: then nothing is decided.
func TestThreat12ProberFails(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.prober.fail = errors.New("no route to host")
	if _, err := w.main.tickets.Issue(t.Context(), m.reboot().rejoin("two")); !errors.Is(err, w.prober.fail) || joining.StatusOf(err) != joining.StatusDependency {
		t.Errorf("without an answer: %v", err)
	}
	w.prober.fail, w.prober.alive[m.id] = nil, join.NotAsked
	if _, err := w.main.tickets.Issue(t.Context(), m.reboot().rejoin("two")); !errors.Is(err, joining.ErrInconsistent) || joining.StatusOf(err) != joining.StatusInternal {
		t.Errorf("with an answer that is none: %v", err)
	}
	if n := w.count(ledger.Intent); n != 1 {
		t.Errorf("%d intents", n)
	}
}

// A disk that a node gave up stays its own: its key is for nobody else, and not for
// a node that begins anew.
func TestThreat12DiskGivenUp(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.up(m)
	w.issue(w.main, m.reboot().join("two", onDisk("new")))
	w.up(m)
	w.refused(w.main, w.machine("thief").join("three", onDisk("w-1")), policy.CodeDiskTaken)
	w.refused(w.main, m.reboot().reboot().join("four"), policy.CodeDiskTaken)
	w.holds()
}

// Of two clones neither of which is up yet, nothing answers for either: the second
// waits until the first has had its time.
func TestThreat12ClonesBackToBack(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.up(m)
	first, second := m.reboot(), m.reboot().reboot()
	w.issue(w.main, first.rejoin("two"))
	entries := len(w.entries())
	for _, a := range []*joining.Application{second.rejoin("three"), second.join("four", onDisk("new"))} {
		if after := w.later(w.main, a); after > 11*time.Minute {
			t.Errorf("%s: later is in %v", a.Candidate.Request.Kind, after)
		}
	}
	if len(w.entries()) != entries {
		t.Error("the second has an intent")
	}
	w.issue(w.main, first.rejoin("two")) // the first gets its ticket again
	w.up(m)
	w.prober.alive[m.id] = join.Alive
	w.refused(w.main, second.rejoin("three"), policy.CodeCloneAlive)
	w.holds()
}

// A machine keeps its name until its record is removed, also where its first join
// got no ticket.
func TestNameOfWhoNeverJoined(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.minter.fail = errors.New("no certificates today")
	_, err := w.main.tickets.Issue(t.Context(), m.join("one"))
	if joining.StatusOf(err) != joining.StatusDependency {
		t.Fatalf("without a minter: %v", err)
	}
	w.minter.fail = nil
	another := m.join("two", onDisk("new"), func(r *join.Request) { r.Name = "w-9" })
	w.refused(w.main, another, policy.CodeNameMismatch)
	must(t, w.main.nodes.Remove(t.Context(), m.id))
	w.issue(w.main, another)
	w.issue(w.main, w.machine("w-2").join("three", func(r *join.Request) { r.Name = "w-1" }))
	w.holds()
}
