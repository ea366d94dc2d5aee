package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// KeyReleaseEntry says that a node's keys are about to be given out.
type KeyReleaseEntry struct {
	Request join.RequestID `json:"request"`
	Node    join.Identity  `json:"node"`
	Caller  string         `json:"caller"`
	Keys    []keys.ID      `json:"keys,omitempty"` // sorted
	KEK     bool           `json:"kek,omitempty"`  // the KEK itself, to a control-plane node
}

func (b *KeyReleaseEntry) check(c *entryCheck) {
	c.request("keyRelease.request", b.Request)
	c.node("keyRelease.node", b.Node)
	c.text("keyRelease.caller", b.Caller)
	if len(b.Keys) > MaxKeys {
		c.add("keyRelease.keys", "has %d entries, at most %d", len(b.Keys), MaxKeys)
		return
	}
	if len(b.Keys) == 0 && !b.KEK {
		c.add("keyRelease.keys", "is empty, and the KEK is not released either")
	}
	for i, id := range b.Keys {
		if id == (keys.ID{}) {
			c.add(fmt.Sprintf("keyRelease.keys[%d]", i), "is missing")
		}
	}
}

func (b *KeyReleaseEntry) about() (join.Identity, measurement.Digest) {
	return b.Node, measurement.Digest{}
}

func (b *KeyReleaseEntry) sorted() *KeyReleaseEntry {
	n := *b
	n.Keys = nil
	if len(b.Keys) > 0 {
		n.Keys = slices.Clone(b.Keys)
		slices.SortFunc(n.Keys, func(x, y keys.ID) int { return strings.Compare(x.String(), y.String()) })
		n.Keys = slices.Compact(n.Keys)
	}
	return &n
}
