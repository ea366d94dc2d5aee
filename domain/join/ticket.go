package join

import (
	"fmt"
	"log/slog"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Sizes of the keys in a ticket, in bytes: both are whole HKDF outputs.
const (
	DiskKeySize = 32
	SealKeySize = 32
)

// Bounds of tickets.
const (
	MaxCertificateSize = 16 << 10 // bytes, of each
	MaxCheckpointSize  = 16 << 10 // bytes
	MaxFiles           = 64       // of a control-plane node
	MaxFileSize        = 256 << 10
	MaxFileName        = 253
)

const redacted = "[redacted]"

// Ticket is what a node gets that may join or return. The node keeps it in
// memory, checks it, and marks itself before it uses or stores any of it.
//
// A ticket shows as "[redacted]" in fmt, slog and every text encoding. What it
// holds in secrets, Wipe zeroes.
type Ticket struct {
	Request RequestID
	Kind    Kind
	Name    NodeName
	Role    Role
	Disk    string // UUID
	Owner   keys.OwnerID

	DiskKey           keys.Secret // data key state-disk/UUID, DiskKeySize bytes
	SealKey           keys.Secret // data key state-disk-header/UUID, SealKeySize bytes
	MeasurementSecret keys.MeasurementSecret
	MeasurementSalt   keys.MeasurementSalt

	EngineCA      []byte // certificate, DER
	AKCertificate []byte // DER, by the engine's CA; empty where there is no attestation key
	Services      []ServiceCertificate

	Kubernetes   *Kubernetes   // nil in a rejoin, and where the cluster runs none
	Token        *Token        // where a first join finds Kubernetes
	ControlPlane *ControlFiles // nil for workers

	Statement  uint64 // serial of the current cluster statement
	Checkpoint []byte // newest signed checkpoint of the ledger; empty before the first
}

// ServiceCertificate is the certificate of one service on the node.
type ServiceCertificate struct {
	Service     string
	Certificate []byte // DER, by the engine's CA
}

// Kubernetes is what a node needs to know of the cluster's Kubernetes.
type Kubernetes struct {
	Endpoint string             // host:port of the API server
	CA       evidence.SPKIHash  // of its CA's key
	Version  string             // as in "v1.34.2"
	Manifest measurement.Digest // SHA-256 of the release manifest, which lists the components
}

// ControlFiles is what only control-plane nodes get.
type ControlFiles struct {
	KEK   keys.KEK // empty in a rejoin of a node that has it on its disk
	Files []File   // sorted by name
}

// File is one file of a control-plane node.
type File struct {
	Name    string // its path below the folder of such files, as in "pki/ca.key"
	Content keys.Secret
}

// Wipe zeroes every secret in the ticket, and in all copies of it.
func (t *Ticket) Wipe() {
	t.DiskKey.Wipe()
	t.SealKey.Wipe()
	t.MeasurementSecret.Wipe()
	if t.Token != nil {
		t.Token.Secret.Wipe()
	}
	if t.ControlPlane != nil {
		t.ControlPlane.KEK.Wipe()
		for i := range t.ControlPlane.Files {
			t.ControlPlane.Files[i].Content.Wipe()
		}
	}
}

// String returns "[redacted]".
func (Ticket) String() string { return redacted }

// Format writes "[redacted]" whatever the verb.
func (Ticket) Format(state fmt.State, _ rune) {
	// A fmt.State collects in memory and returns no error.
	_, _ = state.Write([]byte(redacted))
}

// LogValue returns "[redacted]" as a log attribute's value.
func (Ticket) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]". JSON, XML and YAML encoders use it too.
func (Ticket) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText refuses with keys.ErrNotReadable.
func (*Ticket) UnmarshalText([]byte) error { return keys.ErrNotReadable }
