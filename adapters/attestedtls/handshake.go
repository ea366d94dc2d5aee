package attestedtls

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// handshake is one end of a handshake, with what both ends have in common.
type handshake struct {
	line      *line
	secured   *secured
	purpose   evidence.Purpose
	role      evidence.Role // of this end
	attester  ports.Attester
	verifiers ports.Verifiers
	gate      *gate
	now       func() time.Time

	ownHello []byte       // as sent
	hello    *frame.Hello // the peer's
	rawHello []byte       // as received
	trust    *Trust       // what the peer is held against
	peer     Peer         // as far as it is known
}

// checkReflection refuses a session whose two ends hold one key: nothing could
// prove it, and both ends see that before anything is said.
func (h *handshake) checkReflection() error {
	if h.secured.own != h.secured.peer {
		return nil
	}
	return refuseFor(nil, policy.Finding{
		Code: policy.CodeSessionRefused, Subject: "TLS key", Expected: []string{"another key than this end's"}, Seen: "this end's own",
		Remedy: "The connection leads back to the process that made it, or somebody reflects it: check the address.",
	})
}

// greet returns this end's hello.
func (h *handshake) greet(claimed func() frame.Claimed, formats []evidence.Platform) *frame.Hello {
	hello := &frame.Hello{Purpose: h.purpose, Role: h.role, Formats: formats}
	if claimed != nil {
		hello.Claimed = claimed()
	}
	_, _ = rand.Read(hello.Nonce[:]) // never fails
	return hello
}

// putHello puts the hello, and keeps it as sent.
func (h *handshake) putHello(hello *frame.Hello) error {
	encoded, err := frame.Marshal(hello)
	if err != nil {
		return fmt.Errorf("%w: this end's hello: %w", ErrConfig, err)
	}
	h.ownHello = encoded
	return h.line.putEncoded(frame.KindHello, encoded)
}

// receiveHello reads the peer's hello, and keeps it as received.
func (h *handshake) receiveHello(ctx context.Context) error {
	m, raw, err := h.line.receive(ctx)
	if err != nil {
		return err
	}
	hello, ok := m.(*frame.Hello)
	if !ok {
		return outOfPlace(m)
	}
	h.hello, h.rawHello = hello, raw
	return nil
}

// session is what evidence of one end is bound to, as this end saw it.
func (h *handshake) session(own bool) *evidence.Session {
	s := &evidence.Session{
		Purpose: h.purpose, AttesterRole: h.role, Exporter: h.secured.exporter,
		AttesterSPKI: h.secured.own, VerifierSPKI: h.secured.peer,
		AttesterHello: h.ownHello, VerifierHello: h.rawHello,
	}
	if own {
		return s
	}
	s.AttesterRole = h.hello.Role
	s.AttesterSPKI, s.VerifierSPKI = s.VerifierSPKI, s.AttesterSPKI
	s.AttesterHello, s.VerifierHello = s.VerifierHello, s.AttesterHello
	return s
}

// finish completes the description of the peer.
func (h *handshake) finish() *Conn {
	p := h.peer
	p.Purpose, p.Side, p.Role, p.Hello = h.purpose, h.line.side.other(), h.hello.Role, *h.hello
	p.Exporter, p.Address = newExporter(h.secured.exporter), h.line.raw.RemoteAddr()
	p.ClientSPKI, p.ServerSPKI = h.secured.own, h.secured.peer
	if h.line.side == ServerSide {
		p.ClientSPKI, p.ServerSPKI = p.ServerSPKI, p.ClientSPKI
	}
	h.secured.reins.loose = true
	return &Conn{Conn: h.secured.conn, peer: &p}
}

// end tells the peer why there is no session, where it can be told and need be,
// and closes the connection.
func (h *handshake) end(ctx context.Context, e *ending, linger time.Duration) {
	if e.verdict == nil {
		_ = h.line.raw.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), linger)
	defer cancel()
	v := &frame.Verdict{Verdict: *e.verdict}
	if e.retry {
		v.RetryAfter = e.after
	}
	if h.line.side == ClientSide {
		v = v.Within(MaxClientVerdict)
	}
	_ = h.line.say(ctx, v) // the caller learns of the refusal, not that the peer did not
}

// outOfPlace cannot happen as long as script and code agree.
func outOfPlace(m frame.Message) error {
	return refuseFrame(&frame.Error{Kind: m.Kind(), Err: frame.ErrUnexpected})
}

// checkAddressee refuses a peer of which this end means, or may trust, another.
func (h *handshake) checkAddressee(nodeName string) error {
	var found []policy.Finding
	mismatch := func(subject, want, seen string) {
		if want != seen {
			found = append(found, policy.Finding{
				Code: policy.CodePeerMismatch, Severity: policy.Refuse, Subject: subject, Expected: []string{want}, Seen: seen,
				Remedy: "The connection leads to another machine, or to one of another cluster: check the address, and what answers there.",
			})
		}
	}
	if nodeName != "" {
		mismatch("node name", nodeName, h.hello.NodeName)
	}
	switch h.hello.Role {
	case evidence.Member, evidence.JoinService, evidence.KMS:
		mismatch("cluster ID", h.trust.Cluster.String(), h.hello.Cluster.String())
		mismatch("owner ID", h.trust.Owner.String(), h.hello.Owner.String())
	case evidence.Locked:
		if h.purpose != evidence.Unseal { // whose key service may serve other clusters
			mismatch("cluster ID", h.trust.Cluster.String(), h.hello.Cluster.String())
		}
	default:
	}
	if len(found) == 0 {
		return nil
	}
	return refuse(&policy.Verdict{Findings: found})
}

// obtain asks for trust, and does not go on without.
func obtain(ctx context.Context, source TrustSource) (*Trust, error) {
	t, err := source(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking what to trust: %w", err)
	}
	if t == nil || t.Policy == nil || t.Roots == nil {
		return nil, fmt.Errorf("%w: there is no trust without a policy and roots", ErrConfig)
	}
	return t, nil
}

// errNoChallenge is about a verifier that does not keep to frame.Identity's rule.
var errNoChallenge = errors.New("the verifier makes no challenge for keys that need one")
