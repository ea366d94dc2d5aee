package verifier_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// member is a machine that an engine admitted and certified, after it had answered
// a challenge with an EK certificate of the manufacturer.
type member struct {
	*machine
	manufacturer, engine *authority
	certificate          []byte // of its attestation key
	vouched              *ports.CertificateID
}

func newMember(t testing.TB) *member {
	t.Helper()
	m := &member{manufacturer: newAuthority(t, "manufacturer"), engine: newAuthority(t, "engine")}
	m.machine, _ = certified(t, m.manufacturer, nil)
	m.vouched = must(newVerifier(t, trustIn(m.manufacturer.certificate)).Verify(t.Context(), m.submission(t)))(t).EKCertificate
	m.certificate = m.certify(t, m.vouched)
	return m
}

func (m *member) certify(t testing.TB, vouched *ports.CertificateID) []byte {
	t.Helper()
	return must(verifier.IssueAKCertificate(nil, m.engine.certificate, m.engine.key, &verifier.AKCertificateRequest{
		AKPublic: m.ak.Public, EK: ekHashOf(t, m.machine), EKCertificate: vouched,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}))(t)
}

// trustEngine believes the engine, and knows the manufacturer's certificate where
// that is asked for.
func (m *member) trustEngine(known ...*authority) *ports.Trust {
	t := &ports.Trust{EngineCAs: []evidence.SPKIHash{m.engine.spki()}}
	for _, a := range known {
		t.Certificates = append(t.Certificates, a.certificate.Raw)
	}
	return t
}

// proven is evidence whose only proof is the AK certificate.
func (m *member) proven(t testing.TB, certificate []byte) *ports.Submission {
	t.Helper()
	return &ports.Submission{Evidence: withEndorsement(wrap(t, m.attestation(t)), evidence.AKCertificate, certificate)}
}

// TestAKCertificateVouches: an endorsement key is certified where somebody did
// certify it, and who is told again.
func TestAKCertificateVouches(t *testing.T) {
	m := newMember(t)
	if want := (ports.CertificateID{Issuer: m.manufacturer.spki(), Serial: big.NewInt(4711).Text(16)}); m.vouched == nil || *m.vouched != want {
		t.Fatalf("the EK certificate is %+v, want %+v", m.vouched, want)
	}
	v := newVerifier(t, m.trustEngine())
	verified := must(v.Verify(t.Context(), m.proven(t, m.certificate)))(t)
	if !verified.Claims.TPM.EKCertified || verified.EKCertificate == nil || *verified.EKCertificate != *m.vouched {
		t.Errorf("claims about the keys are %+v, the certificate is %+v", verified.Claims.TPM, verified.EKCertificate)
	}
	bare := m.certify(t, nil)
	verified = must(v.Verify(t.Context(), m.proven(t, bare)))(t)
	if verified.Claims.TPM.EKCertified || verified.EKCertificate != nil || verified.Claims.TPM.AKProof != policy.AKCertified {
		t.Errorf("of a listed key the claims are %+v, the certificate is %+v", verified.Claims.TPM, verified.EKCertificate)
	}
	// The machine brings its EK certificate as well, to one that trusts its issuer.
	trust := m.trustEngine(m.manufacturer)
	trust.EndorsementRoots = []evidence.SPKIHash{m.manufacturer.spki()}
	s := &ports.Submission{Evidence: withEndorsement(m.submission(t).Evidence, evidence.AKCertificate, bare)}
	if claims := must(newVerifier(t, trust).Verify(t.Context(), s))(t).Claims; !claims.TPM.EKCertified {
		t.Errorf("with an EK certificate the claims are %+v", claims.TPM)
	}
}

// TestThreat22RevokedAfterCertification: what the manufacturer revokes is revoked
// for members that were admitted before as well.
func TestThreat22RevokedAfterCertification(t *testing.T) {
	m := newMember(t)
	for name, known := range map[string][]*authority{"by its key's hash": nil, "by its certificate": {m.manufacturer}} {
		cache := newCache(t)
		v := newVerifier(t, m.trustEngine(known...), at(time.Now(), cache))
		must(v.Verify(t.Context(), m.proven(t, m.certificate)))(t)
		cacheList(t, cache, m.manufacturer, m.manufacturer.revoke(t, 1, time.Now().Add(-time.Hour), big.NewInt(1)))
		claims := must(v.Verify(t.Context(), m.proven(t, m.certificate)))(t).Claims
		if !slices.ContainsFunc(claims.Endorsements, func(e policy.EndorsementClaims) bool { return e.Kind == policy.RevocationList }) {
			t.Errorf("issuer known %s: the list is not among the endorsements: %+v", name, claims.Endorsements)
		}
		cacheList(t, cache, m.manufacturer, m.manufacturer.revoke(t, 2, time.Now(), big.NewInt(4711)))
		_, err := v.Verify(t.Context(), m.proven(t, m.certificate))
		if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID EK certificate"}) {
			t.Errorf("issuer known %s: %v", name, list)
		}
		id := m.identity()
		id.AKCertificate, id.EKCertificate = m.certificate, nil
		_, err = v.Challenge(t.Context(), id)
		if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID EK certificate"}) {
			t.Errorf("issuer known %s: a challenge: %v", name, list)
		}
		must(v.Verify(t.Context(), m.proven(t, m.certify(t, nil))))(t) // nobody's word to revoke
	}
}

// losing is a cache that lost its lists, or in which they were damaged.
type losing struct {
	ports.EndorsementCache
	damaged *ports.CachedEndorsement
}

func (l *losing) Get(context.Context, ports.EndorsementID) (*ports.CachedEndorsement, error) {
	if l.damaged != nil {
		return l.damaged, nil
	}
	return nil, fmt.Errorf("%w: its file is gone", ports.ErrLost)
}

// TestThreat22LostList: whoever deletes a list does not undo what it revoked.
func TestThreat22LostList(t *testing.T) {
	m := newMember(t)
	trust := m.trustEngine(m.manufacturer)
	trust.EndorsementRoots = []evidence.SPKIHash{m.manufacturer.spki()}
	genuine := must(verifier.NewRevocationList(m.manufacturer.certificate, m.manufacturer.revoke(t, 1, time.Now())))(t)
	cut, foreign := *genuine, *genuine
	cut.Data = cut.Data[:len(cut.Data)-1]
	foreign.Data = m.engine.revoke(t, 1, time.Now())
	want := []string{"ENDORSEMENT_MISSING CRL of " + m.manufacturer.spki().String()}
	for name, damaged := range map[string]*ports.CachedEndorsement{"gone": nil, "cut": &cut, "another's": &foreign} {
		v := newVerifier(t, trust, at(time.Now(), &losing{newCache(t), damaged}))
		for kind, s := range map[string]*ports.Submission{"activated": {Evidence: wrap(t, m.attestation(t)), Activated: m.identity()}, "certified": m.proven(t, m.certificate)} {
			_, err := v.Verify(t.Context(), s)
			if list := findings(t, err); !slices.Equal(list, want) {
				t.Errorf("%s, %s: %v", name, kind, list)
			} else if remedy := findingsOf(t, err)[0].Remedy; !strings.Contains(remedy, "Fetch") {
				t.Errorf("%s, %s: the remedy is %q", name, kind, remedy)
			}
		}
		_, err := v.Challenge(t.Context(), m.identity())
		if list := findings(t, err); !slices.Equal(list, want) {
			t.Errorf("%s: a challenge: %v", name, list)
		}
	}
	v := newVerifier(t, trust, at(time.Now(), &losing{newCache(t), genuine}))
	must(v.Verify(t.Context(), &ports.Submission{Evidence: wrap(t, m.attestation(t)), Activated: m.identity()}))(t)
}

// TestThreat22ListOfBareRoot: a root's copy that does not say that it may sign lists
// takes no list away from it.
func TestThreat22ListOfBareRoot(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	bare := ca.copyOf(t, ca, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
	m, certificate := certified(t, ca, nil)
	cache := newCache(t)
	v := newVerifier(t, &ports.Trust{EndorsementRoots: []evidence.SPKIHash{ca.spki()}}, at(time.Now(), cache))
	s := &ports.Submission{Evidence: wrap(t, m.attestation(t)), Activated: m.identity()}
	s.Activated.EKCertificate = slices.Concat(m.EKCertificate, bare.Raw)
	cacheList(t, cache, ca, ca.revoke(t, 1, time.Now().Add(-time.Hour)))
	must(v.Verify(t.Context(), s))(t)
	cacheList(t, cache, ca, ca.revoke(t, 2, time.Now(), certificate.SerialNumber))
	_, err := v.Verify(t.Context(), s)
	if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID EK certificate"}) {
		t.Errorf("%v", list)
	}
}

// TestAKCertificateNames: an engine writes names in one way, and they are read in
// no other.
func TestAKCertificateNames(t *testing.T) {
	engine, s := newAuthority(t, "engine"), newSigner(t)
	v := newVerifier(t, &ports.Trust{EngineCAs: []evidence.SPKIHash{engine.spki()}})
	e := wrap(t, s.attestation(t, recordedValues(t), nil))
	ek, spki := "urn:ek:sha256:"+someEK().String(), strings.Repeat("0a", 32)
	prefix := "urn:ek:certificate:"
	for name, test := range map[string]struct {
		names []string
		holds bool
	}{
		"key": {[]string{ek}, true}, "both": {[]string{ek, prefix + spki + ":12"}, true}, "serial zero": {[]string{ek, prefix + spki + ":0"}, true},
		"longest serial": {[]string{ek, prefix + spki + ":" + strings.Repeat("f", 64)}, true},
		"none":           {nil, false}, "other order": {[]string{prefix + spki + ":12", ek}, false}, "certificate alone": {[]string{prefix + spki + ":12"}, false},
		"two keys": {[]string{ek, ek}, false}, "two certificates": {[]string{ek, prefix + spki + ":12", prefix + spki + ":13"}, false},
		"no serial": {[]string{ek, prefix + spki + ":"}, false}, "no colon": {[]string{ek, prefix + spki}, false}, "short issuer": {[]string{ek, prefix + spki[2:] + ":12"}, false},
		"capital": {[]string{ek, prefix + spki + ":1F"}, false}, "leading zero": {[]string{ek, prefix + spki + ":012"}, false}, "sign": {[]string{ek, prefix + spki + ":-12"}, false},
		"underscore": {[]string{ek, prefix + spki + ":1_2"}, false}, "long serial": {[]string{ek, prefix + spki + ":" + strings.Repeat("f", 65)}, false},
		"something else": {[]string{ek, "urn:other"}, false},
	} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(5), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, UnknownExtKeyUsage: []asn1.ObjectIdentifier{{2, 23, 133, 8, 3}}, BasicConstraintsValid: true,
		}
		for _, n := range test.names {
			template.URIs = append(template.URIs, must(url.Parse(n))(t))
		}
		leaf := must(x509.CreateCertificate(rand.Reader, template, engine.certificate, s.key.Public(), engine.key))(t)
		_, err := v.Verify(t.Context(), &ports.Submission{Evidence: withEndorsement(e, evidence.AKCertificate, append(leaf, engine.certificate.Raw...))})
		if test.holds && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !test.holds {
			if err == nil {
				t.Errorf("%s: taken", name)
			} else if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID AK certificate"}) {
				t.Errorf("%s: %v", name, list)
			}
		}
	}
	m := newMachine(t, swtpmtest.WithoutCertificate())
	for _, serial := range []string{"", "012", "xyz", "-1", strings.Repeat("f", 65)} {
		_, err := verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
			AKPublic: m.ak.Public, EK: someEK(), EKCertificate: &ports.CertificateID{Serial: serial}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		})
		if err == nil {
			t.Errorf("an engine writes the serial number %q", serial)
		}
	}
}
