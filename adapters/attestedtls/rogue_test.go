package attestedtls_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// rogue speaks the protocol by itself, step by step, and may lie at each. Left
// alone it is honest, and is admitted.
type rogue struct {
	world   *softtest.World
	machine *softtest.Machine // nil where its role has none
	purpose evidence.Purpose
	role    evidence.Role
	side    attestedtls.Side

	// The honest end that it meets; nil is an honest one of its world.
	server *attestedtls.Server
	client *attestedtls.ClientConfig

	// alter may replace the frame of a step, header included, before it is sent.
	// No bytes means that the rogue hangs up instead.
	alter func(step attestedtls.Step, frame []byte) []byte

	conn               *tls.Conn
	session            evidence.Session // the rogue's own
	statement          []byte
	identity           *frame.Identity // the peer's
	challenge          *ports.Challenge
	proof              *ports.Proof
	ownHello, itsHello []byte
}

// newRogue returns one for the side of a session, with an honest machine.
func newRogue(t testing.TB, w *softtest.World, s session, side attestedtls.Side) *rogue {
	t.Helper()
	r := &rogue{world: w, purpose: s.purpose, role: s.role, side: side}
	if side == attestedtls.ServerSide {
		r.role = frame.ServerRole(s.purpose)
	}
	switch r.role {
	case evidence.Joiner, evidence.Locked:
		r.machine = w.Machine(t)
	case evidence.Member, evidence.JoinService, evidence.KMS:
		r.machine = w.Member(t)
	default:
	}
	r.statement = w.Statement(t)
	return r
}

// selfSigned returns a certificate as this protocol wants it.
func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signedBy(t, key, nil)
}

func tlsConfig(certificates ...tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: certificates, MinVersion: tls.VersionTLS13, NextProtos: []string{attestedtls.ALPN},
		InsecureSkipVerify: true, ClientAuth: tls.RequireAnyClientCert, SessionTicketsDisabled: true,
		DynamicRecordSizingDisabled: true,
	}
}

// secure holds the rogue's end of TLS.
func (r *rogue) secure(ctx context.Context, raw net.Conn, certificate tls.Certificate) error {
	// Whoever waits for a rogue that waits for ever finds out here.
	if err := raw.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	r.conn = tls.Client(raw, tlsConfig(certificate))
	if r.side == attestedtls.ServerSide {
		r.conn = tls.Server(raw, tlsConfig(certificate))
	}
	if err := r.conn.HandshakeContext(ctx); err != nil {
		return err
	}
	state := r.conn.ConnectionState()
	exporter, err := state.ExportKeyingMaterial("EXPORTER-asterism-attestation", nil, 64)
	if err != nil {
		return err
	}
	r.session = evidence.Session{
		Purpose: r.purpose, AttesterRole: r.role, Exporter: [64]byte(exporter),
		AttesterSPKI: sha256.Sum256(certificate.Leaf.RawSubjectPublicKeyInfo),
		VerifierSPKI: sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo),
	}
	return nil
}

// play goes through the table. It returns the verdict that ended it, nil where
// the rogue was admitted, or admitted its peer at the end.
func (r *rogue) play(ctx context.Context) (*frame.Verdict, error) {
	for _, step := range attestedtls.Table(r.purpose) {
		if step.Optional && !r.activates(step) {
			continue
		}
		if step.Sender == r.side {
			if err := r.send(ctx, step); err != nil {
				return r.lastWord(err)
			}
			continue
		}
		v, err := r.receive(step)
		if err != nil || v != nil && !v.Admitted {
			return v, err
		}
	}
	return nil, nil
}

// activates says whether an optional step takes place: where the machine that is
// activated has no certificate.
func (r *rogue) activates(attestedtls.Step) bool {
	return r.purpose != evidence.Attest && r.purpose != evidence.Admin
}

func (r *rogue) send(ctx context.Context, step attestedtls.Step) error {
	m, err := r.message(ctx, step.Kind)
	if err != nil {
		return fmt.Errorf("making frame %s: %w", step.Row, err)
	}
	sent, err := frame.Append(nil, m)
	if err != nil {
		return err
	}
	if step.Kind == frame.KindHello {
		r.ownHello = sent[frame.HeaderSize:]
	}
	if r.alter != nil {
		sent = r.alter(step, sent)
	}
	if len(sent) == 0 {
		return r.conn.Close()
	}
	_, err = r.conn.Write(sent)
	return err
}

// message returns what an honest end would send.
func (r *rogue) message(ctx context.Context, kind frame.Kind) (frame.Message, error) {
	switch kind {
	case frame.KindHello:
		return r.hello(), nil
	case frame.KindStatement:
		return &frame.Statement{Encoded: r.statement}, nil
	case frame.KindIdentity:
		id, err := r.machine.Identity(ctx)
		return &frame.Identity{Identity: *id}, err
	case frame.KindChallenge:
		return r.makeChallenge(ctx)
	case frame.KindEvidence:
		a, err := r.machine.Attest(ctx, r.bound())
		if err != nil {
			return nil, err
		}
		return frame.NewEvidence(a, r.proof)
	default:
		return &frame.Verdict{Verdict: policy.Verdict{Admitted: true, Findings: []policy.Finding{}}}, nil
	}
}

func (r *rogue) hello() *frame.Hello {
	h := &frame.Hello{Purpose: r.purpose, Role: r.role, Formats: softtest.PlatformsVerified(), Claimed: r.world.Claimed(r.role)}
	_, _ = rand.Read(h.Nonce[:])
	if r.side == attestedtls.ServerSide && frame.ShowsStatement(r.purpose) {
		h.StatementHash = sha256.Sum256(r.statement)
	}
	return h
}

// bound is the session with both hellos.
func (r *rogue) bound() *evidence.Session {
	s := r.session
	s.AttesterHello, s.VerifierHello = r.ownHello, r.itsHello
	return &s
}

func (r *rogue) makeChallenge(ctx context.Context) (frame.Message, error) {
	verifier, err := softtest.PlatformsVerified().Verifier(r.identity.Platform, nil)
	if err != nil {
		return nil, err
	}
	r.challenge, err = verifier.Challenge(ctx, &r.identity.Identity)
	if err != nil {
		return nil, err
	}
	return &frame.Challenge{Blob: r.challenge.Blob}, nil
}

// receive reads the frame of a step, and returns it where it is a verdict.
func (r *rogue) receive(step attestedtls.Step) (*frame.Verdict, error) {
	header, err := frame.ReadHeader(r.conn, step.Kind, frame.KindVerdict)
	if err != nil {
		return nil, err
	}
	raw, err := header.Read(r.conn)
	if err != nil {
		return nil, err
	}
	m, err := frame.Unmarshal(header.Kind, raw)
	if err != nil {
		return nil, err
	}
	switch m := m.(type) {
	case *frame.Hello:
		r.itsHello = raw
	case *frame.Identity:
		r.identity = m
	case *frame.Challenge:
		proof, err := r.machine.Activate(context.Background(), r.bound(), m.Blob)
		r.proof = &proof
		return nil, err
	case *frame.Evidence:
		return nil, r.checkProof(m)
	case *frame.Verdict:
		return m, nil
	}
	return nil, nil
}

// checkProof holds the honest end to its promise.
func (r *rogue) checkProof(m *frame.Evidence) error {
	if (m.Proof != nil) != (r.challenge != nil) {
		return fmt.Errorf("there is a proof: %v, and there was a challenge: %v", m.Proof != nil, r.challenge != nil)
	}
	if r.challenge == nil {
		return nil
	}
	s := r.bound()
	s.AttesterSPKI, s.VerifierSPKI = s.VerifierSPKI, s.AttesterSPKI
	s.AttesterHello, s.VerifierHello = s.VerifierHello, s.AttesterHello
	s.AttesterRole = frame.ServerRole(r.purpose)
	if r.side == attestedtls.ServerSide {
		hello, err := frame.Unmarshal(frame.KindHello, r.itsHello)
		if err != nil {
			return err
		}
		s.AttesterRole = hello.(*frame.Hello).Role
	}
	binding, err := s.Binding()
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, r.challenge.Secret.Reveal())
	mac.Write(binding.Bytes())
	if !hmac.Equal(mac.Sum(nil), m.Proof[:]) {
		return fmt.Errorf("the proof is for another session")
	}
	return nil
}

// lastWord returns the verdict that waits behind a failed write.
func (r *rogue) lastWord(err error) (*frame.Verdict, error) {
	v, readErr := r.receive(attestedtls.Step{Kind: frame.KindVerdict})
	if readErr != nil {
		return nil, err
	}
	return v, nil
}

// signedBy returns a certificate of the key, signed by another or, where that is
// nil, by itself.
func signedBy(t testing.TB, key, signer crypto.Signer) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "self"}}
	parent := template
	if signer == nil {
		signer = key
	} else {
		parent = &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "CA"}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
