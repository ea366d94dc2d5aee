package joining_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// What an intent rests on changes between the decision and its commit: it is
// decided anew.
func TestIntentIsDecidedAnew(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(w *world) *joining.Application
		want      policy.Code
	}{
		"the name is taken": {func(w *world) *joining.Application {
			return w.machine("w-2").join("two", func(r *join.Request) { r.Name = "w-1" })
		}, policy.CodeNameTaken},
		"the disk is taken": {func(w *world) *joining.Application {
			return w.machine("w-2").join("two", func(r *join.Request) { r.Disk = disk("w-1") })
		}, policy.CodeDiskTaken},
		"the request's ID is taken": {func(w *world) *joining.Application { return w.machine("w-2").join("one") }, policy.CodeRequestReplayed},
		"the machine joins under another request": {func(w *world) *joining.Application {
			return w.machine("w-1").join("two", func(r *join.Request) { r.Name, r.Disk = "w-9", disk("w-9") })
		}, policy.CodeBootNotNew},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.takeover(at(memstore.Before, 1, func() { w.issue(w.main, tt.meanwhile(w)) }))
			w.refused(s, w.machine("w-1").join("one"), tt.want)
			w.holds()
		})
	}
}

// The lease is taken between the decision and its commit, and again between the
// intent and the outcome.
func TestLeaseIsTakenMeanwhile(t *testing.T) {
	for commit := 1; commit <= 3; commit++ {
		w := newWorld(t)
		m, other := w.machine("cp-2"), w.machine("cp-3")
		w.approve(m)
		w.approve(other)
		s := w.takeover(at(memstore.Before, commit, func() {
			key := ports.Key{Collection: ports.Leases, Name: "control-plane"} // as if it had ended
			must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: key, Delete: true}}}))(t)
			w.issue(w.main, other.join("two", asControlPlane))
		}))
		_, err := s.tickets.Issue(t.Context(), m.join("one", asControlPlane))
		var exhausted *joining.ExhaustedError
		if !errors.As(err, &exhausted) {
			t.Errorf("before commit %d: %v", commit, err)
		}
		if r := w.record(m.id); r != nil && r.State == join.Member {
			t.Errorf("before commit %d: two control-plane nodes at once", commit)
		}
		w.holds()
	}
}

// A release that is counted between the decision on an outcome and its commit is
// not forgotten.
func TestReleaseIsCountedMeanwhile(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	s := w.takeover(at(memstore.Before, 3, func() {
		q := joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")}
		must2(w.main.releaser.Release(t.Context(), joining.JoinService, q))(t)
	}))
	w.issue(s, m.join("one"))
	want := fmt.Sprintf(`"releases":%d,`, w.count(ledger.KeyRelease))
	if item := w.items(ports.Requests)[0]; w.count(ledger.KeyRelease) < 2 || !strings.Contains(string(item.Value), want) {
		t.Errorf("%s does not hold %s", item.Value, want)
	}
	w.holds()
}

// A request that a later one of the same node has replaced gets no keys.
func TestReleaseForLaterRequest(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.clock.Advance(10*time.Minute + time.Second)
	w.issue(w.main, m.reboot().rejoin("two"))
	q := joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")}
	var refused *joining.ReleaseError
	if _, err := w.main.releaser.Release(t.Context(), joining.JoinService, q); !errors.As(err, &refused) || refused.Reason != joining.NoIntent {
		t.Errorf("for an older request: %v", err)
	}
}

// A service whose clock was hours ahead leaves a request that lasts no longer for
// it: it is over, and not given again for hours.
func TestRequestFromTheFuture(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.clock.Advance(5 * time.Hour)
	w.issue(w.main, m.join("one"))
	w.clock.Advance(-5 * time.Hour)
	w.refused(w.main, m.join("one"), policy.CodeBootNotNew)
	q := joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")}
	var refused *joining.ReleaseError
	if _, err := w.main.releaser.Release(t.Context(), joining.JoinService, q); !errors.As(err, &refused) || refused.Reason != joining.NoIntent {
		t.Errorf("its keys: %v", err)
	}
	w.issue(w.main, m.reboot().rejoin("two"))
	w.holds()
}

// What a ticket is made of changes before it is given again: then it is not.
func TestTicketChanged(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	w.approve(m)
	w.issue(w.main, m.join("one", asControlPlane))
	w.minter.file = "pki/new.key"
	if _, err := w.main.tickets.Issue(t.Context(), m.join("one", asControlPlane)); !errors.Is(err, joining.ErrTicketChanged) || joining.StatusOf(err) != joining.StatusPolicy {
		t.Errorf("with another file: %v", err)
	}
}
