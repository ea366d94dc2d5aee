package verifier_test

import (
	"crypto/rand"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// copyOf makes a certificate of the authority's name and key that another key signs.
func (a *authority) copyOf(t testing.TB, signer *authority, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: a.certificate.SerialNumber, Subject: a.certificate.Subject, SubjectKeyId: a.certificate.SubjectKeyId,
		NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: a.certificate.KeyUsage,
	}
	if change != nil {
		change(template)
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), signer.key))(t)
	return must(x509.ParseCertificate(der))(t)
}

func expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }

func leafOnly(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }

// copyTest is a peer's copy of a CA's certificate, where the verifier knows the
// CA's key alone, or its certificate too.
type copyTest struct {
	sent       *x509.Certificate
	configured *x509.Certificate
	holds      bool
}

func copyTests(t testing.TB, ca *authority) map[string]copyTest {
	t.Helper()
	forger := newAuthority(t, "forger")
	own := func(change func(*x509.Certificate)) *x509.Certificate { return ca.copyOf(t, ca, change) }
	forged := ca.copyOf(t, forger, nil)
	none := func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }
	return map[string]copyTest{
		"the CA's own":                      {sent: ca.certificate, holds: true},
		"the CA's own, another":             {sent: own(nil), holds: true},
		"without signing lists":             {sent: own(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }), holds: true},
		"signed by another key":             {sent: forged},
		"expired":                           {sent: own(expired)},
		"of no CA":                          {sent: own(leafOnly)},
		"not for signing certificates":      {sent: own(none)},
		"where it is known":                 {sent: ca.certificate, configured: ca.certificate, holds: true},
		"forged, where it is known":         {sent: forged, configured: ca.certificate, holds: true},
		"prolonged, where it is known":      {sent: ca.certificate, configured: own(expired)},
		"forged, where the known is of old": {sent: forged, configured: own(expired)},
		"with names that do not fit": {sent: own(func(c *x509.Certificate) {
			c.PermittedURIDomains, c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"example.org"}, []string{"example.org"}, true
		})},
	}
}

// TestThreat09CopyOfEngineCA: the hash of an engine CA's key says who may certify
// attestation keys, and that CA's own certificate says in which bounds. A machine
// that has a certified key cannot widen them.
func TestThreat09CopyOfEngineCA(t *testing.T) {
	engine, s := newAuthority(t, "engine"), newSigner(t)
	leaf := must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
		AKPublic: s.public(), EK: someEK(), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
	}))(t)
	leaf = leaf[:len(leaf)-len(engine.certificate.Raw)]
	e := wrap(t, s.attestation(t, recordedValues(t), nil))
	for name, test := range copyTests(t, engine) {
		trust := &ports.Trust{EngineCAs: []evidence.SPKIHash{engine.spki()}}
		if test.configured != nil {
			trust.Certificates = [][]byte{test.configured.Raw}
		}
		certificate := slices.Concat(leaf, test.sent.Raw)
		verified, err := newVerifier(t, trust).Verify(t.Context(), &ports.Submission{Evidence: withEndorsement(e, evidence.AKCertificate, certificate)})
		if test.holds && (err != nil || verified.Claims.TPM.AKProof != policy.AKCertified) {
			t.Errorf("%s: %v, want a certified key", name, err)
		}
		if !test.holds {
			if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID AK certificate"}) {
				t.Errorf("%s: %v", name, list)
			}
		}
	}
}

// TestThreat09CopyOfRoot: the same for roots of endorsement keys.
func TestThreat09CopyOfRoot(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	m, _ := certified(t, ca, func(c *x509.Certificate) { c.DNSNames = []string{"tpm.example.com"} })
	for name, test := range copyTests(t, ca) {
		trust := &ports.Trust{EndorsementRoots: []evidence.SPKIHash{ca.spki()}}
		if test.configured != nil {
			trust.Certificates = [][]byte{test.configured.Raw}
		}
		s := m.submission(t)
		s.Activated.EKCertificate = slices.Concat(m.EKCertificate, test.sent.Raw)
		verified, err := newVerifier(t, trust).Verify(t.Context(), s)
		if test.holds && (err != nil || !verified.Claims.TPM.EKCertified) {
			t.Errorf("%s: %v, want a certified key", name, err)
		}
		if !test.holds {
			if list := slices.Compact(findings(t, err)); !slices.Equal(list, []string{"CERTIFICATE_INVALID EK certificate"}) {
				t.Errorf("%s: %v", name, list)
			}
		}
	}
}

// TestThreat09PathLength: a root that certifies nobody but leaves has no CAs below.
func TestThreat09PathLength(t *testing.T) {
	root, between := newAuthority(t, "root"), newAuthority(t, "between")
	short := root.copyOf(t, root, func(c *x509.Certificate) { c.MaxPathLenZero = true })
	der := root.certify(t, between.key.Public(), func(c *x509.Certificate) { c.Subject = between.certificate.Subject })
	m, _ := certified(t, &authority{must(x509.ParseCertificate(der))(t), between.key}, nil)
	for _, sent := range []*x509.Certificate{root.certificate, short} {
		s := m.submission(t)
		s.Activated.EKCertificate = slices.Concat(m.EKCertificate, der, sent.Raw)
		v := newVerifier(t, &ports.Trust{EndorsementRoots: []evidence.SPKIHash{root.spki()}})
		verified, err := v.Verify(t.Context(), s)
		if sent == root.certificate && (err != nil || !verified.Claims.TPM.EKCertified) {
			t.Errorf("without a bound: %v", err)
		}
		if sent == short {
			if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID EK certificate"}) {
				t.Errorf("with a bound: %v", list)
			}
		}
	}
}
