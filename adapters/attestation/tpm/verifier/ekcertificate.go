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
)

// ekCertificate is what a checked certificate of an endorsement key says.
type ekCertificate struct {
	key   *rsa.PublicKey
	hash  measurement.Digest
	chain []link // to a root; empty where no root is trusted
	valid window // of the whole chain
	kept  bool   // the outcome depends on these bytes alone, and may be kept
}

// size is about how many bytes of memory it takes.
func (c *ekCertificate) size() int {
	size := 512
	for i := range c.chain {
		size += c.chain[i].size()
	}
	return size
}

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
	return &ekCertificate{
		key: key, hash: hash, chain: linksOf(chain),
		valid: validity(append(chain, leaf)...), kept: isAll(chain, certificates),
	}, nil
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
