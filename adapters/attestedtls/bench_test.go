package attestedtls_test

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// BenchmarkHandshake is a mutual attested handshake, both ends in one process,
// with evidence that costs a P-256 signature and its verification at each end:
// what it takes above BenchmarkPlainTLS is the protocol and that.
func BenchmarkHandshake(b *testing.B) {
	for _, purpose := range []evidence.Purpose{evidence.Attest, evidence.Join} {
		b.Run(string(purpose), func(b *testing.B) {
			w := softtest.New(b)
			server, err := attestedtls.NewServer(w.Server(b, purpose))
			if err != nil {
				b.Fatal(err)
			}
			client := w.Client(b, purpose, softtest.Clients(purpose)[0])
			benchmark(b,
				func(raw net.Conn) (net.Conn, error) { return attestedtls.Client(b.Context(), raw, client) },
				func(raw net.Conn) (net.Conn, error) { return server.Handshake(b.Context(), raw) })
		})
	}
}

// BenchmarkPlainTLS is mutual TLS 1.3 with the same key exchange and keys.
func BenchmarkPlainTLS(b *testing.B) {
	clientConfig, serverConfig := tlsConfig(selfSigned(b)), tlsConfig(selfSigned(b))
	benchmark(b,
		func(raw net.Conn) (net.Conn, error) {
			conn := tls.Client(raw, clientConfig)
			if err := conn.HandshakeContext(b.Context()); err != nil {
				return nil, err
			}
			_, err := conn.Read(make([]byte, 1)) // the server has verified the client by then
			return conn, err
		},
		func(raw net.Conn) (net.Conn, error) {
			conn := tls.Server(raw, serverConfig)
			_, err := conn.Write([]byte{1})
			return conn, err
		})
}

func benchmark(b *testing.B, client, server func(net.Conn) (net.Conn, error)) {
	b.Helper()
	l := softtest.Listen(b)
	served := make(chan error, 1)
	go func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			conn, err := server(raw)
			served <- err
			if err == nil {
				_ = conn.Close()
			}
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		raw, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		conn, err := client(raw)
		if err != nil {
			b.Fatal(err)
		}
		_ = conn.Close()
		if err := <-served; err != nil {
			b.Fatal(err)
		}
	}
}
