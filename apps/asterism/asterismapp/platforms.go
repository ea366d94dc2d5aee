package asterismapp

import (
	"context"
	"log/slog"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/platform"
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/hardwaretpm"
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/processvtpm"
	"github.com/asterism-k8s/asterism/adapters/attestation/platform/tpmplatform"
	"github.com/asterism-k8s/asterism/adapters/attestation/registry"
)

// newPlatforms returns the platforms that this program attests and verifies, at
// the time that now returns. Nothing revoked is known to it.
func newPlatforms(now func() time.Time) *registry.Registry {
	config := tpmplatform.Config{Now: now}
	all := []platform.Platform{processvtpm.New(config)}
	for _, p := range hardwaretpm.New(config) {
		all = append(all, p)
	}
	return registry.New(all...)
}

func openAttester(ctx context.Context, e *evidenceSource) (platform.Attester, error) {
	return newPlatforms(time.Now).OpenAttester(ctx, e.platform, &platform.Settings{
		Device: e.address, EventLog: e.eventLog, Log: slog.New(slog.DiscardHandler),
	})
}
