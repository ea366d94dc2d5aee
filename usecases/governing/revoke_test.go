package governing_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// A denial revokes the machine's record in the same transaction, whatever its
// state, and it waits for no approval any more.
func TestDenialsRevoke(t *testing.T) {
	withheld := func(r *join.Record) { r.State, r.Codes = join.Withheld, append(r.Codes, "PCR_MISMATCH") }
	for name, change := range map[string]func(*join.Record){
		"a member":            func(*join.Record) {},
		"who is about to be":  func(r *join.Record) { r.State = join.Intended },
		"who does not attest": withheld,
	} {
		w := newWorld(t)
		g := w.governor()
		w.submit(g, w.author.Statement())
		r := w.record("w1")
		change(r)
		w.commit(ports.Write{Key: recordKey("w1"), Value: w.encode(r)}, ports.Write{Key: waitingKey("w1"), Value: []byte("x")},
			ports.Write{Key: recordKey("w2"), Value: []byte("another's")})
		receipt := w.submit(g, w.author.By("platform").Deny(machine("w1"), "stolen"))
		item, err := w.store.Get(t.Context(), recordKey("w1"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := join.DecodeRecord(item.Value)
		if err != nil || got.State != join.Revoked || got.Serial != r.Serial+1 || item.Revision != receipt.Ledger.Revision {
			t.Errorf("%s: %+v at %d, %v", name, got, item.Revision, err)
		}
		if w.get(waitingKey("w1")) != nil || string(w.get(recordKey("w2"))) != "another's" {
			t.Errorf("%s: it waits still, or another's record was touched", name)
		}
	}
}

// Where there is nothing to revoke, a denial is a denial still.
func TestDenialsOfWhoHasNoRecord(t *testing.T) {
	w := newWorld(t)
	g := w.governor()
	revoked := w.encode(w.record("w2").Next(join.Revoked))
	w.commit(ports.Write{Key: recordKey("w2"), Value: revoked}, ports.Write{Key: recordKey("w3"), Value: []byte("damaged")})
	w.submit(g, w.author.Statement())
	for _, name := range []string{"w1", "w2", "w3"} {
		before := w.get(recordKey(name))
		w.submit(g, w.author.Deny(machine(name), "stolen"))
		if _, denied := w.load(w.governor()).Standing().Denied(machine(name)); !denied || !bytes.Equal(w.get(recordKey(name)), before) {
			t.Errorf("%s: denied %v, record %q", name, denied, w.get(recordKey(name)))
		}
	}
}

// A join that goes on between reading and writing is not missed: its record is
// revoked too.
func TestThreat30DenialsSeeTheRecordThatAJoinWrites(t *testing.T) {
	for name, there := range map[string]bool{"a new record": false, "a changed record": true} {
		w := newWorld(t)
		g := w.governor()
		w.submit(g, w.author.Statement())
		r := w.record("w1")
		r.State = join.Intended
		if there {
			w.commit(ports.Write{Key: recordKey("w1"), Value: w.encode(r)})
			r = r.Next(join.Member)
		}
		w.recorder.before = func(*sequencing.Proposal) error {
			w.recorder.before = nil
			w.commit(ports.Write{Key: recordKey("w1"), Value: w.encode(r)})
			return nil
		}
		w.submit(g, w.author.Deny(machine("w1"), "stolen"))
		got, err := join.DecodeRecord(w.get(recordKey("w1")))
		if err != nil || got.State != join.Revoked || got.Serial != r.Serial+1 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// What cannot be read now is not taken for what is not there.
func TestDenialsNeedAnAnswerAboutTheRecord(t *testing.T) {
	w := newWorld(t)
	w.submit(w.governor(), w.author.Statement())
	deny := w.author.Deny(machine("w1"), "stolen")
	before := w.store.Revision()
	g := w.governor(over(&hostile{Store: w.store, key: recordKey("w1"), get: func(*ports.Item, error) (*ports.Item, error) {
		return nil, ports.ErrStoreUnavailable
	}}))
	if _, err := g.Submit(t.Context(), deny); !errors.Is(err, ports.ErrStoreUnavailable) {
		t.Errorf("%v", err)
	}
	if w.store.Revision() != before {
		t.Error("the store was written to")
	}
}

func TestWaiting(t *testing.T) {
	w := newWorld(t)
	wait := func(name string) *join.Waiting {
		r := w.record(name)
		return &join.Waiting{
			Version: join.WaitingVersion, Identity: r.Identity, Kind: join.FirstJoin, Name: r.Name, Role: r.Role, Disk: r.Disk,
			Platform: r.Platform, Codes: append(r.Codes, "APPROVAL_MISSING"), Asked: now(),
		}
	}
	g := w.governor()
	if q, err := g.Waiting(t.Context()); err != nil || len(q.Candidates)+len(q.Unreadable) != 0 || q.More {
		t.Errorf("nobody: %+v, %v", q, err)
	}
	w.commit(
		ports.Write{Key: waitingKey("w1"), Value: w.encode(wait("w1"))}, ports.Write{Key: waitingKey("w2"), Value: w.encode(wait("w2"))},
		ports.Write{Key: waitingKey("w3"), Value: []byte("{}")}, ports.Write{Key: waitingKey("w4"), Value: w.encode(wait("w5"))},
	)
	q, err := g.Waiting(t.Context())
	if err != nil || len(q.Candidates) != 2 || len(q.Unreadable) != 2 || q.More {
		t.Fatalf("%+v, %v", q, err)
	}
	if a, b := q.Candidates[0], q.Candidates[1]; a.Identity.Compare(b.Identity) >= 0 || a.Name == b.Name {
		t.Errorf("%+v before %+v", a, b)
	}
	broken := w.governor(over(w.store.Client(unavailable)))
	if _, err := broken.Waiting(t.Context()); !errors.Is(err, ports.ErrStoreUnavailable) {
		t.Errorf("without an answer: %v", err)
	}
}

// The list is read in pages, and ends.
func TestWaitingIsBounded(t *testing.T) {
	w := newWorld(t)
	for i := 0; i < governing.MaxQueue+ports.MaxListing; i += 100 {
		var writes []ports.Write
		for n := range 100 {
			writes = append(writes, ports.Write{Key: ports.Key{Collection: ports.Waiting, Name: serial(i + n)}, Value: []byte("x")})
		}
		w.commit(writes...)
	}
	q, err := w.governor().Waiting(t.Context())
	if err != nil || len(q.Unreadable) != governing.MaxQueue || !q.More {
		t.Errorf("%d, more %v, %v", len(q.Unreadable), q.More, err)
	}
}

// lease is what says that a node becomes a control-plane node.
func lease(name string) ports.Write {
	value := `{"identity":"` + machine(name).String() + `","version":"asterism/holder/v1"}`
	return ports.Write{Key: ports.Key{Collection: ports.Leases, Name: "control-plane"}, Value: []byte(value)}
}

// The control-plane lease of a machine ends with its denial, and that of another
// does not.
func TestDenialsEndTheLease(t *testing.T) {
	for name, held := range map[string]struct {
		lease ports.Write
		ends  bool
	}{
		"its own":         {lease("w1"), true},
		"another's":       {lease("w2"), false},
		"what is no item": {ports.Write{Key: lease("w1").Key, Value: []byte("damaged")}, false},
	} {
		w := newWorld(t)
		g := w.governor()
		w.submit(g, w.author.Statement())
		w.commit(held.lease)
		w.submit(g, w.author.Deny(machine("w1"), "stolen"))
		if there := w.get(held.lease.Key) != nil; there == held.ends {
			t.Errorf("%s: it is there %v", name, there)
		}
	}
}

// A lease that the machine takes while it is denied is seen.
func TestThreat30DenialsSeeTheLeaseThatAJoinTakes(t *testing.T) {
	w := newWorld(t)
	g := w.governor()
	w.submit(g, w.author.Statement())
	w.recorder.before = func(*sequencing.Proposal) error {
		w.recorder.before = nil
		w.commit(lease("w1"))
		return nil
	}
	w.submit(g, w.author.Deny(machine("w1"), "stolen"))
	if w.get(lease("w1").Key) != nil {
		t.Error("a machine that is denied holds the lease")
	}
}

// Whoever denies a machine hears what it was: one that was a control-plane node
// knows keys that no denial takes back.
func TestReceiptsTellWhatWasRevoked(t *testing.T) {
	w := newWorld(t)
	g := w.governor()
	if r := w.submit(g, w.author.Statement()); r.Revoked != nil {
		t.Errorf("a statement revoked %+v", r.Revoked)
	}
	control := w.record("w1")
	control.Role = join.ControlPlane
	w.commit(ports.Write{Key: recordKey("w1"), Value: w.encode(control)}, ports.Write{Key: recordKey("w3"), Value: []byte("damaged")})
	deny := w.author.Deny(machine("w1"), "stolen")
	for _, g := range []*governing.Governor{g, g, w.governor()} { // and again, and elsewhere
		r := w.submit(g, deny)
		if r.Revoked == nil || r.Revoked.Identity != machine("w1") || r.Revoked.Role != join.ControlPlane || r.Revoked.State != join.Revoked {
			t.Errorf("revoked: %+v", r.Revoked)
		}
	}
	if r := w.submit(g, w.author.Deny(machine("w1"), "once more")); r.Revoked == nil {
		t.Error("a second denial does not tell of the record")
	}
	for _, name := range []string{"w2", "w3"} {
		deny := w.author.Deny(machine(name), "stolen")
		for range 2 {
			if r := w.submit(g, deny); r.Revoked != nil {
				t.Errorf("%s: revoked %+v", name, r.Revoked)
			}
		}
	}
}

// What a denial has revoked is not guessed where the record cannot be read now.
func TestReceiptsNeedAnAnswerAboutTheRecord(t *testing.T) {
	w := newWorld(t)
	statement, deny := w.author.Statement(), w.author.Deny(machine("w1"), "stolen")
	w.submit(w.governor(), statement, deny)
	g := w.governor(over(&hostile{Store: w.store, key: recordKey("w1"), get: func(*ports.Item, error) (*ports.Item, error) {
		return nil, ports.ErrStoreUnavailable
	}}))
	if _, err := g.Submit(t.Context(), deny); !errors.Is(err, ports.ErrStoreUnavailable) {
		t.Errorf("%v", err)
	}
}
