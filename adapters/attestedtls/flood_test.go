package attestedtls_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// hostility is a way to treat a server badly.
type hostility func(t *testing.T, w *softtest.World, raw net.Conn)

func hostilities() map[string]hostility {
	return map[string]hostility{
		"silent": func(_ *testing.T, _ *softtest.World, raw net.Conn) { _, _ = io.Copy(io.Discard, raw) },
		"garbage before TLS": func(_ *testing.T, _ *softtest.World, raw net.Conn) {
			_, _ = raw.Write(noise(64 << 10))
		},
		"silent after TLS": func(t *testing.T, w *softtest.World, raw net.Conn) {
			t.Helper()
			misbehave(t, w, raw, "1", func(r *rogue, _ []byte) { _, _ = io.Copy(io.Discard, r.conn) })
		},
		"garbage after TLS": func(t *testing.T, w *softtest.World, raw net.Conn) {
			t.Helper()
			misbehave(t, w, raw, "1", func(r *rogue, _ []byte) { _, _ = r.conn.Write(noise(1 << 20)) })
		},
		"oversized": func(t *testing.T, w *softtest.World, raw net.Conn) {
			t.Helper()
			misbehave(t, w, raw, "8", func(r *rogue, _ []byte) {
				_, _ = r.conn.Write([]byte{byte(frame.KindEvidence), 0xff, 0xff, 0xff, 0xff})
			})
		},
		"stalled": func(t *testing.T, w *softtest.World, raw net.Conn) {
			t.Helper()
			misbehave(t, w, raw, "8", func(r *rogue, sent []byte) {
				_, _ = r.conn.Write(sent[:100])
				_, _ = io.Copy(io.Discard, r.conn)
			})
		},
		"slow": func(t *testing.T, w *softtest.World, raw net.Conn) {
			t.Helper()
			misbehave(t, w, raw, "8", func(r *rogue, sent []byte) {
				for i := range sent {
					if _, err := r.conn.Write(sent[i : i+1]); err != nil {
						return
					}
					time.Sleep(10 * time.Millisecond) // this is what it is: slow
				}
			})
		},
	}
}

// misbehave is honest up to one row.
func misbehave(t *testing.T, w *softtest.World, raw net.Conn, row string, how func(*rogue, []byte)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r := newRogue(t, w, session{evidence.Join, evidence.Joiner}, attestedtls.ClientSide)
	r.alter = func(step attestedtls.Step, sent []byte) []byte {
		if step.Row != row {
			return sent
		}
		how(r, sent)
		return nil
	}
	if err := r.secure(ctx, raw, selfSigned(t)); err == nil {
		_, _ = r.play(ctx)
	}
}

// TestThreat23HonestAmongHostile joins honest nodes while hostile clients of all
// kinds keep the server busy.
func TestThreat23HonestAmongHostile(t *testing.T) {
	const honest, atOnce, hostileOfEach = 60, 4, 3
	w := softtest.New(t)
	config := w.Server(t, evidence.Join)
	config.Limits.Timeout = 10 * time.Second
	config.Limits.Readers = 4 // fewer than there are stallers
	server := softtest.NewServer(t, config)
	l := softtest.Listen(t)
	go func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = server.Handshake(context.WithoutCancel(t.Context()), raw) }()
		}
	}()
	connect := func() net.Conn {
		raw, err := (&net.Dialer{}).DialContext(softtest.Context(t), "tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
		}
		return raw
	}
	var hostile sync.WaitGroup
	var conns []net.Conn
	for _, h := range hostilities() {
		for range hostileOfEach {
			raw := connect()
			conns = append(conns, raw)
			hostile.Go(func() { h(t, w, raw) })
		}
	}
	joinAll(t, w, l.Addr().String(), honest, atOnce)
	for _, raw := range conns {
		_ = raw.Close()
	}
	hostile.Wait()
	if err := server.Shutdown(softtest.Context(t)); err != nil { // a client may know before the server counts
		t.Error(err)
	}
	if c := server.Counters(); c.Admitted != honest {
		t.Errorf("counters: %+v", c)
	}
}

func joinAll(t *testing.T, w *softtest.World, address string, n, atOnce int) {
	t.Helper()
	places := make(chan struct{}, atOnce)
	var joining sync.WaitGroup
	for range n {
		client := w.Client(t, evidence.Join, evidence.Joiner)
		places <- struct{}{}
		joining.Go(func() {
			defer func() { <-places }()
			conn, err := attestedtls.Dial(t.Context(), "tcp", address, client)
			if err != nil {
				t.Errorf("an honest node: %v", err)
				return
			}
			_ = conn.Close()
		})
	}
	joining.Wait()
}
