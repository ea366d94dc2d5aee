package verifier_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// attributeValue is an attribute of a TPM's name.
type attributeValue struct {
	Type  asn1.ObjectIdentifier
	Value string `asn1:"utf8"`
}

// generalNames encodes a name of a directory with the attributes, one in each set.
func generalNames(t testing.TB, attributes ...attributeValue) []byte {
	t.Helper()
	var sets []asn1.RawValue
	for _, a := range attributes {
		sets = append(sets, asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: must(asn1.Marshal(a))(t)})
	}
	name := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 4, IsCompound: true, Bytes: must(asn1.Marshal(sets))(t)}
	return must(asn1.Marshal([]asn1.RawValue{name}))(t)
}

func tpmName() []attributeValue {
	return []attributeValue{
		{asn1.ObjectIdentifier{2, 23, 133, 2, 1}, "id:00001014"},
		{asn1.ObjectIdentifier{2, 23, 133, 2, 2}, "model"},
		{asn1.ObjectIdentifier{2, 23, 133, 2, 3}, "id:00010002"},
	}
}

func critical(id asn1.ObjectIdentifier, value []byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: id, Critical: true, Value: value})
	}
}

func altNames(value []byte) func(*x509.Certificate) {
	return critical(asn1.ObjectIdentifier{2, 5, 29, 17}, value)
}

// TestEKCertificates: certificates that a root issued, and what is taken of them.
func TestEKCertificates(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	m := newMachine(t, swtpmtest.WithoutCertificate())
	key := must(profile.RSAPublicKey(m.ek.Public))(t)
	name := tpmName()
	tests := map[string]struct {
		change func(*x509.Certificate)
		holds  bool
	}{
		"plain":            {nil, true},
		"for EKs":          {func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{2, 23, 133, 8, 1}} }, true},
		"for AKs":          {func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{2, 23, 133, 8, 3}} }, false},
		"for servers":      {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, false},
		"a CA's":           {func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, c.KeyUsage|x509.KeyUsageCertSign }, false},
		"for signatures":   {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }, false},
		"expired":          {func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }, false},
		"not yet valid":    {func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, false},
		"names its TPM":    {altNames(generalNames(t, name...)), true},
		"another order":    {altNames(generalNames(t, name[2], name[0], name[1])), true},
		"no version":       {altNames(generalNames(t, name[:2]...)), false},
		"two models":       {altNames(generalNames(t, name[0], name[1], name[2], name[1])), false},
		"another name":     {altNames(generalNames(t, append(name, attributeValue{asn1.ObjectIdentifier{2, 5, 4, 3}, "x"})...)), false},
		"empty model":      {altNames(generalNames(t, name[0], attributeValue{name[1].Type, ""}, name[2])), false},
		"trailing bytes":   {altNames(append(generalNames(t, name...), 0)), false},
		"no names":         {altNames([]byte{0x30, 0}), false},
		"a registered ID":  {altNames([]byte{0x30, 3, 0x88, 1, 42}), false},
		"other extensions": {critical(asn1.ObjectIdentifier{1, 2, 3}, []byte{5, 0}), false},
	}
	for name, test := range tests {
		s := m.submission(t)
		s.Activated.EKCertificate = ca.certifyEK(t, key, test.change).Raw
		verified, err := newVerifier(t, trustIn(ca.certificate)).Verify(t.Context(), s)
		if test.holds && (err != nil || !verified.Claims.TPM.EKCertified) {
			t.Errorf("%s: %v, want a certified key", name, err)
		}
		if !test.holds {
			if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID EK certificate"}) {
				t.Errorf("%s: %v", name, list)
			}
		}
	}
}

// TestForgedEKCertificate: one that names a trusted issuer, and is not by it, is
// no certificate of somebody unknown.
func TestForgedEKCertificate(t *testing.T) {
	genuine, forger := newAuthority(t, "manufacturer"), newAuthority(t, "manufacturer")
	m, _ := certified(t, forger, func(c *x509.Certificate) { c.AuthorityKeyId = nil })
	trust := trustIn(genuine.certificate)
	certificate := *forger.certificate
	certificate.SubjectKeyId = genuine.certificate.SubjectKeyId
	m.EKCertificate = (&authority{&certificate, forger.key}).certifyEK(t, must(profile.RSAPublicKey(m.ek.Public))(t), nil).Raw
	_, err := newVerifier(t, trust).Verify(t.Context(), m.submission(t))
	if list := findings(t, err); !slices.Contains(list, "CERTIFICATE_INVALID EK certificate") {
		t.Errorf("%v", list)
	}
}

// TestCachedChainExpires: what held once is not believed for longer than it holds.
func TestCachedChainExpires(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	m, _ := certified(t, ca, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(time.Hour) })
	now := time.Now()
	v := newVerifier(t, trustIn(ca.certificate), func(c *verifier.Config) { c.Now = func() time.Time { return now } })
	for range 2 {
		must(v.Verify(t.Context(), m.submission(t)))(t)
	}
	now = now.Add(2 * time.Hour)
	_, err := v.Verify(t.Context(), m.submission(t))
	if list := findings(t, err); !slices.Contains(list, "CERTIFICATE_INVALID EK certificate") {
		t.Errorf("%v", list)
	}
}

// TestAKCertificateContents: what an engine's CA signed is checked all the same.
func TestAKCertificateContents(t *testing.T) {
	m := newMachine(t, swtpmtest.WithoutCertificate())
	engine, other := newAuthority(t, "engine"), newAuthority(t, "engine")
	v := newVerifier(t, &ports.Trust{EngineCAs: []evidence.SPKIHash{engine.spki()}})
	request := verifier.AKCertificateRequest{
		AKPublic: m.ak.Public, EK: ekHashOf(t, m), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}
	genuine := must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &request))(t)
	again := must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &request))(t)
	if bytes.Equal(genuine, again) {
		t.Error("two certificates have one serial number")
	}
	// By another CA, presented as the engine's: the CA's name and certificate are
	// public, its key is not.
	forged := must(verifier.IssueAKCertificate(nil, other.certificate, other.key, &request))(t)
	forged = append(forged[:len(forged)-len(other.certificate.Raw)], engine.certificate.Raw...)
	leaf := genuine[:len(genuine)-len(engine.certificate.Raw)]
	server := engine.certifyEK(t, must(profile.RSAPublicKey(m.ek.Public))(t), nil).Raw
	for name, certificate := range map[string][]byte{
		"forged": forged, "of an RSA key": append(server, engine.certificate.Raw...),
		"garbage": []byte("garbage"), "trailing byte": append(slices.Clone(genuine), 0), "no CA": leaf,
		"two CAs": append(slices.Clone(genuine), other.certificate.Raw...),
	} {
		s := &ports.Submission{Evidence: withEndorsement(m.submission(t).Evidence, evidence.AKCertificate, certificate)}
		_, err := v.Verify(t.Context(), s)
		if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID AK certificate"}) {
			t.Errorf("%s: %v", name, list)
		}
	}
}

// TestIssueRefuses: an engine certifies nothing that a verifier would not take.
func TestIssueRefuses(t *testing.T) {
	engine, s := newAuthority(t, "engine"), newSigner(t)
	now := time.Now()
	ek := ekHashOf(t, newMachine(t, swtpmtest.WithoutCertificate()))
	s.area.ObjectAttributes.Restricted = false
	for name, request := range map[string]verifier.AKCertificateRequest{
		"unrestricted key":   {AKPublic: s.public(), EK: ek, NotBefore: now, NotAfter: now.Add(time.Hour)},
		"no key":             {EK: ek, NotBefore: now, NotAfter: now.Add(time.Hour)},
		"no endorsement key": {AKPublic: newSigner(t).public(), NotBefore: now, NotAfter: now.Add(time.Hour)},
		"no time":            {AKPublic: newSigner(t).public(), EK: ek, NotBefore: now, NotAfter: now},
	} {
		if _, err := verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &request); err == nil {
			t.Errorf("%s is certified", name)
		}
	}
}
