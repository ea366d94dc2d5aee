package verifier

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// ErrTrust is wrapped where what a verifier is to trust cannot be used.
var ErrTrust = errors.New("unusable trust")

// trust is ports.Trust, parsed.
type trust struct {
	roots        *x509.CertPool // of endorsement keys
	authorities  []*x509.Certificate
	endorsements []evidence.SPKIHash
	engines      []evidence.SPKIHash
}

// newTrust parses the certificates, each of which must be one of a CA. Those whose
// key is listed are roots, the others complete chains.
func newTrust(t *ports.Trust) (*trust, error) {
	parsed := &trust{
		roots:        x509.NewCertPool(),
		endorsements: slices.Clone(t.EndorsementRoots),
		engines:      slices.Clone(t.EngineCAs),
	}
	for i, der := range t.Certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %d: %w", ErrTrust, i, err)
		}
		if !certificate.IsCA {
			return nil, fmt.Errorf("%w: certificate %d, of %q, is none of a CA", ErrTrust, i, certificate.Subject)
		}
		parsed.authorities = append(parsed.authorities, certificate)
		if parsed.isRoot(certificate) {
			parsed.roots.AddCert(certificate)
		}
	}
	return parsed, nil
}

func (t *trust) isRoot(c *x509.Certificate) bool {
	return c.IsCA && slices.Contains(t.endorsements, spkiHash(c))
}

func (t *trust) isEngine(c *x509.Certificate) bool {
	return c.IsCA && slices.Contains(t.engines, spkiHash(c))
}

func spkiHash(c *x509.Certificate) evidence.SPKIHash {
	return sha256.Sum256(c.RawSubjectPublicKeyInfo)
}
