package attestedtls_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// record is how much fits into a record of TLS. A server holds one whole.
const recordSize = 16 << 10

// waiter is a client that is honest up to a row, begins a frame there, and stops.
type waiter struct {
	session

	row    string
	kind   frame.Kind
	length int // as announced; all but the last byte is sent, if a record holds it
	// identity is the size of the identity that it showed before; 0 is what it is.
	identity int
}

func waiters() map[string]waiter {
	join, init := session{evidence.Join, evidence.Joiner}, session{evidence.Init, evidence.Owner}
	all := map[string]waiter{
		"8 evidence after a large identity":   {join, "8", frame.KindEvidence, frame.KindEvidence.Bound(), 4 << 10},
		"8 evidence after a larger identity":  {join, "8", frame.KindEvidence, frame.KindEvidence.Bound(), 5 << 10},
		"8 evidence after a largest identity": {join, "8", frame.KindEvidence, frame.KindEvidence.Bound(), frame.KindIdentity.Bound()},
	}
	for _, s := range []session{join, init} {
		for _, step := range attestedtls.Table(s.purpose) {
			if step.Sender == attestedtls.ServerSide {
				continue
			}
			name := string(s.purpose) + " " + step.Row
			all[name+" "+step.Kind.String()] = waiter{s, step.Row, step.Kind, step.Bound(), 0}
			all[name+" short verdict"] = waiter{s, step.Row, frame.KindVerdict, attestedtls.MaxClientVerdict, 0}
			all[name+" long verdict"] = waiter{s, step.Row, frame.KindVerdict, frame.KindVerdict.Bound(), 0}
		}
	}
	return all
}

// TestThreat23WaiterMemory has many clients stop within a frame of any kind that
// may come, at every row, each with as much of it on the way as fits into a record
// of TLS.
func TestThreat23WaiterMemory(t *testing.T) {
	const count = 50
	for name, waiter := range waiters() {
		t.Run(name, func(t *testing.T) {
			w := softtest.New(t) // another world than the server's: nobody is judged here
			p := startProcess(t)
			var read, written atomic.Int64
			waiter.begin(t, w, p.ask(t).Address, &read, &written) // the one that may read, and what all share
			before := p.ask(t)
			for end := time.Now().Add(20 * time.Second); before.Read < written.Load() || waiter.kind == frame.KindEvidence && before.Bytes < 1<<20; {
				if time.Now().After(end) {
					t.Fatalf("nobody reads: %+v", before)
				}
				before = p.ask(t)
			}
			var begun sync.WaitGroup
			for range count {
				begun.Go(func() { waiter.begin(t, w, before.Address, &read, &written) })
			}
			begun.Wait()
			after := p.ask(t)
			for end := time.Now().Add(20 * time.Second); after.Read < written.Load(); after = p.ask(t) {
				if time.Now().After(end) {
					t.Fatalf("of %d bytes were read %+v", written.Load(), after)
				}
			}
			most := int64(32 << 10)
			switch {
			case waiter.refused():
				most = 48 << 10 // with what it is told, for as long as that may linger
			case waiter.kind == frame.KindEvidence:
				most = 44 << 10 // with a record of 16 KiB that TLS holds beside the identity
			}
			most *= shadow
			cost := func(r report) int64 { return (int64(r.Bytes) - int64(before.Bytes)) / count }
			for range 10 { // stacks shrink with each collection
				if waiter.refused() || cost(after) <= most {
					break
				}
				after = p.ask(t)
			}
			each := cost(after)
			t.Logf("it costs %d bytes; %d wait", each, after.Counters.Running)
			if each > most {
				t.Errorf("a waiter costs %d bytes, want less than %d", each, most)
			}
		})
	}
}

// refused says whether the server has no use for what is sent.
func (k waiter) refused() bool {
	return k.kind == frame.KindVerdict && k.length > attestedtls.MaxClientVerdict || k.kind == frame.KindIdentity || k.identity > 4<<10
}

// begin holds a handshake as far as the row, and leaves it there until the test
// ends.
func (k waiter) begin(t *testing.T, w *softtest.World, address string, read, written *atomic.Int64) {
	t.Helper()
	ctx := softtest.Context(t)
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { _ = raw.Close() })
	r := newRogue(t, w, k.session, attestedtls.ClientSide)
	r.alter = func(step attestedtls.Step, sent []byte) []byte {
		switch {
		case step.Row == k.row:
			all := framed(k.kind, make([]byte, k.length))
			return all[:min(len(all)-1, recordSize)]
		case step.Kind == frame.KindIdentity && k.identity > 0:
			return padded(t, sent, k.identity)
		default:
			return sent
		}
	}
	if err := r.secure(ctx, metered{raw, read, written}, selfSigned(t)); err != nil {
		t.Error(err)
		return
	}
	for _, step := range attestedtls.Table(k.purpose) {
		if step.Sender == attestedtls.ServerSide {
			if v, err := r.receive(step); v != nil || err != nil {
				return // refused, as large identities are without a place
			}
		} else if err := r.send(ctx, step); err != nil {
			return
		}
		if step.Row == k.row {
			return
		}
	}
	t.Errorf("it never came to row %s", k.row)
}

// padded returns the frame of an identity with a message of that size.
func padded(t *testing.T, sent []byte, size int) []byte {
	t.Helper()
	m, err := frame.Unmarshal(frame.KindIdentity, sent[frame.HeaderSize:])
	if err != nil {
		t.Error(err)
		return nil
	}
	id := m.(*frame.Identity)
	const lengths = 2 // a longer field has a longer length
	missing := size - lengths - len(sent) + frame.HeaderSize
	id.EKCertificate = append(id.EKCertificate, bytes.Repeat([]byte{1}, missing)...)
	return encoded(t, id)
}
