package attestedtls_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// patience bounds every wait of these tests. It is only used up where something
// hangs.
const patience = 20 * time.Second

// raw is a frame as it travels.
type raw struct {
	kind    frame.Kind
	message []byte
}

// encode returns the frame of a message, which has to be valid.
func encode(t testing.TB, m frame.Message) raw {
	t.Helper()
	message, err := frame.Marshal(m)
	if err != nil {
		t.Fatalf("encoding a %v: %v", m.Kind(), err)
	}
	return raw{m.Kind(), message}
}

// refusal returns the verdict that the frame holds, nil if it does not refuse.
func (r raw) refusal() *frame.Verdict {
	m, err := frame.Unmarshal(r.kind, r.message)
	if v, ok := m.(*frame.Verdict); err == nil && ok && !v.Admitted {
		return v
	}
	return nil
}

// admits says whether the frame is a verdict that does not refuse.
func (r raw) admits() bool { return r.kind == frame.KindVerdict && r.refusal() == nil }

// puppet is an attacker's end of a TLS session. It sends frames as it is told, and
// reads all that come.
type puppet struct {
	conn     *tls.Conn
	side     attestedtls.Side // its own
	exporter [evidence.ExporterSize]byte
	own      evidence.SPKIHash
	peer     evidence.SPKIHash

	frames chan raw // those that came; closed with the connection
	close  func()
}

// newPuppet holds the TLS handshake. It returns nil where the peer ends it.
func newPuppet(t testing.TB, conn net.Conn, side attestedtls.Side, certificate *tls.Certificate) *puppet {
	t.Helper()
	config := &tls.Config{
		Certificates:       []tls.Certificate{*certificate},
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{attestedtls.ALPN},
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true,
	}
	p := &puppet{side: side, frames: make(chan raw, 64), own: spkiOf(t, certificate)}
	if side == attestedtls.ClientSide {
		p.conn = tls.Client(conn, config)
	} else {
		p.conn = tls.Server(conn, config)
	}
	p.close = sync.OnceFunc(func() { shut(conn) })
	t.Cleanup(p.close)
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if err := p.conn.HandshakeContext(t.Context()); err != nil {
		t.Errorf("the attacker's TLS session: %v", err)
		p.close()
		return nil
	}
	state := p.conn.ConnectionState()
	material, err := state.ExportKeyingMaterial("EXPORTER-asterism-attestation", nil, evidence.ExporterSize)
	if err != nil {
		t.Fatal(err)
	}
	p.exporter = [evidence.ExporterSize]byte(material)
	p.peer = sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	go p.read()
	return p
}

func (p *puppet) read() {
	defer close(p.frames)
	for {
		header, err := frame.ReadHeader(p.conn, frame.Kinds()...)
		if err != nil {
			return
		}
		message, err := header.Read(p.conn)
		if err != nil {
			return
		}
		p.frames <- raw{header.Kind, message}
	}
}

// send sends frames, whatever they are. A peer that has gone does not matter: its
// refusal is read.
func (p *puppet) send(frames ...raw) {
	for _, f := range frames {
		data, err := frame.AppendEncoded(nil, f.kind, f.message)
		if err == nil {
			_, err = p.conn.Write(data)
		}
		if err != nil {
			return
		}
	}
}

// errSilent is returned where the peer closed without another frame.
var errSilent = errors.New("the peer closed the connection")

// receive returns the next frame.
func (p *puppet) receive() (raw, error) {
	select {
	case f, ok := <-p.frames:
		if !ok {
			return raw{}, errSilent
		}
		return f, nil
	case <-time.After(patience):
		return raw{}, errors.New("the peer says nothing")
	}
}

// hangUp says that nothing more will come. The peer, if it still waits, gives up.
func (p *puppet) hangUp() { _ = p.conn.CloseWrite() }

// drain returns the refusal that was still on its way, when the peer has closed.
func (p *puppet) drain() *frame.Verdict {
	defer p.close()
	var refusal *frame.Verdict
	for {
		f, err := p.receive()
		if err != nil {
			return refusal
		}
		if v := f.refusal(); v != nil {
			refusal = v
		}
	}
}

// session returns the session in which the end of that role attests.
func (p *puppet) session(purpose evidence.Purpose, role evidence.Role, own bool, ownHello, peerHello []byte) *evidence.Session {
	s := &evidence.Session{
		Purpose: purpose, AttesterRole: role, Exporter: p.exporter,
		AttesterSPKI: p.own, VerifierSPKI: p.peer, AttesterHello: ownHello, VerifierHello: peerHello,
	}
	if !own {
		s.AttesterSPKI, s.VerifierSPKI, s.AttesterHello, s.VerifierHello = p.peer, p.own, peerHello, ownHello
	}
	return s
}

func spkiOf(t testing.TB, certificate *tls.Certificate) evidence.SPKIHash {
	t.Helper()
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
}

// newCertificate returns a self-signed certificate of an attacker's own.
func newCertificate(t testing.TB) *tls.Certificate {
	t.Helper()
	certificate, err := selfSigned()
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func selfSigned() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "mallory"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// loopback is a listener that makes pairs of connections.
type loopback struct{ listener net.Listener }

func newLoopback(t testing.TB) *loopback {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(listener) })
	return &loopback{listener}
}

// pair returns the two ends of a TCP connection, which end with the test.
func pair(t testing.TB) (dialled, accepted net.Conn) {
	t.Helper()
	l := newLoopback(t)
	dialled, err := net.Dial("tcp", l.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(dialled) })
	accepted, err = l.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(accepted) })
	return dialled, accepted
}

// isEOF says whether an error is that of a connection that ended.
func isEOF(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}
