package ledger

import (
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// RecoveryEntry is the first entry after a recovery.
type RecoveryEntry struct {
	Node  join.Identity      `json:"node"`
	Means string             `json:"means"` // "shares", "master-secret", "kms" or "approval"
	Size  uint64             `json:"size"`  // of the ledger that it goes on from
	Root  measurement.Digest `json:"root"`  // of the tree of that size
}

func (b *RecoveryEntry) check(c *entryCheck) {
	c.node("recovery.node", b.Node)
	oneOf(c, "recovery.means", b.Means, "shares", "master-secret", "kms", "approval")
	c.number("recovery.size", b.Size, 1)
	c.digest("recovery.root", b.Root)
}

func (b *RecoveryEntry) about() (join.Identity, measurement.Digest) {
	return b.Node, measurement.Digest{}
}
