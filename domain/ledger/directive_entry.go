package ledger

import (
	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// DirectiveEntry is a directive that was accepted.
type DirectiveEntry struct {
	Serial uint64             `json:"serial"`
	Kind   authority.Kind     `json:"kind"`
	Hash   measurement.Digest `json:"hash"`          // SHA-256 of the directive
	Node   join.Identity      `json:"node,omitzero"` // of authority.Approve and authority.Deny
}

func (b *DirectiveEntry) check(c *entryCheck) {
	c.number("directive.serial", b.Serial, 1)
	oneOf(c, "directive.kind", b.Kind, authority.Statement, authority.AttestationPolicy, authority.JoinPolicy,
		authority.Approve, authority.Deny, authority.Freeze, authority.Thaw)
	c.digest("directive.hash", b.Hash)
	names := b.Kind == authority.Approve || b.Kind == authority.Deny
	switch {
	case names:
		c.node("directive.node", b.Node)
	case !b.Node.IsZero():
		c.add("directive.node", "does not belong into a directive of kind %q", string(b.Kind))
	}
}

func (b *DirectiveEntry) about() (join.Identity, measurement.Digest) {
	return b.Node, measurement.Digest{}
}
