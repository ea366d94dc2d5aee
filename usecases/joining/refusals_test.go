package joining_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// Refusals of one machine in one interval are one item, and then one entry.
func TestRefusalsAreAggregated(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	from := w.clock.Now()
	for i := range 40 {
		code := []policy.Code{policy.CodePCRMismatch, policy.CodeTCBBelowFloor}[i%2]
		w.refused(w.main, fails(m.join("one"), code), code)
		w.clock.Advance(2 * time.Second)
	}
	must(t, w.main.refusals.Flush(t.Context()))
	if n := w.count(ledger.Refusals); n != 0 || len(w.items(ports.Refusals)) != 1 {
		t.Fatalf("before the interval ends: %d entries, %d items", n, len(w.items(ports.Refusals)))
	}
	w.clock.Advance(10 * time.Minute)
	must(t, w.service(nil).refusals.Flush(t.Context())) // of another node
	must(t, w.main.refusals.Flush(t.Context()))
	e := w.entries()[len(w.entries())-1].Refusals
	if e == nil || w.count(ledger.Refusals) != 1 || len(w.items(ports.Refusals)) != 0 {
		t.Fatalf("after the interval: %d entries, %d items", w.count(ledger.Refusals), len(w.items(ports.Refusals)))
	}
	if e.Node != m.id || e.Count != 40 || !e.From.Equal(from) || len(e.Codes) != 2 {
		t.Errorf("the entry is %+v", e)
	}
	if _, err := w.ring.ReadBlob(t.Context(), [32]byte(e.Evidence.Bytes())); err != nil {
		t.Errorf("its evidence: %v", err)
	}
}

// An interval that nobody has flushed ends with the first refusal after it.
func TestRefusalsEndWithTheNext(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	for range 3 {
		w.refused(w.main, fails(m.join("one"), policy.CodePCRMismatch), policy.CodePCRMismatch)
		w.clock.Advance(time.Hour)
	}
	if n := w.count(ledger.Refusals); n != 2 || len(w.items(ports.Refusals)) != 1 {
		t.Errorf("%d entries, %d items", n, len(w.items(ports.Refusals)))
	}
}

// What no hardware vouches for leaves no trace, whatever it says it is.
func TestThreat23StrangersAreNotStored(t *testing.T) {
	w := newWorld(t)
	for name, forge := range map[string]func(a *joining.Application) *joining.Application{
		"without claims": func(a *joining.Application) *joining.Application {
			a.Candidate.Claims = nil
			return fails(a, policy.CodeSignatureInvalid)
		},
		"without an identity": func(a *joining.Application) *joining.Application {
			a.Candidate.Identity = join.Identity{}
			return a
		},
		"with an identity that is hearsay": func(a *joining.Application) *joining.Application { return fails(a, policy.CodeAKNotProven) },
		"with a TPM of its own making":     func(a *joining.Application) *joining.Application { return fails(a, policy.CodeEKNotTrusted) },
		"by a code that nobody here knows": func(a *joining.Application) *joining.Application { return fails(a, "NEVER_HEARD_OF") },
		"on a platform that anybody can make": func(a *joining.Application) *joining.Application {
			return fails(a, policy.CodePlatformNotAccepted)
		},
		"with firmware of its own": func(a *joining.Application) *joining.Application {
			return fails(a, policy.CodeLaunchDigestMismatch)
		},
		"beside a finding that is harmless": func(a *joining.Application) *joining.Application {
			fails(a, policy.CodePCRMismatch)
			a.Candidate.Verdict.Findings = append(a.Candidate.Verdict.Findings, policy.Finding{Code: policy.CodeSignatureInvalid, Severity: policy.Refuse})
			return a
		},
		"with the identity of another": func(a *joining.Application) *joining.Application {
			a.Candidate.Identity = authoritytest.Machine("w-2")
			return a
		},
		"relayed": func(a *joining.Application) *joining.Application { return fails(a, policy.CodeBindingMismatch) },
	} {
		before := w.store.Revision()
		_, err := w.main.tickets.Issue(t.Context(), forge(w.machine("w-1").join("one")))
		if joining.StatusOf(err) != joining.StatusEvidence {
			t.Errorf("%s: %v", name, err)
		}
		w.clock.Advance(time.Hour)
		must(t, w.main.refusals.Flush(t.Context()))
		if w.store.Revision() != before || len(w.ring.held) != 0 {
			t.Errorf("%s: something was written", name)
		}
	}
}

// Whatever a flood of refused machines does, the store holds as many as there is
// room for, and a machine that asks all the time costs few writes.
func TestThreat23RefusalsAreBounded(t *testing.T) {
	w := newWorld(t)
	refusals, err := joining.NewRefusals(joining.RefusalsConfig{Store: w.store, Recorder: w.main.recorder, Ring: w.ring, Now: w.clock.Now, Machines: 5})
	must(t, err)
	d := join.Replayed(requestID("one"))
	before := w.store.Revision()
	for i := range 50 {
		must(t, refusals.Note(t.Context(), w.machine(fmt.Sprintf("m-%d", i)).join("one"), d))
	}
	if n := len(w.items(ports.Refusals)); n != 5 {
		t.Errorf("%d machines have an item", n)
	}
	other, err := joining.NewRefusals(joining.RefusalsConfig{Store: w.store, Recorder: w.main.recorder, Now: w.clock.Now, Machines: 5})
	must(t, err)
	must(t, other.Note(t.Context(), w.machine("m-60").join("one"), d)) // on another node, which has room in memory
	if n := len(w.items(ports.Refusals)); n != 5 {
		t.Errorf("%d machines have an item", n)
	}
	for range 1000 {
		must(t, refusals.Note(t.Context(), w.machine("m-1").join("one"), d))
	}
	if n := w.store.Revision() - before; n > 6 || w.ring.n > 6 {
		t.Errorf("%d writes, and %d of evidence", n, w.ring.n)
	}
	w.clock.Advance(time.Hour)
	must(t, refusals.Flush(t.Context()))
	total := uint64(0)
	for _, e := range w.entries() {
		if e.Type == ledger.Refusals {
			total += e.Refusals.Count
		}
	}
	if total != 1005 || len(w.items(ports.Refusals)) != 0 {
		t.Errorf("%d refusals in the ledger, %d items left", total, len(w.items(ports.Refusals)))
	}
}

// A store that fails neither admits the node nor loses the count.
func TestRefusalsOverAFailingStore(t *testing.T) {
	w := newWorld(t)
	broken := true
	s := w.service(func(at memstore.Moment, call *memstore.Call) error {
		if broken && at == memstore.Before && (call.Method == memstore.List || call.Method == memstore.Commit) && call.Key.Collection != ports.Directives {
			return ports.ErrStoreUnavailable
		}
		return nil
	})
	a := fails(w.machine("w-1").join("one"), policy.CodePCRMismatch)
	_, err := s.tickets.Issue(t.Context(), a)
	var refusal *joining.Refusal
	if !errors.As(err, &refusal) || !errors.Is(err, ports.ErrStoreUnavailable) || joining.StatusOf(err) != joining.StatusEvidence {
		t.Fatalf("Issue = %v", err)
	}
	if err := s.refusals.Flush(t.Context()); !errors.Is(err, ports.ErrStoreUnavailable) {
		t.Errorf("Flush = %v", err)
	}
	broken = false
	must(t, s.refusals.Flush(t.Context()))
	w.clock.Advance(time.Hour)
	must(t, s.refusals.Flush(t.Context()))
	if n := w.count(ledger.Refusals); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// Every refusal is counted, whether it is stored or not.
func TestThreat23RefusalsAreCounted(t *testing.T) {
	w := newWorld(t)
	type counted struct {
		codes   string
		vouched bool
	}
	var got []counted
	s := w.main
	refusals, err := joining.NewRefusals(joining.RefusalsConfig{
		Store: s.store, Recorder: s.recorder, Now: w.clock.Now, Machines: 1,
		Counted: func(codes []policy.Code, vouched bool) { got = append(got, counted{fmt.Sprint(codes), vouched}) },
	})
	must(t, err)
	for _, a := range []*joining.Application{
		fails(w.machine("w-1").join("one"), policy.CodePCRMismatch), fails(w.machine("w-1").join("one"), policy.CodePCRMismatch),
		fails(w.machine("w-2").join("two"), policy.CodeSecureBootOff), fails(w.machine("w-3").join("three"), policy.CodeSignatureInvalid),
	} {
		must(t, refusals.Note(t.Context(), a, join.Decide(a.Candidate, nil, w.clock.Now())))
	}
	want := []counted{{"[PCR_MISMATCH]", true}, {"[PCR_MISMATCH]", true}, {"[SECURE_BOOT_OFF]", true}, {"[SIGNATURE_INVALID]", false}}
	if !slices.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	if n := len(w.items(ports.Refusals)); n != 1 {
		t.Errorf("%d machines are stored", n)
	}
}

// A tally names evidence that is there, or none.
func TestRefusalsNameWhatIsKept(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.ring.fail = errors.New("no space left")
	_, err := w.main.tickets.Issue(t.Context(), fails(m.join("one"), policy.CodePCRMismatch))
	if !errors.Is(err, w.ring.fail) || joining.StatusOf(err) != joining.StatusEvidence {
		t.Fatalf("without a ring: %v", err)
	}
	w.ring.fail = nil
	w.refused(w.main, fails(m.reboot().join("two"), policy.CodePCRMismatch), policy.CodePCRMismatch)
	w.ring.fail = errors.New("no space left")
	w.clock.Advance(time.Minute)
	must3(w.main.tickets.Issue(t.Context(), fails(m.reboot().reboot().join("three"), policy.CodePCRMismatch)))
	w.clock.Advance(time.Hour)
	must(t, w.main.refusals.Flush(t.Context()))
	total := uint64(0)
	for _, e := range w.entries() {
		if e.Type != ledger.Refusals {
			continue
		}
		total += e.Refusals.Count
		if _, err := w.ring.ReadBlob(t.Context(), [32]byte(e.Refusals.Evidence.Bytes())); err != nil {
			t.Errorf("evidence of %d refusals: %v", e.Refusals.Count, err)
		}
	}
	if total != 3 {
		t.Errorf("%d refusals in the ledger", total)
	}
}

// What lies in a tally's place and is none does not keep refusals from being
// counted, and goes.
func TestRefusalsOverGarbage(t *testing.T) {
	w := newWorld(t)
	m, other := w.machine("w-1"), w.machine("w-2")
	for _, m := range []*machine{m, other} {
		key := ports.Key{Collection: ports.Refusals, Name: m.id.String()}
		must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: key, Value: []byte("{}")}}}))(t)
	}
	if err := must3(w.main.tickets.Issue(t.Context(), fails(m.join("one"), policy.CodePCRMismatch))); errors.Is(err, joining.ErrItem) {
		t.Errorf("a refusal over garbage: %v", err)
	}
	if err := w.main.refusals.Flush(t.Context()); !errors.Is(err, joining.ErrItem) {
		t.Errorf("Flush = %v", err)
	}
	w.clock.Advance(time.Hour)
	must(t, w.main.refusals.Flush(t.Context()))
	if w.count(ledger.Refusals) != 1 || len(w.items(ports.Refusals)) != 0 {
		t.Errorf("%d entries, %d items", w.count(ledger.Refusals), len(w.items(ports.Refusals)))
	}
}

// A tally of a clock that was ahead ends at once, and not when that time comes.
func TestThreat28RefusalsFromTheFuture(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	w.clock.Advance(5 * time.Hour)
	w.refused(w.main, fails(m.join("one"), policy.CodePCRMismatch), policy.CodePCRMismatch)
	w.clock.Advance(-5 * time.Hour)
	must(t, w.main.refusals.Flush(t.Context()))
	if n := w.count(ledger.Refusals); n != 1 || len(w.items(ports.Refusals)) != 0 {
		t.Errorf("%d entries, %d items", n, len(w.items(ports.Refusals)))
	}
	w.refused(w.main, fails(m.join("one"), policy.CodePCRMismatch), policy.CodePCRMismatch)
	if n := len(w.items(ports.Refusals)); n != 1 {
		t.Errorf("%d items after the clock was set right", n)
	}
}
