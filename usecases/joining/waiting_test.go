package joining_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

func TestWaitingForApproval(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	refusal := w.refusal(w.main, m.join("one", asControlPlane), policy.CodeApprovalMissing)
	if refusal.Decision.Outcome != join.Awaiting || refusal.RetryAfter <= 0 || joining.StatusOf(refusal) != joining.StatusPolicy {
		t.Errorf("who waits is told %v, retry %v", refusal, refusal.RetryAfter)
	}
	queue, err := w.main.governor.Waiting(t.Context())
	must(t, err)
	list := queue.Candidates
	if len(list) != 1 || list[0].Identity != m.id || list[0].Role != join.ControlPlane || list[0].Name != "cp-2" {
		t.Fatalf("whoever approves sees %+v", list)
	}
	if _, err := w.ring.ReadBlob(t.Context(), [32]byte(list[0].Evidence.Bytes())); err != nil {
		t.Errorf("its evidence: %v", err)
	}
	if n := len(w.items(ports.Refusals)); n != 0 {
		t.Errorf("waiting counts as %d refusals", n)
	}
	if len(w.blobs.held) != 1 {
		t.Errorf("%d pieces of evidence are kept for good, want the first node's", len(w.blobs.held))
	}
	w.approve(m)
	w.issue(w.main, m.join("one", asControlPlane))
	if n := len(w.items(ports.Waiting)); n != 0 {
		t.Errorf("%d still wait", n)
	}
	w.holds()
}

// Whoever waits asks often, and costs a write where something is new.
func TestWaitingIsWrittenOnce(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	commits := 0
	s := w.service(func(at memstore.Moment, call *memstore.Call) error {
		if at == memstore.Before && call.Method == memstore.Commit {
			commits++
		}
		return nil
	})
	for range 5 {
		w.refused(s, m.join("one", asControlPlane), policy.CodeApprovalMissing)
		w.clock.Advance(time.Minute)
	}
	if commits != 1 {
		t.Errorf("%d writes", commits)
	}
	w.refused(s, m.join("one", asControlPlane, func(r *join.Request) { r.Name = "cp-9" }), policy.CodeApprovalMissing)
	if commits != 2 {
		t.Errorf("%d writes after another wish", commits)
	}
	w.clock.Advance(7 * time.Hour)
	w.refused(s, m.join("one", asControlPlane, func(r *join.Request) { r.Name = "cp-9" }), policy.CodeApprovalMissing)
	if commits != 3 {
		t.Errorf("%d writes after hours", commits)
	}
	w.clock.Advance(25 * time.Hour)
	if n := len(w.items(ports.Waiting)); n != 0 {
		t.Errorf("%d wait for ever", n)
	}
}

// However many machines wait, the store holds as many as there is room for.
func TestThreat23WaitingIsBounded(t *testing.T) {
	w := newWorld(t)
	s := w.main
	tickets, err := joining.NewTickets(joining.TicketsConfig{
		Store: s.store, Authority: s.governor, Recorder: s.recorder, Evidence: w.blobs, Keys: s.releaser.For(joining.JoinService),
		Minter: w.minter, Prober: w.prober, Refusals: s.refusals, Now: w.clock.Now, Limits: joining.Limits{Waiters: 3},
	})
	must(t, err)
	for i := range 8 {
		m := w.machine(fmt.Sprintf("cp-%d", i+2))
		_, err := tickets.Issue(t.Context(), m.join(m.name, asControlPlane))
		var exhausted *joining.ExhaustedError
		if full := errors.As(err, &exhausted); full != (i >= 3) {
			t.Errorf("candidate %d: %v", i, err)
		}
	}
	if n := len(w.items(ports.Waiting)); n != 3 {
		t.Errorf("%d wait", n)
	}
	_, err = tickets.Issue(t.Context(), w.machine("cp-2").join("cp-2", asControlPlane))
	var refusal *joining.Refusal
	if !errors.As(err, &refusal) {
		t.Errorf("who waits already is told %v", err)
	}
}

// What is in the store and cannot be read keeps nobody from waiting.
func TestWaitingOverGarbage(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	key := ports.Key{Collection: ports.Waiting, Name: m.id.String()}
	must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: key, Value: []byte("{}")}}}))(t)
	w.refused(w.main, m.join("one", asControlPlane), policy.CodeApprovalMissing)
	queue, err := w.main.governor.Waiting(t.Context())
	must(t, err)
	list := queue.Candidates
	if len(list) != 1 {
		t.Errorf("%d wait", len(list))
	}
}

// An approval for another name, and one that has expired, let nobody in.
func TestApprovals(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	w.submit(w.author.Approve(m.id, join.ControlPlane, func(d *authority.Directive) { d.Name = "cp-9" }))
	w.refused(w.main, m.join("one", asControlPlane), policy.CodeNameNotAllowed)
	w.approve(m)
	w.clock.Advance(2 * time.Hour)
	w.refused(w.main, m.join("one", asControlPlane), policy.CodeApprovalExpired)
	w.approve(m)
	w.issue(w.main, m.join("one", asControlPlane))
	must(t, w.main.nodes.Finished(t.Context(), m.id))
	w.refused(w.main, m.reboot().join("two", asControlPlane, onDisk("new")), policy.CodeApprovalSpent)
}

// Whoever waits can change its wish for ever: what it shows is not kept for good.
func TestThreat23EvidenceOfWaitingIsNotKeptForGood(t *testing.T) {
	w := newWorld(t)
	m := w.machine("stranger")
	before := len(w.blobs.held)
	for i := range 20 {
		a := m.join("x", asControlPlane, func(r *join.Request) { r.Name = join.NodeName(fmt.Sprintf("name-%d", i)) })
		a.Evidence = fmt.Appendf(a.Evidence, " %d", i)
		a.Candidate.Evidence = hash(a.Evidence)
		w.refused(w.main, a, policy.CodeApprovalMissing)
	}
	if n := len(w.blobs.held) - before; n != 0 || len(w.ring.held) != 20 {
		t.Errorf("%d are kept for good, %d in the ring", n, len(w.ring.held))
	}
}
