package ledger

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// RefusalsEntry counts refusals of one identity in an interval.
type RefusalsEntry struct {
	Node     join.Identity      `json:"node"`
	From     time.Time          `json:"from"` // UTC, whole milliseconds; to the entry's time
	Count    uint64             `json:"count"`
	Codes    []policy.Code      `json:"codes"`
	Evidence measurement.Digest `json:"evidence,omitzero"` // SHA-256 of the last
}

func (b *RefusalsEntry) check(c *entryCheck) {
	c.node("refusals.node", b.Node)
	c.instant("refusals.from", b.From)
	c.number("refusals.count", b.Count, 1)
	c.codes("refusals.codes", b.Codes)
	if len(b.Codes) == 0 {
		c.add("refusals.codes", "is empty, and nothing is refused without a reason")
	}
	c.optionalDigest("refusals.evidence", b.Evidence)
}

func (b *RefusalsEntry) about() (join.Identity, measurement.Digest) { return b.Node, b.Evidence }

func (b *RefusalsEntry) sorted() *RefusalsEntry {
	n := *b
	n.Codes = set(b.Codes)
	return &n
}
