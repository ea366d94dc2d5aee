package joining_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// Every caller, method and purpose: what is not written down here is denied.
func TestThreat17TableOfCallers(t *testing.T) {
	allowed := []string{
		"joinservice release-node state-disk",
		"joinservice release-node state-disk-header",
		"joinservice release-kek ",
		"kubernetes-kms data-key kubernetes-etcd",
		"workload data-key volume",
		"workload data-key object-store",
	}
	seen := 0
	callers := append(joining.Callers(), "", "joinservice ", "JoinService", "kms", "bootstrapper")
	methods := append(joining.Methods(), "", "sign-checkpoint", "Release-Node")
	purposes := append(keys.Purposes(), joining.NoPurpose, "cluster", "state-disk ", "State-Disk")
	for _, c := range callers {
		for _, m := range methods {
			for _, p := range purposes {
				want := slices.Contains(allowed, strings.Join([]string{string(c), string(m), string(p)}, " "))
				if got := joining.Allowed(c, m, p); got != want {
					t.Errorf("%q may ask %q for %q: %t", c, m, p, got)
				}
				if want {
					seen++
				}
			}
		}
	}
	if seen != len(allowed) {
		t.Errorf("%d of %d rows were asked for", seen, len(allowed))
	}
	for _, c := range callers {
		for _, m := range methods {
			if joining.Allowed(c, m, keys.LedgerSigning) {
				t.Errorf("%q gets the ledger's signing key through %q", c, m)
			}
		}
	}
}

// The KMS gives a node's keys to no other caller, for no other node, disk or
// request than what is recorded, and believes nothing that it is told.
func TestThreat17ReleaseOnlyWhatIsRecorded(t *testing.T) {
	w := newWorld(t)
	m, other := w.machine("w-1"), w.machine("w-2")
	w.issue(w.main, m.join("one"))
	w.issue(w.main, other.join("two"))
	good := joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")}
	derived, releases := w.kms.derived(), w.count(ledger.KeyRelease)
	for name, tt := range map[string]struct {
		caller joining.Caller
		change func(q *joining.ReleaseRequest)
		want   joining.ReleaseReason
	}{
		"workload":        {joining.Workload, func(*joining.ReleaseRequest) {}, joining.NotAllowed},
		"front end":       {joining.KubernetesKMS, func(*joining.ReleaseRequest) {}, joining.NotAllowed},
		"nobody":          {"", func(*joining.ReleaseRequest) {}, joining.NotAllowed},
		"another disk":    {joining.JoinService, func(q *joining.ReleaseRequest) { q.Disk = disk("w-2") }, joining.NoIntent},
		"no disk":         {joining.JoinService, func(q *joining.ReleaseRequest) { q.Disk = "" }, joining.NoIntent},
		"another node":    {joining.JoinService, func(q *joining.ReleaseRequest) { q.Node = other.id }, joining.NoIntent},
		"a stranger":      {joining.JoinService, func(q *joining.ReleaseRequest) { q.Node = w.machine("stranger").id }, joining.NoIntent},
		"another request": {joining.JoinService, func(q *joining.ReleaseRequest) { q.Request = requestID("two") }, joining.NoIntent},
		"no request":      {joining.JoinService, func(q *joining.ReleaseRequest) { q.Request = requestID("none") }, joining.NoIntent},
	} {
		q := good
		tt.change(&q)
		released, err := w.main.releaser.Release(t.Context(), tt.caller, q)
		var refused *joining.ReleaseError
		if !errors.As(err, &refused) || refused.Reason != tt.want || released != nil {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if w.kms.derived() != derived || w.count(ledger.KeyRelease) != releases {
		t.Error("keys were derived or released")
	}
	released, err := w.main.releaser.For(joining.JoinService).Release(t.Context(), good)
	must(t, err)
	if released.KEK.Len() != 0 || released.Disk.Len() != join.DiskKeySize || released.Disk.Equal(released.Seal) {
		t.Error("a worker's keys are not its disk's and its seal's")
	}
	last := w.entries()[len(w.entries())-1].KeyRelease
	if last == nil || last.KEK || last.Caller != "joinservice" || len(last.Keys) != 2 || last.Keys[0].Name() != disk("w-1") {
		t.Errorf("the ledger tells of %+v", last)
	}
}

// The KEK leaves at the first join of a control-plane node that holds the lease,
// and at no other time.
func TestThreat17KEK(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	w.approve(m)
	ticket := w.issue(w.main, m.join("one", asControlPlane))
	kek, err := w.master.KEK(keys.FirstGeneration)
	must(t, err)
	if ticket.ControlPlane == nil || !bytes.Equal(ticket.ControlPlane.KEK.Reveal(), kek.Reveal()) || len(ticket.ControlPlane.Files) != 1 {
		t.Error("a control-plane node's ticket lacks the KEK or its files")
	}
	q := joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("cp-2")}
	_, err = w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: ports.Key{Collection: ports.Leases, Name: "control-plane"}, Delete: true}}})
	must(t, err)
	var refused *joining.ReleaseError
	if _, err := w.main.releaser.Release(t.Context(), joining.JoinService, q); !errors.As(err, &refused) || refused.Reason != joining.NoLease {
		t.Errorf("without the lease: %v", err)
	}
	w.issue(w.main, m.join("one", asControlPlane)) // takes it again
	must(t, w.main.nodes.Finished(t.Context(), m.id))

	back := w.issue(w.main, m.reboot().rejoin("two"))
	if back.ControlPlane != nil || back.Token != nil || back.Role != join.ControlPlane {
		t.Error("a control-plane node that comes back gets what is on its disk")
	}
	keks := 0
	for _, e := range w.entries() {
		if e.Type == ledger.KeyRelease && e.KeyRelease.KEK {
			keks++
		}
	}
	if keks != 2 { // the first, and the same ticket again
		t.Errorf("the ledger tells of %d releases of the KEK", keks)
	}
}

// A request that is over, and a node that is withheld, get no keys.
func TestReleaseForWhoIsMemberNoMore(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	q := joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")}
	a := fails(m.attest(), "PCR_MISMATCH")
	_, err := w.main.reattest.Observe(t.Context(), m.id, joining.Observation{Candidate: a.Candidate, Evidence: a.Evidence})
	must(t, err)
	var refused *joining.ReleaseError
	if _, err := w.main.releaser.Release(t.Context(), joining.JoinService, q); !errors.As(err, &refused) || refused.Reason != joining.Barred {
		t.Errorf("for a withheld node: %v", err)
	}
	must2(w.main.reattest.Observe(t.Context(), m.id, joining.Observation{Candidate: m.attest().Candidate, Evidence: m.attest().Evidence}))(t)
	released, err := w.main.releaser.Release(t.Context(), joining.JoinService, q)
	must(t, err)
	released.Wipe()
	if released.Disk.Len() != 0 || released.Measurement.Len() != 0 {
		t.Error("wiping leaves keys")
	}
	must(t, w.main.nodes.Finished(t.Context(), m.id))
	if _, err := w.main.releaser.Release(t.Context(), joining.JoinService, q); !errors.As(err, &refused) || refused.Reason != joining.NoIntent {
		t.Errorf("after the node is up: %v", err)
	}
}

// Where a key cannot be derived, none leaves.
func TestReleaseWithoutKeys(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.kms.fail = ports.ErrKeysUnavailable
	_, err := w.main.tickets.Issue(t.Context(), m.join("one"))
	if !errors.Is(err, ports.ErrKeysUnavailable) || joining.StatusOf(err) != joining.StatusDependency {
		t.Errorf("without keys: %v", err)
	}
	w.kms.fail = nil
	w.issue(w.main, m.join("one"))
	w.holds()
}
