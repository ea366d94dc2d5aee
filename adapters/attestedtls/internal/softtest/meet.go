package softtest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
)

// patience bounds every wait of a test; nothing should take nearly as long.
const patience = 30 * time.Second

// Outcome is how one end of a handshake ended.
type Outcome struct {
	Conn *attestedtls.Conn
	Err  error
}

// Context returns a context that bounds what a test waits for.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Pair returns the two ends of a connection over the loopback.
func Pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l := Listen(t)
	defer l.Close() //nolint:errcheck // nothing waits for it
	client, err := (&net.Dialer{}).DialContext(Context(t), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	return client, server
}

// Listen returns a listener on the loopback.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(Context(t), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// NewServer returns a server that is shut down when the test ends.
func NewServer(t testing.TB, c attestedtls.ServerConfig) *attestedtls.Server {
	t.Helper()
	s, err := attestedtls.NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutting the server down: %v", err)
		}
	})
	return s
}

// Meet has a client and a server meet over the loopback.
func Meet(t testing.TB, c *attestedtls.ClientConfig, s *attestedtls.Server) (client, server Outcome) {
	t.Helper()
	clientEnd, serverEnd := Pair(t)
	return MeetOver(t, c, s, clientEnd, serverEnd)
}

// MeetOver has a client and a server meet over connections that may lead anywhere.
func MeetOver(t testing.TB, c *attestedtls.ClientConfig, s *attestedtls.Server, clientEnd, serverEnd net.Conn) (client, server Outcome) {
	t.Helper()
	ctx := Context(t)
	served := make(chan Outcome, 1)
	go func() {
		conn, err := s.Handshake(ctx, serverEnd)
		served <- Outcome{conn, err}
	}()
	conn, err := attestedtls.Client(ctx, clientEnd, c)
	client, server = Outcome{conn, err}, <-served
	t.Cleanup(func() {
		_ = clientEnd.Close()
		_ = serverEnd.Close()
	})
	return client, server
}
