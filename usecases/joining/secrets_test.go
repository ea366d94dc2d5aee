package joining_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/usecases/joining"
)

// Nothing that is stored, recorded, kept, returned as an error or printed holds a
// key, a token, or a part of one, in any usual form.
func TestThreat16NoSecretIsStored(t *testing.T) {
	w := newWorld(t)
	worker, control, waits := w.machine("w-1"), w.machine("cp-2"), w.machine("cp-3")
	w.approve(control)
	var written bytes.Buffer
	tickets := []*join.Ticket{w.issue(w.main, worker.join("one")), w.issue(w.main, control.join("two", asControlPlane))}
	w.up(worker)
	tickets = append(tickets, w.issue(w.main, worker.reboot().rejoin("three")))
	w.up(worker)
	for _, a := range []error{
		must3(w.main.tickets.Issue(t.Context(), waits.join("four", asControlPlane))),
		must3(w.main.tickets.Issue(t.Context(), worker.reboot().rejoin("five"))),
		fail(w, func() { w.kms.fail = errors.New("sealed") }, worker),
		fail(w, func() { w.kms.fail, w.minter.fail = nil, errors.New("no CA") }, worker),
	} {
		fmt.Fprintln(&written, a)
	}
	w.minter.fail, w.minter.refuses = nil, errors.New("no API server")
	unaccepted := w.machine("w-3").join("seven")
	fmt.Fprintln(&written, must3(w.main.tickets.Issue(t.Context(), unaccepted)))
	w.minter.refuses = nil
	tickets = append(tickets, w.issue(w.main, unaccepted))
	for _, item := range w.store.Dump() {
		fmt.Fprintf(&written, "%v %s\n", item.Key, item.Value)
	}
	for _, kept := range []*blobs{w.blobs, w.ring} {
		for _, content := range kept.held {
			written.Write(content)
		}
	}
	for _, ticket := range tickets {
		text, err := json.Marshal(ticket)
		must(t, err)
		fmt.Fprintf(&written, "%v %+v %#v %x %s\n", ticket, *ticket, ticket, *ticket, text)
	}
	released, err := w.main.releaser.For(joining.JoinService).Release(t.Context(), current(w, worker))
	must(t, err)
	fmt.Fprintf(&written, "%v %+v %#v %x\n", released, *released, released, *released)
	for name, secret := range secretsOf(t, w, tickets) {
		search(t, written.Bytes(), name, secret)
	}
	if !bytes.Contains(written.Bytes(), []byte(worker.id.String())) {
		t.Error("nothing was written: the search is of no use")
	}
}

// secretsOf returns everything that must be nowhere.
func secretsOf(t *testing.T, w *world, tickets []*join.Ticket) map[string]keys.Secret {
	t.Helper()
	kek, err := w.master.KEK(keys.FirstGeneration)
	must(t, err)
	all := map[string]keys.Secret{
		"master secret": keys.NewSecret(bytes.Clone(w.master.Reveal())), "KEK": keys.NewSecret(bytes.Clone(kek.Reveal())),
		"CA key": keys.NewSecret([]byte(caKey)),
	}
	for i, ticket := range tickets {
		all[fmt.Sprintf("disk key %d", i)], all[fmt.Sprintf("seal key %d", i)] = ticket.DiskKey, ticket.SealKey
		all[fmt.Sprintf("measurement secret %d", i)] = keys.NewSecret(bytes.Clone(ticket.MeasurementSecret.Reveal()))
		if ticket.Token != nil {
			all[fmt.Sprintf("token %d", i)] = ticket.Token.Secret
			_, secret, _ := strings.Cut(string(ticket.Token.Secret.Reveal()), ".")
			all[fmt.Sprintf("half of token %d", i)] = keys.NewSecret([]byte(secret))
		}
	}
	return all
}

func search(t *testing.T, written []byte, name string, secret keys.Secret) {
	t.Helper()
	raw := secret.Reveal()
	if len(raw) < 8 {
		t.Fatalf("%s has %d bytes", name, len(raw))
	}
	for form, pattern := range map[string][]byte{
		"raw": raw, "hex": []byte(hex.EncodeToString(raw)), "upper hex": []byte(strings.ToUpper(hex.EncodeToString(raw))),
		"base64": []byte(base64.RawStdEncoding.EncodeToString(raw)), "base64url": []byte(base64.RawURLEncoding.EncodeToString(raw)),
		"decimal": []byte(strings.Trim(fmt.Sprintf("%d", raw), "[]")), "first half": raw[:len(raw)/2], "second half": raw[len(raw)/2:],
	} {
		if bytes.Contains(written, pattern) {
			t.Errorf("%s was written (%s)", name, form)
		}
	}
}

// must3 returns the error of a call that has to fail.
func must3(_ *join.Ticket, err error) error { return err }

// fail lets a join break off.
func fail(w *world, breaks func(), m *machine) error {
	breaks()
	_, err := w.main.tickets.Issue(w.t.Context(), m.reboot().reboot().rejoin("six"))
	return err
}

// current is what a JoinService would ask for the node's current request.
func current(w *world, m *machine) joining.ReleaseRequest {
	r := w.record(m.id)
	return joining.ReleaseRequest{Request: r.Request, Node: m.id, Disk: r.Disk}
}

// The token is Kubernetes', differs with each request and disk, and is a function
// of both.
func TestBootstrapToken(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for i := range 40 {
		m := w.machine(fmt.Sprintf("w-%d", i))
		token := w.issue(w.main, m.join(m.name)).Token
		text := string(token.Secret.Reveal())
		if err := token.Check(w.clock.Now()); err != nil || seen[text] {
			t.Fatalf("token %d: %v", i, err)
		}
		seen[text] = true
		if again := w.issue(w.main, m.join(m.name)); !again.Token.Secret.Equal(token.Secret) || !again.Token.Expires.Equal(token.Expires) {
			t.Fatalf("token %d is another one when it is given again", i)
		}
	}
}
