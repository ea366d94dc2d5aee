package ledger

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// OtherKeysEntry counts keys given out by caller, purpose and minute.
type OtherKeysEntry struct {
	Caller  string       `json:"caller"`
	Purpose keys.Purpose `json:"purpose"`
	Minute  time.Time    `json:"minute"` // UTC, whole minutes
	Count   uint64       `json:"count"`
}

func (b *OtherKeysEntry) check(c *entryCheck) {
	c.text("otherKeys.caller", b.Caller)
	oneOf(c, "otherKeys.purpose", b.Purpose, keys.Volume, keys.ObjectStore, keys.KubernetesEtcd)
	if !isInstant(b.Minute) || b.Minute.Second() != 0 || b.Minute.Nanosecond() != 0 {
		c.add("otherKeys.minute", "must be in UTC and in whole minutes, as in 2026-01-31T00:01:00Z")
	}
	c.number("otherKeys.count", b.Count, 1)
}

func (b *OtherKeysEntry) about() (join.Identity, measurement.Digest) {
	return join.Identity{}, measurement.Digest{}
}
