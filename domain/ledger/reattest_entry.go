package ledger

import (
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// ReattestEntry is a change of what a member's re-attestation shows.
type ReattestEntry struct {
	Node     join.Identity      `json:"node"`
	State    join.State         `json:"state"` // from now on
	Codes    []policy.Code      `json:"codes,omitempty"`
	Evidence measurement.Digest `json:"evidence,omitzero"` // SHA-256; zero where the node gave none
}

func (b *ReattestEntry) check(c *entryCheck) {
	c.node("reattestation.node", b.Node)
	oneOf(c, "reattestation.state", b.State, join.Member, join.Withheld, join.Revoked)
	c.codes("reattestation.codes", b.Codes)
	c.optionalDigest("reattestation.evidence", b.Evidence)
}

func (b *ReattestEntry) about() (join.Identity, measurement.Digest) { return b.Node, b.Evidence }

func (b *ReattestEntry) sorted() *ReattestEntry {
	n := *b
	n.Codes = set(b.Codes)
	return &n
}
