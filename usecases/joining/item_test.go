package joining_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// items returns real items of each kind: an open request, an answered one, a
// tally, a holder.
func realItems(t testing.TB) map[ports.Collection][][]byte {
	t.Helper()
	w := newWorld(t)
	m := w.machine("w-1")
	w.minter.fail = errors.New("no certificates today")
	_, err := w.main.tickets.Issue(t.Context(), m.join("one"))
	if err == nil {
		t.Fatal("a ticket without certificates")
	}
	w.minter.fail = nil
	w.issue(w.main, w.machine("w-2").join("two"))
	w.approve(w.machine("cp-2"))
	w.issue(w.main, w.machine("cp-2").join("three", asControlPlane))
	w.refused(w.main, fails(m.join("four"), policy.CodePCRMismatch), policy.CodePCRMismatch)
	found := map[ports.Collection][][]byte{}
	for _, c := range []ports.Collection{ports.Requests, ports.Refusals, ports.NodeNames, ports.Leases} {
		for _, item := range w.items(c) {
			found[c] = append(found[c], item.Value)
		}
	}
	return found
}

// fuzz wants a decoder to accept nothing but what its encoder writes.
func fuzz(f *testing.F, c ports.Collection, reencode func([]byte) ([]byte, error)) {
	f.Helper()
	for _, value := range realItems(f)[c] {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		again, err := reencode(data)
		if err == nil && !bytes.Equal(again, data) {
			t.Errorf("%q is written back as %q", data, again)
		}
		if err != nil && !errors.Is(err, joining.ErrItem) {
			t.Errorf("%q: %v, want ErrItem", data, err)
		}
	})
}

func FuzzRequest(f *testing.F) { fuzz(f, ports.Requests, joining.ReencodeRequest) }

func FuzzTally(f *testing.F) { fuzz(f, ports.Refusals, joining.ReencodeTally) }

func FuzzHolder(f *testing.F) { fuzz(f, ports.NodeNames, joining.ReencodeHolder) }

// Every item that is written is read, and nothing that differs from it in form or
// makes no sense.
func TestItems(t *testing.T) {
	all := realItems(t)
	for _, tt := range []struct {
		collection ports.Collection
		reencode   func([]byte) ([]byte, error)
		changes    map[string]string // old text to new
	}{
		{ports.Requests, joining.ReencodeRequest, map[string]string{
			`"version":"asterism/join-request-state/v1"`: `"version":"asterism/join-request-state/v2"`,
			`"releases":1`:       `"releases":17`,
			`"releases":1,`:      `"releases":-1,`,
			`"stage":"done"`:     `"stage":"intended"`,
			`"stage":"intended"`: `"stage":"done"`,
			`"kind":"join"`:      `"kind":"visit"`,
			`Z",`:                `+01:00",`,
			`"statement":1`:      `"statement":0`,
			`"boot":{`:           `"boot": {`,
			`"stage":`:           `"Stage":`,
		}},
		{ports.Refusals, joining.ReencodeTally, map[string]string{
			`"count":1`: `"count":0`, `"codes":["PCR_MISMATCH"]`: `"codes":["PCR_MISMATCH","PCR_MISMATCH"]`,
			`["PCR_MISMATCH"]`: `["PCR_MISMATCH","AK_MISMATCH"]`, `:["PCR_MISMATCH"]`: `:[]`, `/v1"`: `/v0"`, `Z"`: `.5Z"`, `,"node":"ek:`: `,"node":"EK:`,
		}},
		{ports.NodeNames, joining.ReencodeHolder, map[string]string{`/v1"`: `/v0"`, `"identity":"ek:`: `"identity":"`, `{"identity"`: `{"x":1,"identity"`}},
		{ports.Leases, joining.ReencodeHolder, map[string]string{`}`: `} `}},
	} {
		if len(all[tt.collection]) == 0 {
			t.Fatalf("no item of %s", tt.collection)
		}
		tried := map[string]bool{}
		for _, value := range all[tt.collection] {
			if again, err := tt.reencode(value); err != nil || !bytes.Equal(again, value) {
				t.Errorf("%s: %s is not read: %v", tt.collection, value, err)
			}
			for from, to := range tt.changes {
				changed := strings.Replace(string(value), from, to, 1)
				if changed == string(value) {
					continue
				}
				tried[from] = true
				if _, err := tt.reencode([]byte(changed)); !errors.Is(err, joining.ErrItem) {
					t.Errorf("%s: %s was read with %s: %v", tt.collection, value, to, err)
				}
			}
		}
		for from := range tt.changes {
			if !tried[from] {
				t.Errorf("%s: no item has %s", tt.collection, from)
			}
		}
		if _, err := tt.reencode(make([]byte, 1<<20)); !errors.Is(err, joining.ErrItem) {
			t.Errorf("%s: a megabyte is read: %v", tt.collection, err)
		}
	}
}

// Items of the store that contradict each other decide nothing.
func TestContradictions(t *testing.T) {
	for name, write := range map[string]func(w *world) ports.Write{
		"a name held by a node without a record": func(w *world) ports.Write {
			own, err := w.store.Get(t.Context(), ports.Key{Collection: ports.NodeNames, Name: "cp-1"})
			must(t, err)
			value := strings.Replace(string(own.Value), w.machine("cp-1").id.String(), w.machine("ghost").id.String(), 1)
			return ports.Write{Key: ports.Key{Collection: ports.NodeNames, Name: "w-1"}, Value: []byte(value)}
		},
		"the record of another node": func(w *world) ports.Write {
			own, err := w.store.Get(t.Context(), ports.Key{Collection: ports.Records, Name: w.machine("cp-1").id.String()})
			must(t, err)
			return ports.Write{Key: ports.Key{Collection: ports.Records, Name: w.machine("w-1").id.String()}, Value: own.Value}
		},
		"a request that is no item": func(*world) ports.Write {
			return ports.Write{Key: ports.Key{Collection: ports.Requests, Name: requestID("one").String()}, Value: []byte("{}")}
		},
		"a disk that nobody holds": func(*world) ports.Write {
			return ports.Write{Key: ports.Key{Collection: ports.Disks, Name: disk("w-1")}, Value: []byte("{}")}
		},
	} {
		w := newWorld(t)
		must2(w.store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{write(w)}}))(t)
		_, err := w.main.tickets.Issue(t.Context(), w.machine("w-1").join("one"))
		if joining.StatusOf(err) != joining.StatusInternal {
			t.Errorf("%s: %v (%s)", name, err, joining.StatusOf(err))
		}
		if w.count("intent") != 0 {
			t.Errorf("%s: a node was admitted", name)
		}
	}
}

// An application whose parts do not belong together is no application.
func TestApplicationHoldsTogether(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(a *joining.Application){
		"no candidate":        func(a *joining.Application) { a.Candidate = nil },
		"no request":          func(a *joining.Application) { a.Candidate.Request = nil },
		"other evidence":      func(a *joining.Application) { a.Evidence = []byte("other") },
		"no evidence":         func(a *joining.Application) { a.Evidence = nil },
		"another AK":          func(a *joining.Application) { a.AK = []byte("other") },
		"no AK":               func(a *joining.Application) { a.AK = nil },
		"a service too few":   func(a *joining.Application) { a.Services = nil },
		"another service":     func(a *joining.Application) { a.Services[0].Service = "kms" },
		"another service key": func(a *joining.Application) { a.Services[0].SPKI = []byte("other") },
	} {
		a := w.machine("w-1").join("one")
		change(a)
		if _, err := w.main.tickets.Issue(t.Context(), a); !errors.Is(err, joining.ErrApplication) || joining.StatusOf(err) != joining.StatusInternal {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := w.machine("w-1").join("one", func(r *join.Request) { r.Name = "system:masters" })
	w.refused(w.main, a, policy.CodeNameNotAllowed)
}
