package joining

import (
	"cmp"
	"slices"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
)

// MaxReleases is how often the keys of one request are released: the ticket of a
// request is given again, but the ledger does not grow without end.
const MaxReleases = 16

// ReleaseRequest names what a JoinService wants the keys for. The KMS believes
// none of it, and looks all of it up.
type ReleaseRequest struct {
	Request join.RequestID
	Node    join.Identity
	Disk    string // the state disk's UUID
}

// Released is what a node gets from the KMS. The caller wipes it.
type Released struct {
	Disk        keys.Secret // join.DiskKeySize bytes
	Seal        keys.Secret // join.SealKeySize bytes
	Measurement keys.MeasurementSecret
	Salt        keys.MeasurementSalt
	KEK         keys.KEK // zero but for the first join of a control-plane node
}

// Wipe empties every secret in it.
func (r *Released) Wipe() {
	if r == nil {
		return
	}
	r.Disk.Wipe()
	r.Seal.Wipe()
	r.Measurement.Wipe()
	r.KEK.Wipe()
}

// nodeKeys returns the IDs of a node's keys as the ledger has them, sorted.
func nodeKeys(disk string) (diskKey, sealKey keys.ID, sorted []keys.ID, err error) {
	if diskKey, err = keys.NewID(keys.StateDisk, disk); err != nil {
		return keys.ID{}, keys.ID{}, nil, err
	}
	if sealKey, err = keys.NewID(keys.StateDiskHeader, disk); err != nil {
		return keys.ID{}, keys.ID{}, nil, err
	}
	sorted = []keys.ID{diskKey, sealKey}
	slices.SortFunc(sorted, func(a, b keys.ID) int { return cmp.Compare(a.String(), b.String()) })
	return diskKey, sealKey, sorted, nil
}
