package attestedtls_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
)

// cpu returns the processor time of this process, in user mode and the kernel's.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// accept has connections taken until the benchmark ends.
func accept(b *testing.B, take func(net.Conn)) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { shut(listener) })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go take(conn)
		}
	}()
	return listener.Addr().String()
}

// measure reports the processor time of this process, which is the server, for a
// session with the clients of another process.
func measure(b *testing.B, c *clients, parallel int) {
	b.Helper()
	if err := c.hold(round{4 * parallel, parallel}); err != nil { // caches are warm in a service
		b.Fatal(err)
	}
	before := cpu(b)
	b.ResetTimer()
	if err := c.hold(round{b.N, parallel}); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// BenchmarkMutualHandshake is a join in which both ends have certificates of their
// attestation keys: TLS, evidence both ways, verdicts. The server is this process,
// the clients are another, and each TPM is one of its own: cpu-µs/op is what the
// server alone uses.
func BenchmarkMutualHandshake(b *testing.B) {
	c := with(b)
	const joiners = 4
	e := &errand{Facts: c.ours.Facts}
	for i := range joiners {
		m, err := world.NewMachine(b.Context(), fmt.Sprintf("joiner-%d", i), c.maker, current, c.clock)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { shut(m) })
		if err := m.Certify(b.Context(), c.ours.cluster); err != nil {
			b.Fatal(err)
		}
		passport, err := m.HandOver()
		if err != nil {
			b.Fatal(err)
		}
		e.Passports = append(e.Passports, passport)
	}
	server, err := attestedtls.NewServer(c.ours.JoinService(c.ours.service))
	if err != nil {
		b.Fatal(err)
	}
	e.Address = accept(b, func(conn net.Conn) {
		if session, err := server.Handshake(context.Background(), conn); err == nil {
			shut(session)
		}
	})
	clients := e.send(b)
	for _, parallel := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d", parallel), func(b *testing.B) { measure(b, clients, parallel) })
	}
}

// BenchmarkPlainTLS is mutual TLS 1.3 with the same key exchange and kind of
// certificates, and nothing after it, in the same harness.
func BenchmarkPlainTLS(b *testing.B) {
	config := plainConfig(newCertificate(b))
	e := &errand{Plain: true}
	e.Address = accept(b, func(conn net.Conn) {
		session := tls.Server(conn, config)
		defer shut(session)
		if session.Handshake() == nil {
			_, _ = session.Write([]byte{1})
			_, _ = session.Read(make([]byte, 1)) // until the client closes
		}
	})
	clients := e.send(b)
	for _, parallel := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d", parallel), func(b *testing.B) { measure(b, clients, parallel) })
	}
}
