package agent

import (
	"context"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// statements serves public verification. All it can reach is an attester that, by
// its type, makes nothing else.
type statements struct {
	agentpb.UnimplementedStatementsServer

	attester ports.StatementAttester
	encoder  encoder
}

// AttestStatement makes evidence for the caller's nonce and statement. Nonce and
// statement go on only where evidence can be bound to them.
func (s *statements) AttestStatement(ctx context.Context, request *agentpb.AttestStatementRequest) (*agentpb.AttestStatementResponse, error) {
	if err := checkRequest(request); err != nil {
		return nil, toStatus(err)
	}
	nonce, statement := request.GetNonce(), request.GetStatement()
	if _, err := evidence.NewVerificationBinding(nonce, statement); err != nil {
		return nil, toStatus(err)
	}
	attestation, err := s.attester.AttestStatement(ctx, nonce, statement)
	if err != nil {
		return nil, toStatus(err)
	}
	encoded, err := s.encoder.attestation(attestation)
	if err != nil {
		return nil, toStatus(err)
	}
	return &agentpb.AttestStatementResponse{Attestation: encoded}, nil
}
