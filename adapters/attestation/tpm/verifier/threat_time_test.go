package verifier_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/endorsements"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// revoke makes a list of that number which revokes the serial numbers.
func (a *authority) revoke(t testing.TB, number int64, issued time.Time, serials ...*big.Int) []byte {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: issued, NextUpdate: issued.AddDate(0, 1, 0)}
	for _, serial := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: issued})
	}
	return must(x509.CreateRevocationList(rand.Reader, list, a.certificate, a.key))(t)
}

// certifyEK makes a certificate of an endorsement key, changed by a test.
func (a *authority) certifyEK(t testing.TB, key *rsa.PublicKey, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: "TPM"},
		NotBefore: time.Now().AddDate(0, -6, 0), NotAfter: time.Now().AddDate(0, 6, 0),
		KeyUsage: x509.KeyUsageKeyEncipherment, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key))(t)
	return must(x509.ParseCertificate(der))(t)
}

// certified is a machine whose EK certificate an authority of the tests made.
func certified(t testing.TB, a *authority, change func(*x509.Certificate)) (*machine, *x509.Certificate) {
	t.Helper()
	m := newMachine(t, swtpmtest.WithoutCertificate())
	certificate := a.certifyEK(t, must(profile.RSAPublicKey(m.ek.Public))(t), change)
	m.EKCertificate = certificate.Raw
	return m, certificate
}

func newCache(t testing.TB) *endorsements.Cache {
	t.Helper()
	c := must(endorsements.Open(filepath.Join(t.TempDir(), "cache")))(t)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing the cache: %v", err)
		}
	})
	return c
}

func cacheList(t testing.TB, c ports.EndorsementCache, a *authority, der []byte) {
	t.Helper()
	if err := c.Put(t.Context(), must(verifier.NewRevocationList(a.certificate, der))(t)); err != nil {
		t.Fatal(err)
	}
}

// at is a verifier's clock that a test turned.
func at(now time.Time, cache ports.EndorsementCache) func(*verifier.Config) {
	return func(c *verifier.Config) { c.Now, c.Cache = func() time.Time { return now }, cache }
}

// TestThreat22Revoked: a machine whose certificate is on the list is refused, by
// the same verifier that had admitted it before.
func TestThreat22Revoked(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	m, certificate := certified(t, ca, nil)
	cache := newCache(t)
	v := newVerifier(t, trustIn(ca.certificate), at(time.Now(), cache))
	s := m.submission(t)
	must(v.Verify(t.Context(), s))(t)
	cacheList(t, cache, ca, ca.revoke(t, 1, time.Now().Add(-time.Hour)))
	claims := must(v.Verify(t.Context(), s))(t).Claims
	if i := slices.IndexFunc(claims.Endorsements, func(e policy.EndorsementClaims) bool { return e.Kind == policy.RevocationList }); i < 0 {
		t.Errorf("the list is not among the endorsements: %+v", claims.Endorsements)
	}
	cacheList(t, cache, ca, ca.revoke(t, 2, time.Now(), big.NewInt(1), certificate.SerialNumber))
	_, err := v.Verify(t.Context(), s)
	if list := findings(t, err); !hasCode(list, policy.CodeCertificateInvalid) {
		t.Errorf("%v", list)
	}
	_, err = v.Challenge(t.Context(), m.identity())
	if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID EK certificate"}) {
		t.Errorf("a challenge: %v", list)
	}
	s.Activated = nil
	_, err = v.Verify(t.Context(), s)
	if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID EK certificate"}) {
		t.Errorf("as hearsay: %v", list)
	}
}

// TestThreat22OldList: with the clock turned back a year, the genuine list of then,
// which does not yet revoke, takes no effect.
func TestThreat22OldList(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	m, certificate := certified(t, ca, nil)
	cache := newCache(t)
	old := ca.revoke(t, 1, time.Now().AddDate(-1, 0, 1))
	cacheList(t, cache, ca, ca.revoke(t, 9, time.Now(), certificate.SerialNumber))
	entry := must(verifier.NewRevocationList(ca.certificate, old))(t)
	if err := cache.Put(t.Context(), entry); !errors.Is(err, ports.ErrOlder) {
		t.Errorf("the old list is kept: %v", err)
	}
	v := newVerifier(t, trustIn(ca.certificate), at(time.Now().AddDate(-1, 0, 0), cache))
	_, err := v.Verify(t.Context(), m.submission(t))
	if list := findings(t, err); !hasCode(list, policy.CodeCertificateInvalid) {
		t.Errorf("%v", list)
	}
}

// TestThreat22ClockTurnedBack: certificates that expired stay expired when the
// clock is turned back, because newer signed times were seen.
func TestThreat22ClockTurnedBack(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	expired := time.Now().AddDate(0, 0, -10)
	m, _ := certified(t, ca, func(c *x509.Certificate) { c.NotAfter = expired })
	cache := newCache(t)
	s := m.submission(t)
	past := newVerifier(t, trustIn(ca.certificate), at(expired.AddDate(0, 0, -5), cache))
	must(past.Verify(t.Context(), s))(t) // so was it right at that time
	if err := cache.RaiseFloor(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	_, err := past.Verify(t.Context(), s)
	if list := findings(t, err); !hasCode(list, policy.CodeCertificateInvalid) {
		t.Errorf("an expired EK certificate: %v", list)
	}

	engine := newAuthority(t, "engine")
	certificate := must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
		AKPublic: m.ak.Public, EK: ekHashOf(t, m), NotBefore: expired.AddDate(0, -1, 0), NotAfter: expired,
	}))(t)
	trust := &ports.Trust{EngineCAs: []evidence.SPKIHash{engine.spki()}}
	past = newVerifier(t, trust, at(expired.AddDate(0, 0, -5), cache))
	s = &ports.Submission{Evidence: withEndorsement(withEndorsement(s.Evidence, evidence.EKCertificate, nil), evidence.AKCertificate, certificate)}
	_, err = past.Verify(t.Context(), s)
	if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID AK certificate"}) {
		t.Errorf("an expired AK certificate: %v", list)
	}
}

// TestThreat22StaleList: a list that is past its time still revokes, and its age
// is told, so that policy can refuse the machine for it.
func TestThreat22StaleList(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	m, certificate := certified(t, ca, nil)
	cache := newCache(t)
	cacheList(t, cache, ca, ca.revoke(t, 1, time.Now().AddDate(0, -3, 0)))
	v := newVerifier(t, trustIn(ca.certificate), at(time.Now(), cache))
	claims := must(v.Verify(t.Context(), m.submission(t)))(t).Claims
	stale := slices.ContainsFunc(claims.Endorsements, func(e policy.EndorsementClaims) bool {
		return e.Kind == policy.RevocationList && e.Expires.Before(time.Now())
	})
	if !stale {
		t.Errorf("the list's age is not told: %+v", claims.Endorsements)
	}
	cacheList(t, cache, ca, ca.revoke(t, 2, time.Now().AddDate(0, -2, 0), certificate.SerialNumber))
	_, err := v.Verify(t.Context(), m.submission(t))
	if list := findings(t, err); !hasCode(list, policy.CodeCertificateInvalid) {
		t.Errorf("%v", list)
	}
}

// failing is a cache whose disk is gone, for its floor or for its lists.
type failing struct {
	ports.EndorsementCache
	floor bool
}

func (f *failing) Floor(ctx context.Context) (time.Time, error) {
	if f.floor {
		return time.Time{}, errors.New("the disk is gone")
	}
	return f.EndorsementCache.Floor(ctx)
}

func (f *failing) Get(context.Context, ports.EndorsementID) (*ports.CachedEndorsement, error) {
	return nil, errors.New("the disk is gone")
}

// TestCacheFails: a cache that cannot answer admits nobody.
func TestCacheFails(t *testing.T) {
	m := newMachine(t)
	cache := newCache(t)
	v := newVerifier(t, m.trust(), at(time.Now(), &failing{cache, true}))
	var refused *ports.EvidenceError
	if _, err := v.Verify(t.Context(), m.submission(t)); err == nil || errors.As(err, &refused) {
		t.Errorf("without a floor: %v", err)
	}
	v = newVerifier(t, m.trust(), at(time.Now(), &failing{cache, false}))
	if _, err := v.Verify(t.Context(), m.submission(t)); err == nil || errors.As(err, &refused) {
		t.Errorf("without lists: %v", err)
	}
	if _, err := v.Challenge(t.Context(), m.identity()); err == nil || errors.As(err, &refused) {
		t.Errorf("a challenge without lists: %v", err)
	}
}
