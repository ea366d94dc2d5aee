package ledger

import (
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// OutcomeEntry says what became of an admitted request.
type OutcomeEntry struct {
	Request join.RequestID     `json:"request"`
	Node    join.Identity      `json:"node"`
	Ticket  measurement.Digest `json:"ticket"` // SHA-256 of what is public in the ticket
}

func (b *OutcomeEntry) check(c *entryCheck) {
	c.request("outcome.request", b.Request)
	c.node("outcome.node", b.Node)
	c.digest("outcome.ticket", b.Ticket)
}

func (b *OutcomeEntry) about() (join.Identity, measurement.Digest) {
	return b.Node, measurement.Digest{}
}
