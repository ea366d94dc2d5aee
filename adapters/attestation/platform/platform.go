// Package platform says what a platform is: a kind of machine by what vouches for
// it, with the two ends of its attestation. Each platform is a package below,
// whose comment states what its evidence proves and what stays trusted. They
// compose the formats (tpm, and later snp and tdx) and know nothing of each other;
// package registry lists those that a program knows.
//
// Platforms for development are in folders whose name begins with 'process'. A
// node's own program does not import them.
package platform

import (
	"context"
	"log/slog"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/ports"
)

// Platform makes the two ends of one platform's attestation. It may be used
// concurrently.
type Platform interface {
	Name() evidence.Platform
	// Verifier returns the verifier under that trust. Trusts that are equal give
	// the same one, with what it has checked before.
	Verifier(t *ports.Trust) (ports.Verifier, error)
	// OpenAttester opens the attestation device of this machine.
	OpenAttester(ctx context.Context, s *Settings) (Attester, error)
}

// Settings says how this machine attests. Platforms take what they have a use for.
type Settings struct {
	// Device is where the TPM is, as tpm/device takes it: "/dev/tpmrm0",
	// "unix:PATH" or "tcp:HOST:PORT".
	Device string
	// EventLog is the path of the firmware's event log, empty for none.
	EventLog string
	// AKCertificate returns the attestation key's certificate of the engine's CA,
	// empty before there is one. It may be nil.
	AKCertificate func() []byte
	Log           *slog.Logger
}

// Attester is what opens this machine's attestation device: for its own program
// alone, which hands parts of it on.
type Attester interface {
	ports.Attester
	ports.StatementAttester
	// Mark extends the cluster's mark into the register of it. The machine is then
	// a member until it reboots.
	Mark(ctx context.Context, cluster keys.ClusterID, owner keys.OwnerID) error
	Close() error
}
