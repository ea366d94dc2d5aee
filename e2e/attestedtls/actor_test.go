package attestedtls_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// actor is one end of a session that was written from the specification alone. It
// has an honest machine's attester at its service, so that it is admitted, as long
// as nobody alters what it sends.
type actor struct {
	*puppet

	t         testing.TB
	purpose   evidence.Purpose
	role      evidence.Role // its own
	peerRole  evidence.Role
	claimed   func() frame.Claimed
	statement func(context.Context) ([]byte, error)
	attester  ports.Attester // nil for tools
	verifier  ports.Verifier // for challenges

	ownHello, peerHello []byte
	identity            *ports.Identity // of the peer
	challenge           *ports.Challenge
	blob                []byte // the peer's challenge
	got                 []raw  // the peer's frames
	wrong               []policy.Finding
}

// clientActor acts as the client of the ends.
func (e *ends) clientActor(t testing.TB, conn net.Conn, certificate *tls.Certificate) *actor {
	t.Helper()
	a := &actor{
		puppet: newPuppet(t, conn, attestedtls.ClientSide, certificate), t: t, purpose: e.client.Purpose, role: e.client.Role,
		peerRole: frame.ServerRole(e.client.Purpose), claimed: e.client.Claimed, attester: e.client.Attester,
	}
	a.verifier = verifierFor(t, e)
	return a
}

// serverActor acts as the server of the ends.
func (e *ends) serverActor(t testing.TB, conn net.Conn, certificate *tls.Certificate) *actor {
	t.Helper()
	service := e.server.Services[e.client.Purpose]
	a := &actor{
		puppet: newPuppet(t, conn, attestedtls.ServerSide, certificate), t: t, purpose: e.client.Purpose,
		role: frame.ServerRole(e.client.Purpose), peerRole: e.client.Role,
		claimed: service.Claimed, statement: service.Statement, attester: service.Attester,
	}
	a.verifier = verifierFor(t, e)
	return a
}

func verifierFor(t testing.TB, e *ends) ports.Verifier {
	t.Helper()
	c := with(t)
	v, err := e.client.Verifiers.Verifier(evidence.ProcessVTPM, c.ours.Facts.Trust())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// played is how an actor's session went.
type played struct {
	frames  map[string]raw // by row, as they should have been
	refusal *frame.Verdict // of the peer
	err     error
}

// play goes through the table. What alter returns is sent in place of each of the
// actor's own frames; where it is nothing, and the peer would have to speak next,
// the session ends.
func (a *actor) play(alter alteration) *played {
	p := &played{frames: make(map[string]raw)}
	table := attestedtls.Table(a.purpose)
	for i, step := range table {
		if step.Sender == a.side {
			honest := a.make(step)
			p.frames[step.Row] = honest
			sent := alter(a.got, step, honest)
			a.send(sent...)
			if len(sent) == 0 && (i+1 == len(table) || table[i+1].Sender != a.side) {
				break
			}
			continue
		}
		f, err := a.receive()
		if err != nil {
			p.err = fmt.Errorf("row %s: %w", step.Row, err)
			break
		}
		if p.refusal = f.refusal(); p.refusal != nil {
			break
		}
		p.frames[step.Row] = f
		a.got = append(a.got, f)
		if err := a.note(step, f); err != nil {
			p.err = fmt.Errorf("row %s: %w", step.Row, err)
			break
		}
	}
	return p
}

// alteration returns what is sent in place of a frame to a peer that has sent
// others in this session.
type alteration func(seen []raw, step attestedtls.Step, honest raw) []raw

// honestly alters nothing.
func honestly(_ []raw, _ attestedtls.Step, honest raw) []raw { return []raw{honest} }

// make makes the frame of a row of the actor's own.
func (a *actor) make(step attestedtls.Step) raw {
	a.t.Helper()
	switch step.Kind {
	case frame.KindHello:
		hello := encode(a.t, a.hello())
		a.ownHello = hello.message
		return hello
	case frame.KindStatement:
		return encode(a.t, &frame.Statement{Encoded: a.signed()})
	case frame.KindIdentity:
		identity, err := a.attester.Identity(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		return encode(a.t, &frame.Identity{Identity: *identity})
	case frame.KindChallenge:
		var err error
		a.challenge, err = a.verifier.Challenge(a.t.Context(), a.identity)
		if err != nil || a.challenge == nil {
			a.t.Fatalf("making a challenge: %v, %v", a.challenge, err)
		}
		return encode(a.t, &frame.Challenge{Blob: a.challenge.Blob})
	case frame.KindEvidence:
		return a.evidence()
	default:
		return a.verdict()
	}
}

func (a *actor) signed() []byte {
	statement, err := a.statement(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return statement
}

func (a *actor) hello() *frame.Hello {
	h := &frame.Hello{Purpose: a.purpose, Role: a.role, Formats: []evidence.Platform{evidence.ProcessVTPM}}
	rand.Read(h.Nonce[:])
	if a.claimed != nil {
		h.Claimed = a.claimed()
	}
	if a.statement != nil {
		h.StatementHash = sha256.Sum256(a.signed())
	}
	return h
}

// evidence is bound to the session as the actor sees it. A challenge for another
// machine is answered with what comes to mind.
func (a *actor) evidence() raw {
	a.t.Helper()
	session := a.session(a.purpose, a.role, true, a.ownHello, a.peerHello)
	var proof *ports.Proof
	if a.blob != nil {
		p, err := a.attester.Activate(a.t.Context(), session, a.blob)
		if err != nil && !errors.Is(err, ports.ErrChallenge) {
			a.t.Fatal(err)
		}
		proof = &p
	}
	attestation, err := a.attester.Attest(a.t.Context(), session)
	if err != nil {
		a.t.Fatal(err)
	}
	message, err := frame.NewEvidence(attestation, proof)
	if err != nil {
		a.t.Fatal(err)
	}
	return encode(a.t, message)
}

func (a *actor) verdict() raw {
	v := policy.Verdict{Admitted: len(a.wrong) == 0, Findings: append([]policy.Finding{}, a.wrong...)}
	return encode(a.t, &frame.Verdict{Verdict: v})
}

// note keeps what a frame of the peer's says.
func (a *actor) note(step attestedtls.Step, f raw) error {
	if f.kind != step.Kind {
		return fmt.Errorf("a %v, want a %v", f.kind, step.Kind)
	}
	message, err := frame.Unmarshal(f.kind, f.message)
	if err != nil {
		return err
	}
	switch m := message.(type) {
	case *frame.Hello:
		a.peerHello = f.message
	case *frame.Identity:
		a.identity = &m.Identity
	case *frame.Challenge:
		a.blob = m.Blob
	case *frame.Evidence:
		a.check(m)
	}
	return nil
}

// check looks at the answer to the actor's own challenge, as an honest end does.
func (a *actor) check(e *frame.Evidence) {
	if a.challenge == nil {
		return
	}
	binding, err := a.session(a.purpose, a.peerRole, false, a.ownHello, a.peerHello).Binding()
	if err != nil {
		a.t.Fatal(err)
	}
	if e.Proof == nil || *e.Proof != proofOf(a.challenge.Secret.Reveal(), binding) {
		a.wrong = []policy.Finding{{Code: policy.CodeActivationFailed, Severity: policy.Refuse, Subject: "proof", Remedy: "Ask again."}}
	}
}
