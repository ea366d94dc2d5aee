package attestedtls

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// serverHandshake is the server's end of one handshake.
type serverHandshake struct {
	handshake

	server  *Server
	service *Service
	leave   func() // the place of a session with a peer that does not attest
}

func newServerHandshake(s *Server, raw net.Conn, secured *secured) *serverHandshake {
	return &serverHandshake{server: s, handshake: handshake{
		// Until the purpose is known, all that can come is a hello.
		line:    &line{raw: raw, tls: secured.conn, side: ServerSide, script: script{steps: Table(evidence.Init)[:1]}},
		secured: secured, verifiers: s.config.Verifiers, gate: s.gate, now: s.config.Now,
	}}
}

func (h *serverHandshake) run(ctx context.Context) error {
	if err := h.checkReflection(); err != nil {
		return err
	}
	if err := h.receiveHello(ctx); err != nil {
		return err
	}
	if err := h.adopt(ctx); err != nil {
		return err
	}
	if err := h.putOpening(ctx); err != nil {
		return err
	}
	if err := h.proveItself(ctx); err != nil {
		return err
	}
	if _, _, err := h.line.receive(ctx); err != nil { // a verdict, and one that admits: others are errors
		return err
	}
	if !h.purpose.ClientAttests() {
		return nil
	}
	return h.examineClient(ctx)
}

// adopt takes over the purpose that the client's hello set, if it is served.
func (h *serverHandshake) adopt(ctx context.Context) (err error) {
	p := h.hello.Purpose
	service := h.server.config.Services[p]
	if service == nil {
		return refuseFor(fmt.Errorf("%w: %q is not served here", ErrProtocol, p), policy.Finding{
			Code: policy.CodeSessionRefused, Subject: "purpose", Seen: string(p),
			Remedy: "This server does not serve the purpose: check the address.",
		})
	}
	h.purpose, h.role, h.service, h.attester = p, frame.ServerRole(p), service, service.Attester
	h.line.script = script{steps: Table(p), next: 1}
	if !frame.IsClient(p, h.hello.Role) {
		return h.checkRoles(h.hello.Role, "a client")
	}
	if !p.ClientAttests() {
		h.leave, err = h.gate.admit()
		return err
	}
	if h.trust, err = obtain(ctx, service.Trust); err != nil {
		return err
	}
	return h.checkAddressee("")
}

// putOpening puts the server's hello and, where it is shown, the statement.
func (h *serverHandshake) putOpening(ctx context.Context) error {
	var formats []evidence.Platform
	if h.purpose.ClientAttests() {
		formats = h.verifiers.Platforms()
	}
	hello := h.greet(h.service.Claimed, formats)
	if h.service.Statement == nil {
		return h.putHello(hello)
	}
	encoded, err := h.service.Statement(ctx)
	if err != nil {
		return fmt.Errorf("reading the cluster statement: %w", err)
	}
	hello.StatementHash = sha256.Sum256(encoded)
	if err := h.putHello(hello); err != nil {
		return err
	}
	return h.line.put(&frame.Statement{Encoded: encoded})
}

// proveItself sends all of that, the server's identity where its key has to be
// activated, and its evidence.
func (h *serverHandshake) proveItself(ctx context.Context) error {
	proof, err := h.activate(ctx)
	if err != nil {
		return err
	}
	if err := h.prove(ctx, proof); err != nil {
		return err
	}
	return h.line.flush(ctx)
}

func (h *serverHandshake) activate(ctx context.Context) (*ports.Proof, error) {
	if !activatesServer(h.purpose) {
		return nil, h.line.flush(ctx) // the client reads while the quote is made
	}
	id, err := h.identify(ctx)
	if err != nil {
		return nil, err
	}
	if !id.NeedsActivation() {
		return nil, h.line.flush(ctx)
	}
	if err := h.line.put(id); err != nil {
		return nil, err
	}
	if err := h.line.flush(ctx); err != nil {
		return nil, err
	}
	return h.answer(ctx)
}

// examineClient reads the client's identity and evidence, and tells the verdict.
func (h *serverHandshake) examineClient(ctx context.Context) error {
	id, leave, err := h.receiveIdentity(ctx)
	if err != nil {
		return err
	}
	defer leave()
	x, err := h.challengeClient(ctx, id)
	if err != nil {
		return err
	}
	if err := h.admit(ctx, x); err != nil {
		return err
	}
	if err := h.line.put(&frame.Verdict{Verdict: *h.peer.Verdict}); err != nil {
		return err
	}
	return h.line.flush(ctx)
}

// challengeClient sends a challenge where the client's key has to answer one. In
// attest there is none: a JoinService has its certificate, or is refused for it.
func (h *serverHandshake) challengeClient(ctx context.Context, id *frame.Identity) (*examination, error) {
	if !activatesClient(h.purpose) {
		return &examination{identity: id}, nil
	}
	x, err := h.challenge(ctx, id)
	if err != nil || x.challenge == nil {
		return x, err
	}
	if err := h.line.put(&frame.Challenge{Blob: x.challenge.Blob}); err != nil {
		return nil, err
	}
	return x, h.line.flush(ctx)
}

// admit reads the client's evidence in a reader's place, and decodes and judges it
// on a processor.
func (h *serverHandshake) admit(ctx context.Context, x *examination) error {
	header, err := h.line.begin(ctx)
	if err != nil {
		return err
	}
	leave, err := h.gate.read(ctx)
	if err != nil {
		return err
	}
	defer leave()
	raw, err := h.readEvidence(ctx, header)
	if err != nil {
		return err
	}
	done, err := h.gate.compute(ctx)
	if err != nil {
		return err
	}
	defer done()
	m, err := h.line.decode(header.Kind, raw)
	if err != nil {
		return err
	}
	presented, ok := m.(*frame.Evidence)
	if !ok {
		return outOfPlace(m)
	}
	return h.judge(ctx, x, presented)
}

func (h *serverHandshake) readEvidence(ctx context.Context, header frame.Header) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.server.config.Limits.EvidenceTime, errSlow)
	defer cancel()
	return h.line.read(ctx, header)
}

// receiveIdentity reads the client's identity. One that is larger than what any
// waiter may cost has to find a place, and holds it until the handshake ends.
func (h *serverHandshake) receiveIdentity(ctx context.Context) (*frame.Identity, func(), error) {
	header, err := h.line.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	leave := func() {}
	if header.Length > freeFrame {
		if leave, err = h.gate.keep(); err != nil {
			return nil, nil, err
		}
	}
	m, _, err := h.line.rest(ctx, header)
	if err != nil {
		leave()
		return nil, nil, err
	}
	id, ok := m.(*frame.Identity)
	if !ok {
		leave()
		return nil, nil, outOfPlace(m)
	}
	return id, leave, nil
}
