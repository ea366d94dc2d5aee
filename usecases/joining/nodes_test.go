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

func TestRemove(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	var notGone *joining.NotGoneError
	if err := w.main.nodes.Remove(t.Context(), m.id); !errors.As(err, &notGone) || notGone.State != join.Member {
		t.Fatalf("a member was removed: %v", err)
	}
	w.clock.Advance(join.DefaultSilence * time.Second)
	w.observe(m, joining.Observation{})
	w.prober.alive[m.id] = join.Alive
	if err := w.main.nodes.Remove(t.Context(), m.id); !errors.As(err, &notGone) || !notGone.Alive {
		t.Fatalf("a node that answers was removed: %v", err)
	}
	w.prober.fail = errors.New("no route to host")
	if err := w.main.nodes.Remove(t.Context(), m.id); !errors.Is(err, w.prober.fail) {
		t.Fatalf("a node that may answer was removed: %v", err)
	}
	w.prober.fail, w.prober.alive[m.id] = nil, join.Silent
	must(t, w.main.nodes.Remove(t.Context(), m.id))
	must(t, w.main.nodes.Remove(t.Context(), m.id))
	if w.record(m.id) != nil {
		t.Error("its record is still there")
	}
	w.refused(w.main, m.reboot().rejoin("two"), policy.CodeRecordMissing)
	heir := w.machine("heir")
	w.issue(w.main, heir.join("three", func(r *join.Request) { r.Name = "w-1" }))
	w.refused(w.main, m.reboot().join("four"), policy.CodeNameTaken)
	w.holds()
}

// A node that comes back while it is removed stays.
func TestRemoveWhileItReturns(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.clock.Advance(join.DefaultSilence * time.Second)
	w.observe(m, joining.Observation{})
	s := w.takeover(at(memstore.Before, 1, func() { w.issue(w.main, m.reboot().rejoin("two")) }))
	if err := s.nodes.Remove(t.Context(), m.id); !errors.Is(err, ports.ErrStoreConflict) {
		t.Errorf("Remove = %v", err)
	}
	if w.record(m.id).State != join.Member {
		t.Error("it is no member")
	}
	w.holds()
}

// The key of a disk depends on its UUID alone. Whatever became of the node that had
// it, nobody ever joins with it again: not another machine, nor the same one.
func TestThreat12RemovedDisksAreNobodys(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	w.approve(m)
	w.issue(w.main, m.join("one", asControlPlane))
	w.up(m)
	m = m.reboot()
	w.approve(m)
	w.issue(w.main, m.join("two", asControlPlane, onDisk("second")))
	w.clock.Advance(join.DefaultSilence * time.Second)
	w.observe(m, joining.Observation{})
	must(t, w.main.nodes.Remove(t.Context(), m.id))
	thief, releases := w.machine("thief"), w.count(ledger.KeyRelease)
	for _, name := range []string{"cp-2", "second"} {
		w.refused(w.main, thief.join(name+" for another", onDisk(name)), policy.CodeDiskTaken)
		if ticket, err := w.main.tickets.Issue(t.Context(), m.reboot().join(name+" again", onDisk(name))); joining.StatusOf(err) != joining.StatusPolicy {
			t.Errorf("disk %s, for its own machine: %v, %v", name, ticket, err)
		}
	}
	if w.count(ledger.KeyRelease) != releases {
		t.Error("keys of a node that was removed were released")
	}
	w.issue(w.main, thief.join("its own", func(r *join.Request) { r.Name = "cp-2" })) // the name is free
	w.holds()
}

// A member on its way back has a sealed disk, which nothing would open without its
// record: it is no node that never came, however silent.
func TestRemoveOnItsWayBack(t *testing.T) {
	w := newWorld(t)
	m, never := w.machine("w-1"), w.machine("w-2")
	w.issue(w.main, m.join("one"))
	w.up(m)
	w.interrupted(m.reboot().rejoin("two"))
	var notGone *joining.NotGoneError
	if err := w.main.nodes.Remove(t.Context(), m.id); !errors.As(err, &notGone) || notGone.State != join.Intended || notGone.Alive {
		t.Fatalf("a node on its way back was removed: %v", err)
	}
	w.interrupted(never.join("three"))
	must(t, w.main.nodes.Remove(t.Context(), never.id))
	w.issue(w.main, m.reboot().rejoin("two"))
	m = m.reboot()
	w.up(m)
	w.interrupted(m.reboot().rejoin("four"))
	w.submit(w.author.Deny(m.id, "stolen"))
	must(t, w.main.nodes.Remove(t.Context(), m.id))
	if w.record(m.id) != nil || w.record(never.id) != nil {
		t.Error("a record is still there")
	}
	w.holds()
}

// A node is removed while another asks for its name: who asks is decided anew, and
// meets no store that contradicts itself.
func TestRemoveWhileItsNameIsRead(t *testing.T) {
	w := newWorld(t)
	gone, heir := w.machine("w-1"), w.machine("heir")
	w.issue(w.main, gone.join("one"))
	w.submit(w.author.Deny(gone.id, "stolen"))
	removed := false
	s := w.takeover(func(when memstore.Moment, call *memstore.Call) error {
		if when == memstore.Before && call.Method == memstore.Get && call.Key.Collection == ports.Records && call.Key.Name == gone.id.String() && !removed {
			removed = true
			must(t, w.main.nodes.Remove(t.Context(), gone.id))
		}
		return nil
	})
	w.issue(s, heir.join("two", func(r *join.Request) { r.Name = "w-1" }))
	if !removed {
		t.Error("it was not removed meanwhile")
	}
	w.holds()
}

// A control-plane node that is denied, or removed, holds nobody back.
func TestLeaseOfWhoIsGone(t *testing.T) {
	for name, end := range map[string]func(w *world, m *machine){
		"denied": func(w *world, m *machine) { w.submit(w.author.Deny(m.id, "stolen")) },
		"removed": func(w *world, m *machine) {
			w.observe(m, shown(fails(m.attest(), policy.CodePCRMismatch)))
			must(t, w.main.nodes.Remove(t.Context(), m.id))
		},
	} {
		w := newWorld(t)
		gone, next := w.machine("cp-2"), w.machine("cp-3")
		w.approve(gone)
		w.approve(next)
		w.issue(w.main, gone.join("one", asControlPlane))
		w.later(w.main, next.join("two", asControlPlane))
		end(w, gone)
		if n := len(w.items(ports.Leases)); n != 0 {
			t.Errorf("%s: the lease is held still", name)
		}
		w.issue(w.main, next.join("two", asControlPlane))
		must(t, w.main.nodes.Remove(t.Context(), gone.id)) // which does not hold it any more
		if n := len(w.items(ports.Leases)); n != 1 {
			t.Errorf("%s: another node's lease was let go", name)
		}
		w.holds()
	}
}

func TestFinishedOfNobody(t *testing.T) {
	w := newWorld(t)
	before := w.store.Revision()
	must(t, w.main.nodes.Finished(t.Context(), w.machine("stranger").id))
	if w.store.Revision() != before {
		t.Error("something was written")
	}
}
