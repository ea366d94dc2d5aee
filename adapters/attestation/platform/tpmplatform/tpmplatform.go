// Package tpmplatform is what platforms have in common whose TPM vouches for them:
// evidence is a quote, and the attestation key is trusted through credential
// activation or the certificate of an engine's CA. Platforms that say what such a
// TPM is worth are beside it.
package tpmplatform

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// maxTrusts is how many verifiers are kept, each of which keeps up to 2 MiB of checked
// certificates. A service has one trust, and another one when its cluster's
// statement changes.
const maxTrusts = 4

// Config is what verifiers of the platform need.
type Config struct {
	Now   func() time.Time
	Cache ports.EndorsementCache // may be nil: nothing revoked is known
}

// Platform is a platform with a TPM. It implements platform.Platform.
type Platform struct {
	name   evidence.Platform
	config Config

	mu        sync.Mutex
	verifiers map[[sha256.Size]byte]*verifier.Verifier
}

// New returns the platform of that name.
func New(name evidence.Platform, c Config) *Platform {
	return &Platform{name: name, config: c, verifiers: make(map[[sha256.Size]byte]*verifier.Verifier)}
}

// Name returns the platform's name.
func (p *Platform) Name() evidence.Platform { return p.name }

// Verifier returns the verifier under that trust. Making one parses certificates,
// and it remembers which chains held: equal trusts share one.
func (p *Platform) Verifier(t *ports.Trust) (ports.Verifier, error) {
	if t == nil {
		t = &ports.Trust{}
	}
	key := fingerprint(t)
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.verifiers[key]; v != nil {
		return v, nil
	}
	v, err := verifier.New(verifier.Config{Platform: p.name, Trust: t, Now: p.config.Now, Cache: p.config.Cache})
	if err != nil {
		return nil, fmt.Errorf("platform %s: %w", p.name, err)
	}
	if len(p.verifiers) == maxTrusts {
		clear(p.verifiers)
	}
	p.verifiers[key] = v
	return v, nil
}

// fingerprint is different for different trusts.
func fingerprint(t *ports.Trust) [sha256.Size]byte {
	h := sha256.New()
	var length [4]byte
	count := func(n int) {
		binary.BigEndian.PutUint32(length[:], uint32(n))
		h.Write(length[:])
	}
	count(len(t.EndorsementRoots))
	for i := range t.EndorsementRoots {
		h.Write(t.EndorsementRoots[i][:])
	}
	count(len(t.EngineCAs))
	for i := range t.EngineCAs {
		h.Write(t.EngineCAs[i][:])
	}
	for _, certificate := range t.Certificates {
		count(len(certificate))
		h.Write(certificate)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
