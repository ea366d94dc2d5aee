package ledger

import (
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// InitEntry is the first entry of every ledger.
type InitEntry struct {
	Cluster   keys.ClusterID     `json:"cluster"`
	Owner     keys.OwnerID       `json:"owner"`
	Node      join.Identity      `json:"node"`
	Statement measurement.Digest `json:"statement"` // SHA-256
	Evidence  measurement.Digest `json:"evidence"`  // SHA-256 of the first node's
}

func (b *InitEntry) check(c *entryCheck) {
	if b.Cluster == (keys.ClusterID{}) {
		c.add("init.cluster", "is missing")
	}
	if b.Owner == (keys.OwnerID{}) {
		c.add("init.owner", "is missing")
	}
	c.node("init.node", b.Node)
	c.digest("init.statement", b.Statement)
	c.digest("init.evidence", b.Evidence)
}

func (b *InitEntry) about() (join.Identity, measurement.Digest) { return b.Node, b.Evidence }
