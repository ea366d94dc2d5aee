package joining_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/joining"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

func TestFound(t *testing.T) {
	w := newWorld(t)
	entries := w.entries()
	if len(entries) != 4 || entries[0].Type != ledger.Init || entries[0].Init.Node != w.machine("cp-1").id || entries[0].Init.Cluster != w.author.Cluster() {
		t.Fatalf("the ledger begins with %d entries, %+v", len(entries), entries[0])
	}
	said, _, err := w.main.governor.Load(t.Context())
	must(t, err)
	statement, err := said.Statement()
	must(t, err)
	sum, err := statement.Hash()
	must(t, err)
	if [32]byte(entries[0].Init.Statement.Bytes()) != sum || said.Head() != w.author.Head() {
		t.Error("the first entry names another statement")
	}
	r := w.record(w.machine("cp-1").id)
	if r.State != join.Member || r.Role != join.ControlPlane || r.Directive != 3 || r.Policy != 1 {
		t.Errorf("the first record is %+v", r)
	}
	if w.store.Revision() != 1 {
		t.Errorf("%d transactions", w.store.Revision())
	}
	w.holds()
}

// The same init again changes nothing, also long after; another one is refused.
func TestFoundAgain(t *testing.T) {
	w := newWorld(t)
	must(t, w.service(nil).founder.Found(t.Context(), w.founding()))
	w.submit(w.author.Freeze())
	w.clock.Advance(owner.MaxStatementLifetime)
	must(t, w.service(nil).founder.Found(t.Context(), w.founding()))
	if n := w.count(ledger.Init); n != 1 {
		t.Errorf("%d inits", n)
	}
	for name, change := range map[string]func(f *joining.Founding){
		"another first node": func(f *joining.Founding) { f.First.Identity = w.machine("cp-9").id },
		"another name":       func(f *joining.Founding) { f.First.Name = "cp-9" },
		"another disk":       func(f *joining.Founding) { f.First.Disk = disk("cp-9") },
		"another owner": func(f *joining.Founding) {
			other := authoritytest.New(t, authoritytest.Config{Seed: "other", Cluster: f.Cluster, Now: w.clock.Now})
			f.Owner, f.Directives = other.Owner(), [][]byte{other.Statement(), other.Policy(), other.JoinPolicy(*join.Default())}
		},
	} {
		f := w.founding()
		change(f)
		if err := w.service(nil).founder.Found(t.Context(), f); !errors.Is(err, joining.ErrFounded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFoundNothingUnusable(t *testing.T) {
	for name, change := range map[string]func(w *world, f *joining.Founding){
		"no directives":  func(_ *world, f *joining.Founding) { f.Directives = nil },
		"no join policy": func(_ *world, f *joining.Founding) { f.Directives = f.Directives[:2] },
		"no policy":      func(_ *world, f *joining.Founding) { f.Directives = f.Directives[:1] },
		"in another order": func(_ *world, f *joining.Founding) {
			f.Directives[0], f.Directives[1] = f.Directives[1], f.Directives[0]
		},
		"no name":           func(_ *world, f *joining.Founding) { f.First.Name = "" },
		"no request":        func(_ *world, f *joining.Founding) { f.First.Request = join.RequestID{} },
		"another cluster":   func(_ *world, f *joining.Founding) { f.Cluster[0] ^= 1 },
		"another owner":     func(_ *world, f *joining.Founding) { f.Owner[0] ^= 1 },
		"statement expired": func(w *world, _ *joining.Founding) { w.clock.Advance(owner.DefaultStatementLifetime + time.Second) },
		"first node denied": func(w *world, f *joining.Founding) {
			f.Directives = append(f.Directives, w.author.Deny(f.First.Identity, "known to be bad"))
		},
	} {
		w := unfounded(t)
		f := w.founding()
		change(w, f)
		if err := w.main.founder.Found(t.Context(), f); !errors.Is(err, joining.ErrFounding) {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(w.store.Dump()); n != 0 {
			t.Errorf("%s: %d items were written", name, n)
		}
	}
	w := unfounded(t)
	f := w.founding()
	f.Directives[1] = w.author.By("stranger").Policy()
	var refused *authority.DirectiveError
	if err := w.main.founder.Found(t.Context(), f); !errors.As(err, &refused) {
		t.Errorf("a stranger's policy: %v", err)
	}
}

// Init and init race: one wins, and the loser gets a clear answer.
func TestFoundRace(t *testing.T) {
	for range 8 {
		w := unfounded(t)
		mine, other := w.founding(), w.founding()
		other.First.Identity, other.First.Name, other.First.Disk = w.machine("cp-9").id, "cp-9", disk("cp-9")
		errs := make([]error, 3)
		var group sync.WaitGroup
		for i, f := range []*joining.Founding{mine, mine, other} {
			s := w.service(nil)
			group.Go(func() { errs[i] = s.founder.Found(context.Background(), f) })
		}
		group.Wait()
		for _, err := range errs {
			if err != nil && !errors.Is(err, joining.ErrFounded) {
				t.Fatalf("the loser is told %v", err)
			}
		}
		if (errs[0] == nil) == (errs[2] == nil) || (errs[0] == nil) != (errs[1] == nil) || w.count(ledger.Init) != 1 {
			t.Fatalf("%v, %d inits", errs, w.count(ledger.Init))
		}
		w.holds()
	}
}

// Whatever becomes of any call, the same init ends well, and once.
func TestFoundCrashes(t *testing.T) {
	for _, c := range crashes() {
		for n := uint64(1); n <= 8; n++ {
			w := unfounded(t)
			f := w.founding()
			_ = w.service(c.fault(n)).founder.Found(t.Context(), f)
			must(t, w.service(nil).founder.Found(t.Context(), f))
			if got := w.count(ledger.Init); got != 1 {
				t.Fatalf("%s at call %d: %d inits", c.name, n, got)
			}
			w.holds()
		}
	}
}

// Into a ledger that has entries nobody founds a cluster.
func TestFoundOverALedger(t *testing.T) {
	w := newWorld(t)
	must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: ports.Key{Collection: ports.Heads, Name: "authority"}, Delete: true}}}))(t)
	if err := w.service(nil).founder.Found(t.Context(), w.founding()); !errors.Is(err, joining.ErrFounded) {
		t.Errorf("Found = %v", err)
	}
	begun := unfounded(t)
	must2(begun.main.recorder.Append(t.Context(), &sequencing.Proposal{Entries: []ledger.Entry{{Type: ledger.OtherKeys, OtherKeys: &ledger.OtherKeysEntry{
		Caller: "tests", Purpose: keys.Volume, Minute: begun.clock.Now(), Count: 1,
	}}}}))(t)
	if err := begun.main.founder.Found(t.Context(), begun.founding()); !errors.Is(err, joining.ErrFounded) {
		t.Errorf("behind an entry: %v", err)
	}
	held := unfounded(t)
	must2(held.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: ports.Key{Collection: ports.NodeNames, Name: "cp-1"}, Value: []byte("{}")}}}))(t)
	if err := held.main.founder.Found(t.Context(), held.founding()); !errors.Is(err, joining.ErrFounded) {
		t.Errorf("over a name that is held: %v", err)
	}
	fresh := unfounded(t)
	fresh.blobs.fail = errors.New("the disk is full")
	if err := fresh.main.founder.Found(t.Context(), fresh.founding()); !errors.Is(err, fresh.blobs.fail) || len(fresh.store.Dump()) != 0 {
		t.Errorf("without room for the evidence: %v", err)
	}
	full := unfounded(t)
	s := full.service(memstore.FailAt(memstore.Before, 1, ports.ErrStoreFull, memstore.Commit))
	if err := s.founder.Found(t.Context(), full.founding()); !errors.Is(err, ports.ErrStoreFull) {
		t.Errorf("into a full store: %v", err)
	}
}
