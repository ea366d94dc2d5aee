package verifier

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

const (
	maxCertificates     = 8        // in one chain
	maxCertificatesSize = 32 << 10 // bytes of one chain
)

// ekCertificate is what a checked certificate of an endorsement key says.
type ekCertificate struct {
	key   *rsa.PublicKey
	hash  measurement.Digest
	chain []*x509.Certificate // to a root; empty where no root is trusted
	valid window
}

// window is the time for which something holds.
type window struct{ from, to time.Time }

func (w window) holds(at time.Time) bool { return !at.Before(w.from) && !at.After(w.to) }

// errUnknownIssuer says that a certificate comes from nobody that is trusted.
// It may be genuine, so that it is no finding, and it certifies nothing.
var errUnknownIssuer = errors.New("the issuer is not trusted")

// checkEKCertificate checks a certificate of an endorsement key (TCG EK Credential
// Profile for TPM Family 2.0, section 3), others of its chain after it. Where no
// trusted root issued it, the chain stays empty.
func (t *trust) checkEKCertificate(der []byte, now time.Time) (*ekCertificate, *problem) {
	certificates, p := parseChain("EK certificate", der)
	if p != nil {
		return nil, p
	}
	leaf := certificates[0]
	key, err := checkEKLeaf(leaf)
	if err != nil {
		return nil, invalidCertificate("EK certificate", "", err.Error())
	}
	hash, err := ekHash(key)
	if err != nil {
		return nil, invalidCertificate("EK certificate", "", err.Error())
	}
	chain, err := t.chain(leaf, certificates[1:], now)
	if err != nil && !errors.Is(err, errUnknownIssuer) {
		return nil, invalidCertificate("EK certificate", "a chain to a configured root", err.Error())
	}
	return &ekCertificate{key: key, hash: hash, chain: chain, valid: validity(chain, leaf)}, nil
}

// parseChain reads certificates in DER, the leaf first.
func parseChain(subject string, der []byte) ([]*x509.Certificate, *problem) {
	if len(der) > maxCertificatesSize {
		return nil, invalidCertificate(subject, fmt.Sprintf("at most %d bytes", maxCertificatesSize), fmt.Sprintf("%d bytes", len(der)))
	}
	certificates, err := x509.ParseCertificates(der)
	if err != nil {
		return nil, invalidCertificate(subject, "certificates in DER", err.Error())
	}
	if len(certificates) == 0 || len(certificates) > maxCertificates {
		return nil, invalidCertificate(subject, fmt.Sprintf("1 to %d certificates", maxCertificates), fmt.Sprintf("%d", len(certificates)))
	}
	return certificates, nil
}

// checkEKLeaf checks what the profile says of the certificate itself, and takes
// the alternative name off the list of what crypto/x509 cannot handle.
func checkEKLeaf(leaf *x509.Certificate) (*rsa.PublicKey, error) {
	key, ok := leaf.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("certifies a key of algorithm %v, want RSA", leaf.PublicKeyAlgorithm)
	}
	if bits := key.N.BitLen(); bits != rsaBits || key.E != rsaExponent {
		return nil, fmt.Errorf("certifies an RSA key of %d bits with exponent %d, want 2048 and 65537", bits, key.E)
	}
	if leaf.IsCA {
		return nil, errors.New("is a certificate of a CA")
	}
	if leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageKeyEncipherment == 0 {
		return nil, errors.New("is not for key encipherment")
	}
	if err := checkUsage(leaf, ekCertificateUsage()); err != nil {
		return nil, err
	}
	return key, handleAlternativeName(leaf)
}

// ekCertificateUsage is tcg-kp-EKCertificate (TCG EK Credential Profile, section
// 3.2).
func ekCertificateUsage() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 23, 133, 8, 1} }

// checkUsage wants the extended key usage, or none at all.
func checkUsage(leaf *x509.Certificate, want asn1.ObjectIdentifier) error {
	if len(leaf.ExtKeyUsage) == 0 && len(leaf.UnknownExtKeyUsage) == 0 {
		return nil
	}
	if !slices.ContainsFunc(leaf.UnknownExtKeyUsage, want.Equal) {
		return fmt.Errorf("is for other uses than %v", want)
	}
	return nil
}

// chain verifies the signatures up to a root whose key is trusted.
func (t *trust) chain(leaf *x509.Certificate, others []*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	roots, between := t.roots, x509.NewCertPool()
	for _, authority := range t.authorities {
		between.AddCert(authority)
	}
	cloned := false
	for _, other := range others {
		between.AddCert(other)
		if t.isRoot(other) {
			if !cloned {
				roots, cloned = roots.Clone(), true
			}
			roots.AddCert(other)
		}
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err == nil {
		return chains[0], nil
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) && !t.claimsKnownIssuer(leaf) {
		return nil, errUnknownIssuer
	}
	return nil, err
}

// claimsKnownIssuer says whether the certificate names an issuer that is trusted:
// then a chain that fails is a forgery, not another manufacturer's.
func (t *trust) claimsKnownIssuer(leaf *x509.Certificate) bool {
	return slices.ContainsFunc(t.authorities, func(authority *x509.Certificate) bool {
		named := slices.Equal(authority.RawSubject, leaf.RawIssuer)
		sameKey := len(leaf.AuthorityKeyId) == 0 || len(authority.SubjectKeyId) == 0 ||
			slices.Equal(leaf.AuthorityKeyId, authority.SubjectKeyId)
		return named && sameKey && authority.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) != nil
	})
}

// validity is the time for which the whole chain holds, or where there is none
// the certificate alone.
func validity(chain []*x509.Certificate, leaf *x509.Certificate) window {
	w := window{leaf.NotBefore, leaf.NotAfter}
	for _, c := range chain {
		if c.NotBefore.After(w.from) {
			w.from = c.NotBefore
		}
		if c.NotAfter.Before(w.to) {
			w.to = c.NotAfter
		}
	}
	return w
}

func invalidCertificate(subject, expected, seen string) *problem {
	return &problem{
		code: policy.CodeCertificateInvalid, subject: subject, expected: expected, seen: seen,
		remedy: "A certificate that does not hold is never passed over: have the attester send the right one, or none.",
	}
}
