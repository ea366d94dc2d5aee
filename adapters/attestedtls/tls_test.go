package attestedtls_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// strangers are TLS configurations that are not those of this protocol.
func strangers(t *testing.T) map[string]*tls.Config {
	t.Helper()
	good := selfSigned(t)
	with := func(change func(*tls.Config)) *tls.Config {
		c := tlsConfig(good)
		change(c)
		return c
	}
	twice := good
	twice.Certificate = append(twice.Certificate, good.Certificate[0])
	return map[string]*tls.Config{
		"TLS 1.2":           with(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }),
		"no ALPN":           with(func(c *tls.Config) { c.NextProtos = nil }),
		"another ALPN":      with(func(c *tls.Config) { c.NextProtos = []string{"h2"} }),
		"another version":   with(func(c *tls.Config) { c.NextProtos = []string{"asterism/2"} }),
		"no key exchange":   with(func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP521} }),
		"two certificates":  tlsConfig(twice),
		"a P-384 key":       tlsConfig(certificateOf(t, must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)))),
		"an RSA key":        tlsConfig(certificateOf(t, must(rsa.GenerateKey(rand.Reader, 2048)))),
		"an Ed25519 key":    tlsConfig(certificateOf(t, ed25519.NewKeyFromSeed(make([]byte, 32)))),
		"signed by another": tlsConfig(signedBy(t, ecKey(t), ecKey(t))),
		"a false signature": tlsConfig(falselySigned(t)),
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

func certificateOf(t *testing.T, key crypto.Signer) tls.Certificate {
	t.Helper()
	return signedBy(t, key, nil)
}

// falselySigned returns a certificate that names itself as its issuer.
func falselySigned(t *testing.T) tls.Certificate {
	t.Helper()
	c := selfSigned(t)
	der := append([]byte(nil), c.Certificate[0]...)
	der[len(der)-1] ^= 1
	c.Certificate = [][]byte{der}
	return c
}

// TestStrangers wants no session where TLS is not as it has to be, at either end.
func TestStrangers(t *testing.T) {
	w := softtest.New(t)
	for name, config := range strangers(t) {
		t.Run("client with "+name, func(t *testing.T) {
			server := softtest.NewServer(t, w.Server(t, evidence.Admin))
			strange, honest := softtest.Pair(t)
			go func() { _ = tls.Client(strange, config).HandshakeContext(softtest.Context(t)) }()
			_, err := server.Handshake(softtest.Context(t), honest)
			if !errors.Is(err, attestedtls.ErrTLS) {
				t.Errorf("the server: %v", err)
			}
		})
		t.Run("server with "+name, func(t *testing.T) {
			strange, honest := softtest.Pair(t)
			go func() { _ = tls.Server(strange, config).HandshakeContext(softtest.Context(t)) }()
			_, err := attestedtls.Client(softtest.Context(t), honest, w.Client(t, evidence.Admin, evidence.Owner))
			if !errors.Is(err, attestedtls.ErrTLS) {
				t.Errorf("the client: %v", err)
			}
		})
	}
}

func TestClientWithoutCertificate(t *testing.T) {
	w := softtest.New(t)
	server := softtest.NewServer(t, w.Server(t, evidence.Admin))
	strange, honest := softtest.Pair(t)
	go func() { _ = tls.Client(strange, tlsConfig()).HandshakeContext(softtest.Context(t)) }()
	if _, err := server.Handshake(softtest.Context(t), honest); !errors.Is(err, attestedtls.ErrTLS) {
		t.Errorf("the server: %v", err)
	}
}

// TestTLSIsAsDesigned looks at a session from inside: the key exchange that
// quantum computers do not break, and nothing to resume it with.
func TestTLSIsAsDesigned(t *testing.T) {
	w := softtest.New(t)
	client, server := softtest.Meet(t, w.Client(t, evidence.Admin, evidence.Owner), softtest.NewServer(t, w.Server(t, evidence.Admin)))
	requireSession(t, client, server)
	for _, conn := range []*attestedtls.Conn{client.Conn, server.Conn} {
		state := conn.Conn.(*tls.Conn).ConnectionState()
		if state.Version != tls.VersionTLS13 || state.CurveID != tls.X25519MLKEM768 || state.NegotiatedProtocol != "asterism/1" {
			t.Errorf("version %x, key exchange %v, protocol %q", state.Version, state.CurveID, state.NegotiatedProtocol)
		}
	}
}

// TestKeysAreRenewed wants one key for ten minutes, whatever it is used for.
func TestKeysAreRenewed(t *testing.T) {
	w := softtest.New(t)
	server := softtest.NewServer(t, w.Server(t, evidence.Admin))
	client := w.Client(t, evidence.Admin, evidence.Owner)
	spki := func() evidence.SPKIHash {
		atClient, atServer := softtest.Meet(t, client, server)
		requireSession(t, atClient, atServer)
		return atServer.Conn.Peer().ClientSPKI
	}
	first := spki()
	w.Time = w.Time.Add(10*time.Minute - time.Second)
	if spki() != first {
		t.Error("the key was renewed before ten minutes had passed")
	}
	w.Time = w.Time.Add(time.Second)
	second := spki()
	if second == first {
		t.Error("the key is as old as the process")
	}
	w.Time = w.Time.Add(-time.Hour)
	if spki() == second {
		t.Error("a clock that is turned back keeps a key for ever")
	}
}

// TestHugeTLSHandshake bounds what a stranger makes the server hold before there
// is a session.
func TestHugeTLSHandshake(t *testing.T) {
	w := softtest.New(t)
	server := softtest.NewServer(t, w.Server(t, evidence.Admin))
	strange, honest := net.Pipe()
	defer strange.Close() //nolint:errcheck // the end of the test
	taken := make(chan int, 1)
	go func() {
		huge := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xfc}, make([]byte, 0x4000-4)...) // a ClientHello of 64 KiB
		next := append([]byte{22, 3, 1, 0x40, 0}, make([]byte, 0x4000)...)
		total, _ := strange.Write(huge)
		for range 4 {
			n, _ := strange.Write(next)
			total += n
		}
		taken <- total
	}()
	if _, err := server.Handshake(softtest.Context(t), honest); !errors.Is(err, attestedtls.ErrTLS) {
		t.Errorf("the server: %v", err)
	}
	if n := <-taken; n > 17<<10 {
		t.Errorf("the server took %d bytes", n)
	}
}

func TestCounters(t *testing.T) {
	w := softtest.New(t)
	server := softtest.NewServer(t, w.Server(t, evidence.Admin, evidence.Join))
	_, _ = softtest.Meet(t, w.Client(t, evidence.Admin, evidence.Reader), server) // admitted
	stale := w.Client(t, evidence.Join, evidence.Joiner)
	stale.Attester = w.MachineOf(t, evidence.ProcessVTPM, "v0.0.1")
	_, _ = softtest.Meet(t, stale, server) // refused
	elsewhere := w.Client(t, evidence.Admin, evidence.Reader)
	elsewhere.NodeName = "elsewhere"
	_, _ = softtest.Meet(t, elsewhere, server) // declined
	dead, end := softtest.Pair(t)
	_ = dead.Close()
	_, _ = server.Handshake(softtest.Context(t), end) // failed
	got := fmt.Sprintf("%+v", server.Counters())
	want := fmt.Sprintf("%+v", attestedtls.Counters{Sessions: 1, Started: 4, Admitted: 1, Refused: 1, Declined: 1, Failed: 1})
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}
