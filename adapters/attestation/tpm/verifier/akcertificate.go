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
	"net/url"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// ekURNPrefix starts the name that an AK certificate has for its TPM.
const ekURNPrefix = "urn:ek:sha256:"

// ErrAttestationKey is wrapped where a public area is none of an attestation key
// that a CA may certify.
var ErrAttestationKey = errors.New("not an attestation key")

// akCertificate is what a checked certificate of an attestation key says.
type akCertificate struct {
	key   *ecdsa.PublicKey
	ek    measurement.Digest
	leaf  *x509.Certificate
	valid window // of leaf and CA
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
	leaf, authority := certificates[0], certificates[1]
	if !t.isEngine(authority) {
		return nil, errUnknownIssuer
	}
	if err := leaf.CheckSignatureFrom(authority); err != nil {
		return nil, fmt.Errorf("checking the CA's signature: %w", err)
	}
	return readAKLeaf(leaf, validity([]*x509.Certificate{authority}, leaf))
}

func readAKLeaf(leaf *x509.Certificate, valid window) (*akCertificate, error) {
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !ok:
		return nil, fmt.Errorf("certifies a key of algorithm %v, want ECDSA", leaf.PublicKeyAlgorithm)
	case leaf.IsCA:
		return nil, errors.New("is a certificate of a CA")
	case len(leaf.UnhandledCriticalExtensions) > 0:
		return nil, fmt.Errorf("has the unknown critical extension %v", leaf.UnhandledCriticalExtensions[0])
	case len(leaf.ExtKeyUsage) != 0 || len(leaf.UnknownExtKeyUsage) != 1 || !leaf.UnknownExtKeyUsage[0].Equal(aikUsage()):
		return nil, fmt.Errorf("is not for %v alone", aikUsage())
	}
	ek, err := readEKName(leaf)
	if err != nil {
		return nil, err
	}
	return &akCertificate{key: key, ek: ek, leaf: leaf, valid: valid}, nil
}

// readEKName reads the EK hash from the only alternative name.
func readEKName(leaf *x509.Certificate) (measurement.Digest, error) {
	others := len(leaf.DNSNames) + len(leaf.EmailAddresses) + len(leaf.IPAddresses)
	if len(leaf.URIs) != 1 || others > 0 {
		return measurement.Digest{}, errors.New("does not name exactly one endorsement key")
	}
	text, found := strings.CutPrefix(leaf.URIs[0].String(), ekURNPrefix)
	ek, err := measurement.ParseDigest(text)
	if !found || err != nil || ek.Algorithm() != measurement.SHA256 {
		return measurement.Digest{}, fmt.Errorf("names something other than %s and 64 hexadecimal digits", ekURNPrefix)
	}
	return ek, nil
}

// AKCertificateRequest is what an engine's CA certifies: after an appraisal, that
// the attestation key lives in the TPM of the endorsement key.
type AKCertificateRequest struct {
	AKPublic  []byte             // TPMT_PUBLIC, checked as a verifier checks it
	EK        measurement.Digest // SHA-256 of the endorsement key's SubjectPublicKeyInfo
	NotBefore time.Time
	NotAfter  time.Time
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
	name := strings.TrimPrefix(ekURNPrefix, "urn:") + r.EK.String()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Asterism attestation key"},
		NotBefore:    r.NotBefore, NotAfter: r.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		UnknownExtKeyUsage:    []asn1.ObjectIdentifier{aikUsage()},
		URIs:                  []*url.URL{{Scheme: "urn", Opaque: name}},
		BasicConstraintsValid: true,
	}
}
