package joining_test

import (
	"strconv"
	"testing"
)

// BenchmarkJoin is one join from application to ticket over the store in memory:
// decision, three commits, two data keys, no certificates.
func BenchmarkJoin(b *testing.B) {
	w := newWorld(b)
	n := 0
	for b.Loop() {
		n++
		m := w.machine("w-" + strconv.Itoa(n))
		ticket, err := w.main.tickets.Issue(b.Context(), m.join(m.name))
		if err != nil {
			b.Fatal(err)
		}
		ticket.Wipe()
	}
}

// BenchmarkRejoin is the same for a member that comes back.
func BenchmarkRejoin(b *testing.B) {
	w := newWorld(b)
	m := w.machine("w-1")
	w.issue(w.main, m.join("first"))
	for b.Loop() {
		m = m.reboot()
		ticket, err := w.main.tickets.Issue(b.Context(), m.rejoin(strconv.Itoa(int(m.boot))))
		if err != nil {
			b.Fatal(err)
		}
		ticket.Wipe()
	}
}
