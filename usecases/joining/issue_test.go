package joining_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
)

func TestFirstJoin(t *testing.T) {
	w := newWorld(t)
	m := w.machine("w-1")
	ticket := w.issue(w.main, m.join("one"))
	if ticket.Token == nil || ticket.ControlPlane != nil || ticket.Kubernetes == nil {
		t.Errorf("a worker's ticket has token %v, control plane %v", ticket.Token, ticket.ControlPlane)
	}
	r := w.record(m.id)
	if r.State != join.Member || r.Name != "w-1" || r.Disk != disk("w-1") || r.Role != join.Worker {
		t.Errorf("record = %+v", r)
	}
	if n := w.count(ledger.Intent, ledger.KeyRelease, ledger.Outcome); n != 3 {
		t.Errorf("a join has %d entries, want 3", n)
	}
	w.holds()
}
