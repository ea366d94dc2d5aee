package ledger

import (
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// IntentEntry says that a node was admitted, before anything was made for it.
type IntentEntry struct {
	Request   join.RequestID     `json:"request"`
	Kind      join.Kind          `json:"kind"`
	Node      join.Identity      `json:"node"`
	Name      join.NodeName      `json:"name"`
	Role      join.Role          `json:"role"`
	Disk      string             `json:"disk"` // UUID
	Boot      join.Boot          `json:"boot"`
	Release   string             `json:"release,omitempty"`
	Policy    uint64             `json:"policy"`    // serial of the attestation policy
	Directive uint64             `json:"directive"` // serial of the newest directive
	Approval  uint64             `json:"approval,omitempty"`
	Evidence  measurement.Digest `json:"evidence"` // SHA-256
	Warnings  []policy.Code      `json:"warnings,omitempty"`
}

func (b *IntentEntry) check(c *entryCheck) {
	c.request("intent.request", b.Request)
	oneOf(c, "intent.kind", b.Kind, join.FirstJoin, join.Rejoin)
	c.node("intent.node", b.Node)
	c.nodeName("intent.name", b.Name)
	oneOf(c, "intent.role", b.Role, join.Worker, join.ControlPlane)
	if _, err := keys.NewID(keys.StateDisk, b.Disk); err != nil {
		c.add("intent.disk", "%.64q is not the UUID of a state disk", b.Disk)
	}
	c.optionalDigest("intent.boot.ak", b.Boot.AK)
	c.optionalDigest("intent.boot.session", b.Boot.Session)
	if b.Release != "" {
		c.text("intent.release", b.Release)
	}
	c.number("intent.policy", b.Policy, 1)
	c.number("intent.directive", b.Directive, 1)
	c.number("intent.approval", b.Approval, 0)
	c.digest("intent.evidence", b.Evidence)
	c.codes("intent.warnings", b.Warnings)
}

func (b *IntentEntry) about() (join.Identity, measurement.Digest) { return b.Node, b.Evidence }

func (b *IntentEntry) sorted() *IntentEntry {
	n := *b
	n.Warnings = set(b.Warnings)
	return &n
}
