// Package registry lists the platforms that a program knows. A program registers
// those it was built for, and everybody else finds verifiers and attesters by name:
// nobody switches over platforms.
package registry

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/asterism-k8s/asterism/adapters/attestation/platform"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// Registry is a set of platforms. It implements ports.Verifiers and does not
// change.
type Registry struct {
	platforms map[evidence.Platform]platform.Platform
}

// New returns the registry of those platforms. It panics where two have one name or
// one has no known name: a program that is put together so must not start.
func New(platforms ...platform.Platform) *Registry {
	r := &Registry{platforms: make(map[evidence.Platform]platform.Platform, len(platforms))}
	for _, p := range platforms {
		if _, err := p.Name().Traits(); err != nil {
			panic(fmt.Sprintf("registering a platform: %v", err))
		}
		if r.platforms[p.Name()] != nil {
			panic(fmt.Sprintf("registering a platform: %q is registered twice", p.Name()))
		}
		r.platforms[p.Name()] = p
	}
	return r
}

// Platforms returns the names, sorted.
func (r *Registry) Platforms() []evidence.Platform {
	return slices.Sorted(maps.Keys(r.platforms))
}

// Verifier returns the platform's verifier under that trust. The error wraps
// evidence.ErrPlatform where the platform is not registered.
func (r *Registry) Verifier(p evidence.Platform, t *ports.Trust) (ports.Verifier, error) {
	found, err := r.find(p)
	if err != nil {
		return nil, err
	}
	return found.Verifier(t)
}

// OpenAttester opens this machine's attestation device. The error wraps
// evidence.ErrPlatform where the platform is not registered.
func (r *Registry) OpenAttester(ctx context.Context, p evidence.Platform, s *platform.Settings) (platform.Attester, error) {
	found, err := r.find(p)
	if err != nil {
		return nil, err
	}
	return found.OpenAttester(ctx, s)
}

func (r *Registry) find(p evidence.Platform) (platform.Platform, error) {
	found := r.platforms[p]
	if found == nil {
		return nil, fmt.Errorf("%w: %q is none of %v", evidence.ErrPlatform, p, r.Platforms())
	}
	return found, nil
}
