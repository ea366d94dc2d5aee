package keys

import (
	"slices"
	"strings"
)

// Purpose says what a data key is for. It is part of the key's [ID] and of its
// derivation: keys of different purposes have nothing in common.
type Purpose string

// The purposes that a caller may be allowed to name.
const (
	// StateDisk opens a node's state disk; named by the disk's UUID.
	StateDisk Purpose = "state-disk"
	// StateDiskHeader authenticates a state disk's header; named by the disk's UUID.
	StateDiskHeader Purpose = "state-disk-header"
	// Volume encrypts a persistent volume.
	Volume Purpose = "volume"
	// ObjectStore encrypts objects in a store outside of the cluster.
	ObjectStore Purpose = "object-store"
	// KubernetesEtcd encrypts what the API server stores (Kubernetes KMS v2).
	KubernetesEtcd Purpose = "kubernetes-etcd"
	// LedgerSigning is the seed of the key that signs ledger checkpoints.
	LedgerSigning Purpose = "ledger-signing"
)

// clusterPurpose is that of the measurement secret, which no caller can name.
const clusterPurpose Purpose = "cluster"

// Purposes returns all purposes that an [ID] can have. The caller owns the
// result.
func Purposes() []Purpose {
	return []Purpose{StateDisk, StateDiskHeader, Volume, ObjectStore, KubernetesEtcd, LedgerSigning}
}

func (p Purpose) check() error {
	if slices.Contains(Purposes(), p) {
		return nil
	}
	return &IDError{Field: "purpose", Value: string(p), Allowed: "one of " + listPurposes()}
}

func listPurposes() string {
	var list strings.Builder
	for i, p := range Purposes() {
		if i > 0 {
			list.WriteString(", ")
		}
		list.WriteString(string(p))
	}
	return list.String()
}

// namesDisk tells whether keys of this purpose are named by a disk's UUID.
func (p Purpose) namesDisk() bool {
	return p == StateDisk || p == StateDiskHeader
}
