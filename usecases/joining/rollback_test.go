package joining_test

import (
	"errors"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// undecided expects that nothing was decided, and why.
func (w *world) undecided(s *service, a *joining.Application, want error) {
	w.t.Helper()
	ticket, err := s.tickets.Issue(w.t.Context(), a)
	var refusal *joining.Refusal
	if !errors.Is(err, want) || errors.As(err, &refusal) || ticket != nil {
		w.t.Errorf("Issue = %v, want %v", err, want)
	}
	if status := joining.StatusOf(err); status != joining.StatusDependency {
		w.t.Errorf("its status is %s", status)
	}
}

// A store that is rolled back behind a denial, or that withholds it, admits nobody.
func TestThreat30StoreRolledBack(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	yesterday := w.store.Copy()
	w.submit(w.author.Deny(m.id, "stolen"))
	w.refused(w.main, m.reboot().rejoin("two"), policy.CodeNodeRevoked)

	old := w.serviceWith(yesterday, nil)
	released, err := old.releaser.Release(t.Context(), joining.JoinService, joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")})
	if err != nil {
		t.Fatalf("who has seen nothing else is at the mercy of what it is shown: %v", err)
	}
	released.Wipe()
	for _, key := range []ports.Key{governing.HeadKey()} { // today's service is shown yesterday's head
		item, err := yesterday.Get(t.Context(), key)
		must(t, err)
		must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: key, Value: item.Value}}}))(t)
	}
	w.undecided(w.main, m.reboot().rejoin("three"), governing.ErrRolledBack)
	w.undecided(w.main, w.machine("w-2").join("four"), governing.ErrRolledBack)
	_, err = w.main.releaser.Release(t.Context(), joining.JoinService, joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")})
	if !errors.Is(err, governing.ErrRolledBack) {
		t.Errorf("keys over a store that was rolled back: %v", err)
	}
	_, err = w.main.reattest.Observe(t.Context(), m.id, joining.Observation{Candidate: m.attest().Candidate, Evidence: m.attest().Evidence})
	if !errors.Is(err, governing.ErrRolledBack) {
		t.Errorf("a re-attestation over a store that was rolled back: %v", err)
	}
}

// A record and a request that are written back behind a denial: the denial is
// asked for, and not the record alone.
func TestThreat30RecordRolledBack(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	old := append(w.items(ports.Records), w.items(ports.Requests)...)
	w.submit(w.author.Deny(m.id, "stolen"))
	tx := &ports.Transaction{}
	for _, item := range old {
		tx.Then = append(tx.Then, ports.Write{Key: item.Key, Value: item.Value})
	}
	must2(w.store.Commit(t.Context(), tx))(t)
	w.refused(w.main, m.join("one"), policy.CodeNodeRevoked)
	_, err := w.main.releaser.Release(t.Context(), joining.JoinService, joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")})
	var refused *joining.ReleaseError
	if !errors.As(err, &refused) || refused.Reason != joining.Barred {
		t.Errorf("its keys: %v", err)
	}
	w.observe(m, shown(m.attest()))
	if r := w.record(m.id); r.State == join.Member {
		t.Error("it is a member again")
	}
}

// A request that is written back as it was before its outcome: the record tells.
func TestThreat30RequestRolledBack(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	var old *ports.Item
	s := w.takeover(at(memstore.After, 1, func() { old = w.items(ports.Requests)[0] }))
	w.issue(s, m.join("one"))
	must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: old.Key, Value: old.Value}}}))(t)
	_, err := w.main.releaser.Release(t.Context(), joining.JoinService, joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")})
	var refused *joining.ReleaseError
	if !errors.As(err, &refused) || refused.Reason != joining.NoIntent {
		t.Errorf("its keys: %v", err)
	}
	var exhausted *joining.ExhaustedError
	if _, err := w.main.tickets.Issue(t.Context(), m.join("one")); !errors.As(err, &exhausted) {
		t.Errorf("its ticket: %v", err)
	}
}

// Approvals that the owner did not sign, written into the store.
func TestThreat30UnsignedApproval(t *testing.T) {
	w := newWorld(t)
	m := w.machine("cp-2")
	signed := w.author.By("stranger").Approve(m.id, join.ControlPlane)
	head := w.author.Head()
	value, err := head.Encode()
	must(t, err)
	must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{
		{Key: governing.DirectiveKey(head.Serial), Value: signed}, {Key: governing.HeadKey(), Value: value},
	}}))(t)
	w.undecided(w.main, m.join("one", asControlPlane), governing.ErrStored)
	w.undecided(w.service(nil), m.join("one", asControlPlane), governing.ErrStored)
}

// Evidence that was judged by a policy that is not in force any more, or that the
// statement does not accept any more.
func TestThreat30OldPolicy(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.submit(w.policy())
	w.undecided(w.main, m.join("one"), joining.ErrVerdictStale)
	a := m.join("one")
	a.Candidate.Policy = 2
	w.issue(w.main, a)
	shown := m.attest()
	_, err := w.main.reattest.Observe(t.Context(), m.id, joining.Observation{Candidate: shown.Candidate, Evidence: shown.Evidence})
	if !errors.Is(err, joining.ErrVerdictStale) {
		t.Errorf("re-attested by an old policy: %v", err)
	}
	w.clock.Advance(time.Second)
	w.submit(w.statement(func(s *owner.Statement) { s.MinimumPolicySerial = 3 }))
	again := m.join("one")
	again.Candidate.Policy = 2
	w.undecided(w.main, again, authority.ErrNoPolicy)
}

// Under a statement that has expired, nobody decides anything.
func TestThreat30StatementExpired(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.clock.Advance(owner.DefaultStatementLifetime + time.Second)
	w.undecided(w.main, m.reboot().rejoin("two"), authority.ErrNoStatement)
	_, err := w.main.releaser.Release(t.Context(), joining.JoinService, joining.ReleaseRequest{Request: requestID("one"), Node: m.id, Disk: disk("w-1")})
	if !errors.Is(err, authority.ErrNoStatement) {
		t.Errorf("keys under an expired statement: %v", err)
	}
	if _, err := w.main.reattest.Observe(t.Context(), m.id, joining.Observation{}); !errors.Is(err, authority.ErrNoStatement) {
		t.Errorf("a silent node under an expired statement: %v", err)
	}
	w.submit(w.statement())
	w.issue(w.main, m.reboot().rejoin("two"))
}

// A freeze stops first joins and nothing else, also one that is on its way.
func TestFrozen(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.issue(w.main, m.join("one"))
	w.up(m)
	w.submit(w.author.Freeze())
	w.refused(w.main, w.machine("w-2").join("two"), policy.CodeClusterFrozen)
	w.issue(w.main, m.reboot().rejoin("three"))
	w.submit(w.author.Thaw())
	freeze := w.author.Freeze()
	s := w.service(at("before", 1, func() { w.submit(freeze) }))
	w.refused(s, w.machine("w-2").join("four"), policy.CodeClusterFrozen)
}
