package attestedtls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Dial connects to an address, proves what the purpose asks for, and returns the
// session if both ends admit each other. It tries once. The error is or wraps a
// *Refused where one end refused, ErrTLS where there was no session to refuse in,
// ErrConfig, the attester's errors where the client itself cannot attest, the
// context's, or the dialler's.
func Dial(ctx context.Context, network, address string, c *ClientConfig) (*Conn, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	dial := c.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	raw, err := dial(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("dialling %s: %w", address, err)
	}
	return c.handshake(ctx, raw)
}

// Client is Dial on a connection that is there already. It closes the connection
// unless it returns a session.
func Client(ctx context.Context, raw net.Conn, c *ClientConfig) (*Conn, error) {
	if err := c.validate(); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	return c.handshake(ctx, raw)
}

func (c *ClientConfig) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, cmp.Or(c.Timeout, DefaultLimits().Timeout), errTimeout)
}

func (c *ClientConfig) handshake(ctx context.Context, raw net.Conn) (*Conn, error) {
	secured, err := secure(ctx, raw, ClientSide, c.Keys)
	if err != nil {
		return nil, err
	}
	h := &clientHandshake{config: c, handshake: handshake{
		line:    &line{raw: raw, tls: secured.conn, side: ClientSide, script: script{steps: Table(c.Purpose)}},
		secured: secured, purpose: c.Purpose, role: c.Role,
		attester: c.Attester, verifiers: c.Verifiers, now: c.Now,
	}}
	if err := h.run(ctx); err != nil {
		e := endingOf(ctx, err)
		e.after = DefaultLimits().RetryAfter
		var r *Refused
		if errors.As(e.err, &r) && r.ByPeer {
			r.Attested = h.peer.Attested()
		}
		h.end(ctx, e, cmp.Or(c.Linger, DefaultLimits().Linger))
		return nil, e.err
	}
	return h.finish(), nil
}

// clientHandshake is the client's end.
type clientHandshake struct {
	handshake

	config *ClientConfig
}

func (h *clientHandshake) run(ctx context.Context) error {
	if err := h.checkReflection(); err != nil {
		return err
	}
	if err := h.exchangeHellos(ctx); err != nil {
		return err
	}
	if err := h.establishTrust(ctx); err != nil {
		return err
	}
	if err := h.checkAddressee(h.config.NodeName); err != nil {
		return err
	}
	if err := h.examineServer(ctx); err != nil {
		return err
	}
	if err := h.remember(); err != nil {
		return err
	}
	admission := frame.Verdict{Verdict: *h.peer.Verdict}
	if err := h.line.put(admission.Within(MaxClientVerdict)); err != nil {
		return err
	}
	if !h.purpose.ClientAttests() {
		return h.line.flush(ctx)
	}
	return h.proveItself(ctx)
}

func (h *clientHandshake) exchangeHellos(ctx context.Context) error {
	if err := h.putHello(h.greet(h.config.Claimed, h.verifiers.Platforms())); err != nil {
		return err
	}
	if err := h.line.flush(ctx); err != nil {
		return err
	}
	if err := h.receiveHello(ctx); err != nil {
		return err
	}
	return h.checkRoles(h.hello.Role, frame.ServerRole(h.purpose))
}

// establishTrust asks the client's own source, or believes the statement that the
// server shows for its signatures.
func (h *clientHandshake) establishTrust(ctx context.Context) (err error) {
	if h.config.Statement == nil {
		h.trust, err = obtain(ctx, h.config.Trust)
		return err
	}
	m, _, err := h.line.receive(ctx)
	if err != nil {
		return err
	}
	shown, ok := m.(*frame.Statement)
	if !ok {
		return outOfPlace(m)
	}
	h.peer.Statement, h.trust, err = h.config.believe(shown, h.hello.StatementHash)
	return err
}

// examineServer reads the server's identity where it shows one, and its evidence.
func (h *clientHandshake) examineServer(ctx context.Context) error {
	x := &examination{}
	m, _, err := h.line.receive(ctx)
	if err != nil {
		return err
	}
	if id, ok := m.(*frame.Identity); ok {
		if x, err = h.challengeServer(ctx, id); err != nil {
			return err
		}
		if m, _, err = h.line.receive(ctx); err != nil {
			return err
		}
	}
	presented, ok := m.(*frame.Evidence)
	if !ok {
		return outOfPlace(m)
	}
	return h.judge(ctx, x, presented)
}

func (h *clientHandshake) challengeServer(ctx context.Context, id *frame.Identity) (*examination, error) {
	x, err := h.challenge(ctx, id)
	if err != nil {
		return nil, err
	}
	if x.challenge == nil {
		return nil, refuseFrame(&frame.Error{Kind: frame.KindIdentity, Err: fmt.Errorf("%w: it needs no challenge", frame.ErrUnexpected)})
	}
	if err := h.line.put(&frame.Challenge{Blob: x.challenge.Blob}); err != nil {
		return nil, err
	}
	return x, h.line.flush(ctx)
}

// remember has the statement kept, now that the server is admitted.
func (h *clientHandshake) remember() error {
	if h.peer.Statement == nil || h.config.Statement.Seen == nil {
		return nil
	}
	if anchor := h.config.Statement.Anchor(); h.peer.Statement.Serial < anchor.MinSerial {
		return distrust(fmt.Errorf("its serial is %d, and %d was seen meanwhile", h.peer.Statement.Serial, anchor.MinSerial),
			"cluster statement", string(owner.Rollback), remedyFor(owner.Rollback))
	}
	if err := h.config.Statement.Seen(h.peer.Statement); err != nil {
		return fmt.Errorf("remembering the cluster statement: %w", err)
	}
	return nil
}

// proveItself sends the client's identity and evidence, and waits for the verdict.
func (h *clientHandshake) proveItself(ctx context.Context) error {
	id, err := h.identify(ctx)
	if err != nil {
		return err
	}
	if err := h.line.put(id); err != nil {
		return err
	}
	proof, err := h.activate(ctx, id)
	if err != nil {
		return err
	}
	if err := h.prove(ctx, proof); err != nil {
		return err
	}
	if err := h.line.flush(ctx); err != nil {
		return err
	}
	_, _, err = h.line.receive(ctx) // a verdict, and one that admits: others are errors
	return err
}

// activate answers the server's challenge where there is one. Where there is none,
// all that was put travels with the evidence.
func (h *clientHandshake) activate(ctx context.Context, id *frame.Identity) (*ports.Proof, error) {
	if !activatesClient(h.purpose) || !id.NeedsActivation() {
		return nil, nil
	}
	if err := h.line.flush(ctx); err != nil {
		return nil, err
	}
	return h.answer(ctx)
}

// checkRoles refuses a peer whose hello is for another session than this one.
func (h *handshake) checkRoles(got, want any) error {
	if got == want && h.hello.Purpose == h.purpose {
		return nil
	}
	return refuseFor(fmt.Errorf("%w: the peer says hello as %q for %q", ErrProtocol, got, h.hello.Purpose), policy.Finding{
		Code: policy.CodeSessionRefused, Subject: "role and purpose",
		Expected: []string{fmt.Sprintf("%v for %v", want, h.purpose)}, Seen: fmt.Sprintf("%v for %v", got, h.hello.Purpose),
		Remedy: "The connection leads to something else than was meant, or somebody reflects it: check the address.",
	})
}
