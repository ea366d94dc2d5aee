package agent

import (
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// The services without the sockets, for tests that make many requests.

func SessionService(p evidence.Purpose, a ports.Attester) agentpb.SessionsServer {
	return &sessions{purpose: p, attester: a}
}

func StatementService(a ports.StatementAttester) agentpb.StatementsServer {
	return &statements{attester: a}
}

// SetGrace changes how long a server waits for its requests when it ends.
func SetGrace(s *Server, d time.Duration) { s.grace = d }

// Bounds that tests reach for.
const (
	MaxConnections = maxConnections
	MaxRefused     = maxRefused
)
