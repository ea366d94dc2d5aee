package joining_test

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// entries returns the whole ledger.
func (w *world) entries() []*ledger.Entry {
	w.t.Helper()
	const before = len("asterism/stored-batch/v1\n") + 16
	var all []*ledger.Entry
	for _, item := range w.items(ports.LedgerBatches) {
		batch, err := ledger.DecodeBatch(item.Value[before:])
		must(w.t, err)
		for _, encoded := range batch {
			e, err := ledger.DecodeEntry(encoded)
			must(w.t, err)
			all = append(all, e)
		}
	}
	return all
}

func (w *world) items(c ports.Collection) []*ports.Item {
	var list []*ports.Item
	for _, item := range w.store.Dump() {
		if item.Key.Collection == c {
			list = append(list, item)
		}
	}
	return list
}

// count returns how many entries of a type there are.
func (w *world) count(types ...ledger.Type) int {
	w.t.Helper()
	n := 0
	for _, e := range w.entries() {
		if slices.Contains(types, e.Type) {
			n++
		}
	}
	return n
}

func (w *world) record(id join.Identity) *join.Record {
	w.t.Helper()
	for _, item := range w.items(ports.Records) {
		if item.Key.Name == id.String() {
			r, err := join.DecodeRecord(item.Value)
			must(w.t, err)
			return r
		}
	}
	return nil
}

// issue expects a ticket that its node takes.
func (w *world) issue(s *service, a *joining.Application) *join.Ticket {
	w.t.Helper()
	ticket, err := s.tickets.Issue(w.t.Context(), a)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := ticket.Check(a.Candidate.Request, w.author.Cluster(), w.author.Owner(), w.clock.Now()); err != nil {
		w.t.Fatal(err)
	}
	return ticket
}

// up says that the node of the last ticket is up.
func (w *world) up(m *machine) {
	w.t.Helper()
	must(w.t, w.main.nodes.Finished(w.t.Context(), m.id))
}

// later expects to be told to try again, and returns when.
func (w *world) later(s *service, a *joining.Application) time.Duration {
	w.t.Helper()
	ticket, err := s.tickets.Issue(w.t.Context(), a)
	var exhausted *joining.ExhaustedError
	if !errors.As(err, &exhausted) || ticket != nil || exhausted.RetryAfter <= 0 {
		w.t.Fatalf("Issue = %v, %v; want to be told to try later", ticket, err)
	}
	return exhausted.RetryAfter
}

// refused expects a refusal with that code.
func (w *world) refused(s *service, a *joining.Application, code policy.Code) {
	w.t.Helper()
	_ = w.refusal(s, a, code)
}

// refusal expects a refusal with that code, and returns it.
func (w *world) refusal(s *service, a *joining.Application, code policy.Code) *joining.Refusal {
	w.t.Helper()
	ticket, err := s.tickets.Issue(w.t.Context(), a)
	var refusal *joining.Refusal
	if !errors.As(err, &refusal) || ticket != nil {
		w.t.Fatalf("Issue = %v, %v; want a refusal", ticket, err)
	}
	if !slices.ContainsFunc(refusal.Decision.Findings, func(f policy.Finding) bool { return f.Code == code }) {
		w.t.Fatalf("refused with %v, want %s", refusal, code)
	}
	return refusal
}

// approve lets a machine become a control-plane node.
func (w *world) approve(m *machine) {
	w.t.Helper()
	w.submit(w.author.Approve(m.id, join.ControlPlane))
}

// holds fails the test where the store or the ledger say what must never be said.
func (w *world) holds() {
	w.t.Helper()
	w.uniqueHolders()
	w.orderedLedger()
}

// uniqueHolders wants one record for each name and disk, and each held by it.
func (w *world) uniqueHolders() {
	w.t.Helper()
	names, disks := map[string]string{}, map[string]string{}
	for _, item := range w.items(ports.Records) {
		r, err := join.DecodeRecord(item.Value)
		must(w.t, err)
		if names[string(r.Name)] != "" || disks[r.Disk] != "" {
			w.t.Fatalf("two records have name %s or disk %s", r.Name, r.Disk)
		}
		if (r.State == join.Member || r.State == join.Withheld) && r.Holder != r.Boot {
			w.t.Fatalf("node %v has a ticket in %v, and its record says in %v", r.Identity, r.Boot, r.Holder)
		}
		names[string(r.Name)], disks[r.Disk] = r.Identity.String(), r.Identity.String()
		for _, key := range []ports.Key{{Collection: ports.NodeNames, Name: string(r.Name)}, {Collection: ports.Disks, Name: r.Disk}} {
			holder, err := w.store.Get(w.t.Context(), key)
			if err != nil || !bytes.Contains(holder.Value, []byte(r.Identity.String())) {
				w.t.Fatalf("%v is not held by %v: %v", key, r.Identity, err)
			}
		}
	}
	for _, item := range w.items(ports.NodeNames) {
		if holder := names[item.Key.Name]; holder == "" || !bytes.Contains(item.Value, []byte(holder)) {
			w.t.Fatalf("%v is held by nobody of that name", item.Key)
		}
	}
}

// orderedLedger wants an intent before each release, and a release before each
// outcome, and nothing for a node after its denial.
func (w *world) orderedLedger() {
	w.t.Helper()
	intended, released, answered := map[join.RequestID]join.Identity{}, map[join.RequestID]bool{}, map[join.RequestID]bool{}
	denied := map[join.Identity]bool{}
	for i, e := range w.entries() {
		if node := e.Node(); denied[node] && e.Type != ledger.Directive && e.Type != ledger.Refusals {
			w.t.Fatalf("entry %d: %s for node %v after its denial", i, e.Type, node)
		}
		switch e.Type {
		case ledger.Directive:
			if e.Directive.Kind == authority.Deny {
				denied[e.Directive.Node] = true
			}
		case ledger.Intent:
			if _, twice := intended[e.Intent.Request]; twice {
				w.t.Fatalf("entry %d: request %v was admitted twice", i, e.Intent.Request)
			}
			intended[e.Intent.Request] = e.Intent.Node
			if _, err := w.blobs.ReadBlob(w.t.Context(), [32]byte(e.Intent.Evidence.Bytes())); err != nil {
				w.t.Fatalf("entry %d: its evidence: %v", i, err)
			}
		case ledger.KeyRelease:
			if intended[e.KeyRelease.Request] != e.KeyRelease.Node {
				w.t.Fatalf("entry %d: keys were released without an intent", i)
			}
			released[e.KeyRelease.Request] = true
		case ledger.Outcome:
			if !released[e.Outcome.Request] || answered[e.Outcome.Request] {
				w.t.Fatalf("entry %d: an outcome without a release, or a second one", i)
			}
			answered[e.Outcome.Request] = true
		default:
		}
	}
}
