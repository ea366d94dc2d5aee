package agent

import (
	"context"
	"fmt"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// Client is a ports.Attester for one purpose, which an agent serves. Its errors
// wrap what the agent's attester said, ports.ErrUnavailable where no agent
// answers or too much is under way already, and ErrDenied where it does not serve this process's user. It may be
// used concurrently.
type Client struct {
	link    *link
	service agentpb.SessionsClient
	purpose evidence.Purpose
}

// Dial returns a client of the socket at the path, which serves the purpose. It
// connects when it is first used, and again whenever the agent was gone. The
// error wraps ErrPath or evidence.ErrPurpose.
func Dial(path string, p evidence.Purpose) (*Client, error) {
	if err := checkPurpose(p); err != nil {
		return nil, fmt.Errorf("dialling the agent: %w", err)
	}
	l, err := newLink(path, DefaultMaxRequests)
	if err != nil {
		return nil, err
	}
	return &Client{link: l, service: agentpb.NewSessionsClient(l.conn), purpose: p}, nil
}

// Close ends the connection, and with it every request that is under way.
func (c *Client) Close() error { return c.link.close() }

// Identity returns the machine's keys.
func (c *Client) Identity(ctx context.Context) (*ports.Identity, error) {
	answer, err := ask(ctx, c.link, c.service.Identify, &agentpb.IdentifyRequest{})
	if err != nil {
		return nil, fmt.Errorf("asking for the machine's identity: %w", err)
	}
	return decodeIdentity(answer)
}

// Activate answers a challenge within a session of the client's purpose.
func (c *Client) Activate(ctx context.Context, s *evidence.Session, challenge []byte) (ports.Proof, error) {
	if err := c.check(s); err != nil {
		return ports.Proof{}, err
	}
	if n := len(challenge); n == 0 || n > ports.MaxChallengeSize {
		return ports.Proof{}, fmt.Errorf("%w: it has %d bytes, want 1 to %d", ports.ErrChallenge, n, ports.MaxChallengeSize)
	}
	answer, err := ask(ctx, c.link, c.service.Activate, &agentpb.ActivateRequest{Session: encodeSession(s), Challenge: challenge})
	if err != nil {
		return ports.Proof{}, fmt.Errorf("answering a challenge: %w", err)
	}
	var proof ports.Proof
	if err := fill(proof[:], answer.GetProof(), "agent's proof"); err != nil {
		return ports.Proof{}, err
	}
	return proof, nil
}

// Attest makes evidence for a session of the client's purpose.
func (c *Client) Attest(ctx context.Context, s *evidence.Session) (*ports.Attestation, error) {
	if err := c.check(s); err != nil {
		return nil, err
	}
	answer, err := ask(ctx, c.link, c.service.Attest, &agentpb.AttestRequest{Session: encodeSession(s)})
	if err != nil {
		return nil, fmt.Errorf("attesting a session: %w", err)
	}
	return decodeAttestation(answer.GetAttestation())
}

// check spares the way to the agent what it would refuse, and what would be too
// long for it.
func (c *Client) check(s *evidence.Session) error {
	if _, err := s.Binding(); err != nil {
		return err
	}
	if s.Purpose != c.purpose {
		return notServed(s.Purpose, c.purpose)
	}
	return nil
}
