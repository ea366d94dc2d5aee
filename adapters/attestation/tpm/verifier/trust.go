package verifier

import (
	"bytes"
	"crypto"
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
	between      *x509.CertPool // complete chains to them
	authorities  []*x509.Certificate
	endorsements []evidence.SPKIHash
	engines      []evidence.SPKIHash
}

// newTrust parses the certificates, each of which must be one of a CA. Those whose
// key is listed are roots, the others complete chains.
func newTrust(t *ports.Trust) (*trust, error) {
	parsed := &trust{
		roots: x509.NewCertPool(), between: x509.NewCertPool(),
		endorsements: slices.Clone(t.EndorsementRoots),
		engines:      slices.Clone(t.EngineCAs),
	}
	for i, der := range t.Certificates {
		certificate, err := x509.ParseCertificate(bytes.Clone(der))
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %d: %w", ErrTrust, i, err)
		}
		if !certificate.IsCA {
			return nil, fmt.Errorf("%w: certificate %d, of %q, is none of a CA", ErrTrust, i, certificate.Subject)
		}
		parsed.authorities = append(parsed.authorities, certificate)
		if slices.Contains(parsed.endorsements, spkiHash(certificate)) {
			parsed.roots.AddCert(certificate)
		} else {
			parsed.between.AddCert(certificate)
		}
	}
	return parsed, nil
}

// authoritiesOf returns the certificates that count for a CA whose key is trusted,
// of which the peer sent a copy: the configured ones, and only where there is none
// the copy. What the CA may certify stands in its certificate, so that a copy has
// to be the CA's own word: signed by the very key that it is of.
func (t *trust) authoritiesOf(sent *x509.Certificate) ([]*x509.Certificate, error) {
	configured := slices.DeleteFunc(slices.Clone(t.authorities), func(c *x509.Certificate) bool {
		return spkiHash(c) != spkiHash(sent)
	})
	if len(configured) > 0 {
		return configured, nil
	}
	if !sent.IsCA || !bytes.Equal(sent.RawIssuer, sent.RawSubject) {
		return nil, errors.New("the copy of a trusted CA's certificate is none of a CA by itself")
	}
	if err := sent.CheckSignatureFrom(sent); err != nil {
		return nil, fmt.Errorf("the copy of a trusted CA's certificate is not signed by that CA: %w", err)
	}
	return []*x509.Certificate{sent}, nil
}

// issuerOf returns the CA with that key, as far as it is known.
func (t *trust) issuerOf(spki evidence.SPKIHash) issuer {
	var key crypto.PublicKey
	for _, authority := range t.authorities {
		if spkiHash(authority) == spki {
			key = authority.PublicKey
		}
	}
	return issuer{spki: spki, key: key}
}

func spkiHash(c *x509.Certificate) evidence.SPKIHash {
	return sha256.Sum256(c.RawSubjectPublicKeyInfo)
}
