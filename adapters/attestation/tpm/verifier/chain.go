package verifier

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Bounds of what a peer sends to vouch for one key. They hold before the first
// signature is checked, and so bound what a stranger can make a verifier compute.
const (
	maxCertificates     = 1 + 3    // a leaf and those behind it
	maxCertificatesSize = 16 << 10 // bytes of all
	maxSerialSize       = 32       // bytes; RFC 5280, section 4.1.2.2, has 20
	minRSABits          = 2048
	maxRSABits          = 4096
)

// window is the time for which something holds.
type window struct{ from, to time.Time }

func (w window) holds(at time.Time) bool { return !at.Before(w.from) && !at.After(w.to) }

// issuer is who can revoke a certificate. The key is nil where only its hash is
// known.
type issuer struct {
	spki evidence.SPKIHash
	key  crypto.PublicKey
}

// link is what is kept of a certificate in a checked chain. It holds none of the
// bytes that the peer sent.
type link struct {
	valid  window
	serial string // as in ports.CertificateID
	issuer issuer // the next in the chain; zero for the root
}

// size is about how many bytes of memory a link takes.
func (l *link) size() int {
	const fields, key = 256, maxRSABits / 8
	return fields + len(l.serial) + key
}

// linksOf keeps what is needed of a chain, the leaf first.
func linksOf(chain []*x509.Certificate) []link {
	links := make([]link, len(chain))
	for i, c := range chain {
		links[i] = link{valid: window{c.NotBefore, c.NotAfter}, serial: c.SerialNumber.Text(16)}
		if i+1 < len(chain) {
			links[i].issuer = issuer{spki: spkiHash(chain[i+1]), key: chain[i+1].PublicKey}
		}
	}
	return links
}

// parseChain reads certificates in DER, the leaf first. They do not alias the
// input, which may be a thousand times larger and is not to be kept.
func parseChain(subject string, der []byte) ([]*x509.Certificate, *problem) {
	if len(der) > maxCertificatesSize {
		return nil, invalidCertificate(subject, fmt.Sprintf("at most %d bytes", maxCertificatesSize), fmt.Sprintf("%d bytes", len(der)))
	}
	certificates, err := x509.ParseCertificates(bytes.Clone(der))
	if err != nil {
		return nil, invalidCertificate(subject, "certificates in DER", err.Error())
	}
	if len(certificates) == 0 || len(certificates) > maxCertificates {
		return nil, invalidCertificate(subject, fmt.Sprintf("1 to %d certificates", maxCertificates), fmt.Sprintf("%d", len(certificates)))
	}
	for i, c := range certificates {
		if err := checkBounds(c); err != nil {
			return nil, invalidCertificate(subject, "", fmt.Sprintf("certificate %d %s", i, err))
		}
	}
	return certificates, nil
}

// checkBounds refuses keys that are dear to use, and those that nobody should.
func checkBounds(c *x509.Certificate) error {
	if bits := c.SerialNumber.BitLen(); bits > 8*maxSerialSize {
		return fmt.Errorf("has a serial number of %d bits, at most %d", bits, 8*maxSerialSize)
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return checkRSAKey(key)
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return fmt.Errorf("has a key of the curve %s, want P-256 or P-384", key.Curve.Params().Name)
		}
		return nil
	default:
		return fmt.Errorf("has a key of algorithm %v, want RSA or ECDSA", c.PublicKeyAlgorithm)
	}
}

func checkRSAKey(key *rsa.PublicKey) error {
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits || key.N.Bit(0) == 0 {
		return fmt.Errorf("has an RSA modulus of %d bits, want an odd one of %d to %d", bits, minRSABits, maxRSABits)
	}
	if key.E < 3 || key.E > math.MaxInt32 || key.E%2 == 0 {
		return fmt.Errorf("has the RSA exponent %d, want an odd one from 3 to 2³¹-1", key.E)
	}
	return nil
}

// chain verifies the signatures of an endorsement key's certificate up to a root
// whose key is trusted.
func (t *trust) chain(leaf *x509.Certificate, others []*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	roots, between := t.roots, t.between
	if len(others) > 0 {
		roots, between = roots.Clone(), between.Clone()
	}
	for _, other := range others {
		if !slices.Contains(t.endorsements, spkiHash(other)) {
			between.AddCert(other)
			continue
		}
		authorities, err := t.authoritiesOf(other)
		if err != nil {
			return nil, err
		}
		for _, authority := range authorities {
			roots.AddCert(authority)
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

// isAll says whether the chain begins with all of the certificates that a peer
// sent, in their order. Then no other bytes give this result.
func isAll(chain, sent []*x509.Certificate) bool {
	return len(chain) >= len(sent) && slices.EqualFunc(chain[:len(sent)], sent, (*x509.Certificate).Equal)
}

// validity is the time for which all of the certificates hold.
func validity(certificates ...*x509.Certificate) window {
	w := window{certificates[0].NotBefore, certificates[0].NotAfter}
	for _, c := range certificates[1:] {
		if c.NotBefore.After(w.from) {
			w.from = c.NotBefore
		}
		if c.NotAfter.Before(w.to) {
			w.to = c.NotAfter
		}
	}
	return w
}

// timesOf says for which time each certificate of the chain holds.
func timesOf(chain []link) []policy.EndorsementClaims {
	claims := make([]policy.EndorsementClaims, len(chain))
	for i := range chain {
		subject := "EK certificate"
		if i > 0 {
			subject = fmt.Sprintf("EK certificate, issuer %d", i)
		}
		claims[i] = policy.EndorsementClaims{
			Kind: policy.Certificate, Subject: subject, Issued: chain[i].valid.from, Expires: chain[i].valid.to,
		}
	}
	return claims
}

// idOf names the leaf of a chain.
func idOf(chain []link) *ports.CertificateID {
	return &ports.CertificateID{Issuer: chain[0].issuer.spki, Serial: chain[0].serial}
}

func invalidCertificate(subject, expected, seen string) *problem {
	return &problem{
		code: policy.CodeCertificateInvalid, subject: subject, expected: expected, seen: seen,
		remedy: "A certificate that does not hold is never passed over: have the attester send the right one, or none.",
	}
}
