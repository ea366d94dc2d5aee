package world

import (
	"crypto/sha256"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// Maker makes TPMs: a root CA, and one below it that certifies endorsement keys.
type Maker struct{ root, intermediate *swtpm.CA }

// NewMaker makes a maker that has been in business for two years.
func NewMaker() (*Maker, error) {
	root, err := swtpm.NewCA(func() time.Time { return time.Now().Add(-caAge) })
	if err != nil {
		return nil, err
	}
	intermediate, err := root.Intermediate()
	if err != nil {
		return nil, err
	}
	return &Maker{root, intermediate}, nil
}

// Roots returns the key of the maker's root.
func (m *Maker) Roots() []evidence.SPKIHash {
	return []evidence.SPKIHash{sha256.Sum256(m.root.Certificate().RawSubjectPublicKeyInfo)}
}

// Certificates returns the maker's certificates from its intermediate CA up to its
// root, in DER.
func (m *Maker) Certificates() [][]byte { return m.intermediate.Chain() }
