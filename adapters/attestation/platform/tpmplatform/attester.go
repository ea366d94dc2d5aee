package tpmplatform

import (
	"context"
	"fmt"

	"github.com/asterism-k8s/asterism/adapters/attestation/platform"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/attester"
)

// OpenAttester opens the TPM of this machine. The error wraps ports.ErrUnavailable
// where there is no TPM to talk to.
func (p *Platform) OpenAttester(ctx context.Context, s *platform.Settings) (platform.Attester, error) {
	a, err := attester.Open(ctx, attester.Config{
		Platform: p.name, Address: s.Device, EventLog: s.EventLog, AKCertificate: s.AKCertificate, Log: s.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("platform %s: %w", p.name, err)
	}
	return a, nil
}
