package agent

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// sessions serves one purpose.
type sessions struct {
	agentpb.UnimplementedSessionsServer

	purpose  evidence.Purpose
	attester ports.Attester
	encoder  encoder
}

// Identify returns the machine's keys.
func (s *sessions) Identify(ctx context.Context, request *agentpb.IdentifyRequest) (*agentpb.IdentifyResponse, error) {
	if err := checkRequest(request); err != nil {
		return nil, toStatus(err)
	}
	id, err := s.attester.Identity(ctx)
	if err != nil {
		return nil, toStatus(err)
	}
	return encodeIdentity(id), nil
}

// Activate answers a challenge within a session of the socket's purpose.
func (s *sessions) Activate(ctx context.Context, request *agentpb.ActivateRequest) (*agentpb.ActivateResponse, error) {
	session, err := s.session(request, request.GetSession())
	if err != nil {
		return nil, toStatus(err)
	}
	if n := len(request.GetChallenge()); n == 0 || n > ports.MaxChallengeSize {
		return nil, toStatus(fmt.Errorf("%w: it has %d bytes, want 1 to %d", ports.ErrChallenge, n, ports.MaxChallengeSize))
	}
	proof, err := s.attester.Activate(ctx, session, request.GetChallenge())
	if err != nil {
		return nil, toStatus(err)
	}
	return &agentpb.ActivateResponse{Proof: proof[:]}, nil
}

// Attest makes evidence for a session of the socket's purpose.
func (s *sessions) Attest(ctx context.Context, request *agentpb.AttestRequest) (*agentpb.AttestResponse, error) {
	session, err := s.session(request, request.GetSession())
	if err != nil {
		return nil, toStatus(err)
	}
	attestation, err := s.attester.Attest(ctx, session)
	if err != nil {
		return nil, toStatus(err)
	}
	encoded, err := s.encoder.attestation(attestation)
	if err != nil {
		return nil, toStatus(err)
	}
	return &agentpb.AttestResponse{Attestation: encoded}, nil
}

// session reads the session of a request, and refuses one for another purpose
// than the socket's.
func (s *sessions) session(request proto.Message, m *agentpb.Session) (*evidence.Session, error) {
	if err := checkRequest(request); err != nil {
		return nil, err
	}
	session, err := decodeSession(m)
	if err != nil {
		return nil, err
	}
	if session.Purpose != s.purpose {
		return nil, notServed(session.Purpose, s.purpose)
	}
	return session, nil
}

func notServed(asked, served evidence.Purpose) error {
	return fmt.Errorf("%w: asked for %q on the socket of %q", ports.ErrNotServed, string(asked), string(served))
}

// checkRequest refuses a request of another release.
func checkRequest(request proto.Message) error {
	if err := checkKnown(request); err != nil {
		return fmt.Errorf("%w: %w", evidence.ErrBinding, err)
	}
	return nil
}
