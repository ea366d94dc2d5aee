package agent

import (
	"context"
	"fmt"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// StatementClient is a ports.StatementAttester, which an agent serves. Its errors
// are those of Client. It may be used concurrently.
type StatementClient struct {
	link    *link
	service agentpb.StatementsClient
}

// DialStatements returns a client of the socket for public verification at the
// path. It connects when it is first used, and again whenever the agent was gone.
// The error wraps ErrPath.
func DialStatements(path string) (*StatementClient, error) {
	l, err := newLink(path, maxStatements)
	if err != nil {
		return nil, err
	}
	return &StatementClient{link: l, service: agentpb.NewStatementsClient(l.conn)}, nil
}

// Close ends the connection, and with it every request that is under way.
func (c *StatementClient) Close() error { return c.link.close() }

// AttestStatement makes evidence for the verification binding of a nonce and a
// statement.
func (c *StatementClient) AttestStatement(ctx context.Context, nonce, statement []byte) (*ports.Attestation, error) {
	if _, err := evidence.NewVerificationBinding(nonce, statement); err != nil {
		return nil, err
	}
	answer, err := ask(ctx, c.link, c.service.AttestStatement, &agentpb.AttestStatementRequest{Nonce: nonce, Statement: statement})
	if err != nil {
		return nil, fmt.Errorf("attesting a statement: %w", err)
	}
	return decodeAttestation(answer.GetAttestation())
}
