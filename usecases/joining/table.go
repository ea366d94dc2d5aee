package joining

import "github.com/asterism-k8s/asterism/domain/keys"

// Caller is who asks the KMS, as its certificate or token shows.
type Caller string

// The callers.
const (
	JoinService   Caller = "joinservice"
	KubernetesKMS Caller = "kubernetes-kms" // the host service in front of the API server (KMS v2)
	Workload      Caller = "workload"       // a pod with a token of its service account
)

// Callers returns all callers.
func Callers() []Caller { return []Caller{JoinService, KubernetesKMS, Workload} }

// Method is what the KMS can be asked for.
type Method string

// The methods.
const (
	// ReleaseNode gives out what a recorded intent entitles a node to. Each release
	// has a durable ledger entry before it.
	ReleaseNode Method = "release-node"
	// ReleaseKEK is the part of ReleaseNode that gives out the KEK; it has no purpose.
	ReleaseKEK Method = "release-kek"
	// DataKey gives out one data key.
	DataKey Method = "data-key"
)

// Methods returns all methods.
func Methods() []Method { return []Method{ReleaseNode, ReleaseKEK, DataKey} }

// NoPurpose stands in the table where a method gives out what is no data key.
const NoPurpose keys.Purpose = ""

// Allowed is the table of who may ask for what. What it does not list is denied;
// the ledger's signing key is in no row, since it never leaves.
func Allowed(c Caller, m Method, p keys.Purpose) bool {
	type row struct {
		caller  Caller
		method  Method
		purpose keys.Purpose
	}
	switch (row{c, m, p}) {
	case row{JoinService, ReleaseNode, keys.StateDisk},
		row{JoinService, ReleaseNode, keys.StateDiskHeader},
		row{JoinService, ReleaseKEK, NoPurpose},
		row{KubernetesKMS, DataKey, keys.KubernetesEtcd},
		row{Workload, DataKey, keys.Volume},
		row{Workload, DataKey, keys.ObjectStore}:
		return true
	default:
		return false
	}
}
