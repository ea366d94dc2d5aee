package world

import (
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/processvtpm"
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/tpmplatform"
	"github.com/asterism-k8s/asterism/adapters/attestation/registry"
	"github.com/asterism-k8s/asterism/ports"
)

// NewVerifiers returns the verifiers of the platforms of this package.
func NewVerifiers(c *Clock) ports.Verifiers {
	return registry.New(processvtpm.New(tpmplatform.Config{Now: c.Now}))
}
