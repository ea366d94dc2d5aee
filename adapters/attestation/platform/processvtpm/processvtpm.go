// Package processvtpm is the platform "process-vtpm": a process on a developer's
// machine with a software TPM beside it. It runs the whole of attestation without
// special hardware.
//
// It proves nothing. Whoever started the process started its TPM too, holds its
// keys, and extended its registers. Policies that accept it are for development,
// and a node's own program does not hold it.
package processvtpm

import (
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/tpmplatform"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// New returns the platform.
func New(c tpmplatform.Config) *tpmplatform.Platform {
	return tpmplatform.New(evidence.ProcessVTPM, c)
}
