package verifier

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// ErrAttestationKey is wrapped where a public area is none of an attestation key
// that a CA may certify.
var ErrAttestationKey = errors.New("not an attestation key")

// akCertificate is what a checked certificate of an attestation key says.
type akCertificate struct {
	key         *ecdsa.PublicKey
	ek          measurement.Digest
	endorsement *ports.CertificateID // of the endorsement key; nil where nobody vouched for it
	valid       window               // of leaf and CA
	kept        bool                 // the outcome depends on these bytes alone, and may be kept
}

// akCertificateSize is about how many bytes of memory one takes.
const akCertificateSize = 1 << 10

// certification is a certificate that holds for the key at hand, and what is known
// of revocations.
type certification struct {
	*akCertificate
	lists []policy.EndorsementClaims
}

// aikUsage is tcg-kp-AIKCertificate (TCG EK Credential Profile, section 3.2).
func aikUsage() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 23, 133, 8, 3} }

// checkAKCertificate checks the certificate of an attestation key and of the
// engine's CA after it, but for the time. The error wraps errUnknownIssuer where
// that CA is not one of those that are trusted.
func (t *trust) checkAKCertificate(der []byte) (*akCertificate, error) {
	certificates, p := parseChain("AK certificate", der)
	if p != nil {
		return nil, errors.New(p.seen)
	}
	if len(certificates) != 2 {
		return nil, fmt.Errorf("%d certificates, want two: the key's and the CA's", len(certificates))
	}
	leaf, sent := certificates[0], certificates[1]
	if !slices.Contains(t.engines, spkiHash(sent)) {
		return nil, errUnknownIssuer
	}
	c, err := readAKLeaf(leaf)
	if err != nil {
		return nil, err
	}
	authorities, err := t.authoritiesOf(sent)
	if err != nil {
		return nil, err
	}
	authority, err := certifier(leaf, authorities)
	if err != nil {
		return nil, err
	}
	c.valid, c.kept = validity(leaf, authority), authority.Equal(sent)
	return c, nil
}

// certifier returns the certificate of the CA that signed the leaf, where there
// are several the one that holds for longest. The leaf is checked at a time at
// which both hold: whether that is now is not yet asked.
func certifier(leaf *x509.Certificate, authorities []*x509.Certificate) (found *x509.Certificate, err error) {
	for _, authority := range authorities {
		roots := x509.NewCertPool()
		roots.AddCert(authority)
		_, failed := leaf.Verify(x509.VerifyOptions{
			Roots: roots, CurrentTime: validity(leaf, authority).from, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if failed != nil {
			err = failed
		} else if found == nil || authority.NotAfter.After(found.NotAfter) {
			found = authority
		}
	}
	if found == nil {
		return nil, fmt.Errorf("checking the CA's signature: %w", err)
	}
	return found, nil
}

func readAKLeaf(leaf *x509.Certificate) (*akCertificate, error) {
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !ok:
		return nil, fmt.Errorf("certifies a key of algorithm %v, want ECDSA", leaf.PublicKeyAlgorithm)
	case leaf.IsCA:
		return nil, errors.New("is a certificate of a CA")
	case len(leaf.ExtKeyUsage) != 0 || len(leaf.UnknownExtKeyUsage) != 1 || !leaf.UnknownExtKeyUsage[0].Equal(aikUsage()):
		return nil, fmt.Errorf("is not for %v alone", aikUsage())
	}
	ek, endorsement, err := readNames(leaf)
	if err != nil {
		return nil, err
	}
	return &akCertificate{key: key, ek: ek, endorsement: endorsement}, nil
}

// AKCertificateRequest is what an engine's CA certifies: after an appraisal, that
// the attestation key lives in the TPM of the endorsement key.
type AKCertificateRequest struct {
	AKPublic []byte             // TPMT_PUBLIC, checked as a verifier checks it
	EK       measurement.Digest // SHA-256 of the endorsement key's SubjectPublicKeyInfo
	// EKCertificate names the certificate that vouched for the endorsement key, as
	// ports.Verified does. Nil says that none did: then no verifier takes the
	// endorsement key for certified because of this certificate.
	EKCertificate *ports.CertificateID
	NotBefore     time.Time
	NotAfter      time.Time
}

// IssueAKCertificate returns the attestation key's certificate in DER, and the
// CA's own after it, as ports.Identity and evidence carry them. The serial number
// is random; a nil random is crypto/rand's. The error wraps ErrAttestationKey
// where the public area is not one that a verifier accepts.
func IssueAKCertificate(random io.Reader, authority *x509.Certificate, signer crypto.Signer, r *AKCertificateRequest) ([]byte, error) {
	if random == nil {
		random = rand.Reader
	}
	var f findings
	ak := newAttestationKey(r.AKPublic, &f)
	if err := f.err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAttestationKey, err)
	}
	if r.EK.Algorithm() != measurement.SHA256 || !r.NotAfter.After(r.NotBefore) {
		return nil, errors.New("certifying an attestation key: no endorsement key or no time of validity")
	}
	if r.EKCertificate != nil && !isSerial(r.EKCertificate.Serial) {
		return nil, fmt.Errorf("certifying an attestation key: %q is no serial number of a certificate", r.EKCertificate.Serial)
	}
	var serial [16]byte
	if _, err := io.ReadFull(random, serial[:]); err != nil {
		return nil, fmt.Errorf("choosing a serial number: %w", err)
	}
	serial[0] &= 0x7f
	serial[15] |= 1 // never zero
	template := akTemplate(r, new(big.Int).SetBytes(serial[:]))
	leaf, err := x509.CreateCertificate(random, template, authority, ak.key, signer)
	if err != nil {
		return nil, fmt.Errorf("certifying an attestation key: %w", err)
	}
	return append(leaf, authority.Raw...), nil
}

func akTemplate(r *AKCertificateRequest, serial *big.Int) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Asterism attestation key"},
		NotBefore:    r.NotBefore, NotAfter: r.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		UnknownExtKeyUsage:    []asn1.ObjectIdentifier{aikUsage()},
		URIs:                  akNames(r),
		BasicConstraintsValid: true,
	}
}
