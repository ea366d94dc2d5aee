package agent

import (
	"time"

	"google.golang.org/grpc/mem"

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

// Room returns how many requests a client makes at a time.
func Room(c *Client) int { return cap(c.link.places) }

// SetRoom changes it, before the first request.
func SetRoom(c *Client, requests int) { c.link.places = make(chan struct{}, requests) }

// Marshal encodes an answer as servers do.
func Marshal(answer any) (mem.BufferSlice, error) { return newCodec().Marshal(answer) }

// Bounds that tests reach for.
const (
	MaxConnections = maxConnections
	MaxRefused     = maxRefused
)
