package verifier_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// certify makes a certificate of a CA's key, of whatever kind.
func (a *authority) certify(t testing.TB, key crypto.PublicKey, change func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(99), Subject: pkix.Name{CommonName: "another CA"},
		NotBefore: time.Now().AddDate(0, -6, 0), NotAfter: time.Now().AddDate(0, 6, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if change != nil {
		change(template)
	}
	return must(x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key))(t)
}

// rsaOf is a public key that nobody has the other half of.
func rsaOf(t testing.TB, bits, exponent int) *rsa.PublicKey {
	t.Helper()
	n := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits))))(t)
	return &rsa.PublicKey{N: n.SetBit(n.SetBit(n, bits-1, 1), 0, 1), E: exponent}
}

// heap is how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestThreat23Junk: whoever has one certificate that holds sends it again and again
// in large frames, with other junk behind it each time. Nothing of that is kept.
func TestThreat23Junk(t *testing.T) {
	const submissions, frame, most = 600, 1 << 20, 10 << 20
	ca, engine, s := newAuthority(t, "manufacturer"), newAuthority(t, "engine"), newSigner(t)
	m, _ := certified(t, ca, nil)
	trust := trustIn(ca.certificate, engine.certificate)
	trust.EndorsementRoots, trust.EngineCAs = trust.EndorsementRoots[:1], []evidence.SPKIHash{engine.spki()}
	ak := must(verifier.IssueAKCertificate(nil, engine.certificate, engine.key, &verifier.AKCertificateRequest{
		AKPublic: s.public(), EK: ekHashOf(t, m), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}))(t)
	junk := ca.certify(t, newAuthority(t, "x").key.Public(), nil)
	v := newVerifier(t, trust)
	framed := func(der []byte, i int) []byte {
		data := append(make([]byte, 0, frame), der...)
		data[len(data)-1], data[len(data)-2] = byte(i), byte(i>>8) // of the last signature
		return data
	}
	before := heap()
	for i := range submissions {
		id := &ports.Identity{Platform: evidence.TPM, AKPublic: s.public(), EKCertificate: framed(slices.Concat(m.EKCertificate, junk), i)}
		must(v.Challenge(t.Context(), id))(t)
		id.AKCertificate = framed(ak, i)
		must(v.Challenge(t.Context(), id))(t)
	}
	for range 2 {
		id := &ports.Identity{Platform: evidence.TPM, AKPublic: s.public(), EKCertificate: append(make([]byte, 0, frame), m.EKCertificate...)}
		must(v.Challenge(t.Context(), id))(t)
		id.AKCertificate = append(make([]byte, 0, frame), ak...)
		must(v.Challenge(t.Context(), id))(t)
	}
	if after := heap(); after > before+most {
		t.Errorf("%d MiB are kept of %d submissions", (after-before)>>20, submissions)
	}
	if entries, size := v.Kept(); entries != 2 || size > 8<<10 {
		t.Errorf("%d results are kept in %d bytes, want the two of what was genuine", entries, size)
	}
	runtime.KeepAlive(v)
}

// TestThreat23DearCertificates: behind a genuine leaf, which needs none of them,
// stand certificates that are dear to check. They are refused before any signature
// is looked at: without the bounds the genuine leaf would be taken.
func TestThreat23DearCertificates(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	m, _ := certified(t, ca, nil)
	issuer := ca.certify(t, newAuthority(t, "x").key.Public(), nil)
	large := ca.certify(t, newAuthority(t, "x").key.Public(), func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Value: make([]byte, 16<<10)}}
	})
	of := func(key crypto.PublicKey) []byte { return ca.certify(t, key, nil) }
	curve := func(c elliptic.Curve) crypto.PublicKey { return must(ecdsa.GenerateKey(c, rand.Reader))(t).Public() }
	even := rsaOf(t, 2048, 65537)
	even.N.SetBit(even.N, 0, 0)
	tests := map[string]struct {
		behind []byte
		seen   string // empty where it holds
	}{
		"none":              {nil, ""},
		"three issuers":     {bytes.Repeat(issuer, 3), ""},
		"four issuers":      {bytes.Repeat(issuer, 4), "5"},
		"eight issuers":     {bytes.Repeat(issuer, 8), "9"},
		"large":             {large, "bytes"},
		"RSA 1024":          {of(rsaOf(t, 1024, 65537)), "RSA modulus of 1024 bits"},
		"RSA 2048":          {of(rsaOf(t, 2048, 65537)), ""},
		"RSA 4096":          {of(rsaOf(t, 4096, 3)), ""},
		"RSA 4097":          {of(rsaOf(t, 4097, 65537)), "RSA modulus of 4097 bits"},
		"RSA 16384":         {of(rsaOf(t, 16384, 65537)), "RSA modulus of 16384 bits"},
		"even modulus":      {of(even), "RSA modulus of 2048 bits"},
		"even exponent":     {of(rsaOf(t, 2048, 65536)), "exponent 65536"},
		"large exponent":    {of(rsaOf(t, 2048, 1<<40+1)), "exponent 1099511627777"},
		"exponent 1":        {of(rsaOf(t, 2048, 1)), "exponent 1"},
		"P-384":             {of(curve(elliptic.P384())), ""},
		"P-521":             {of(curve(elliptic.P521())), "P-521"},
		"P-224":             {of(curve(elliptic.P224())), "P-224"},
		"Ed25519":           {of(ed25519.PublicKey(make([]byte, 32))), "Ed25519"},
		"serial of 33":      {ca.certify(t, curve(elliptic.P256()), func(c *x509.Certificate) { c.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 256) }), "serial number of 257 bits"},
		"no certificate":    {[]byte{1}, "x509"},
		"half of an issuer": {issuer[:len(issuer)/2], "x509"},
	}
	for name, test := range tests {
		s := m.submission(t)
		s.Activated.EKCertificate = slices.Concat(m.EKCertificate, test.behind)
		verified, err := newVerifier(t, trustIn(ca.certificate)).Verify(t.Context(), s)
		if test.seen == "" {
			if err != nil || !verified.Claims.TPM.EKCertified {
				t.Errorf("%s: %v, want a certified key", name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		if list := findings(t, err); !slices.Equal(list, []string{"CERTIFICATE_INVALID EK certificate"}) {
			t.Errorf("%s: %v", name, list)
		}
		if seen := findingsOf(t, err)[0].Seen; !strings.Contains(seen, test.seen) {
			t.Errorf("%s: seen is %q, want %q in it", name, seen, test.seen)
		}
	}
}

// TestOddKeys: a key that nothing can be encrypted to is the machine's fault, and
// randomness that fails is ours.
func TestOddKeys(t *testing.T) {
	ca := newAuthority(t, "manufacturer")
	for name, key := range map[string]*rsa.PublicKey{
		"even": {N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}, "exponent": rsaOf(t, 2048, 1<<33+1),
	} {
		id := &ports.Identity{Platform: evidence.TPM, AKPublic: newSigner(t).public(), EKCertificate: ca.certifyEK(t, key, nil).Raw}
		_, err := newVerifier(t, trustIn(ca.certificate)).Challenge(t.Context(), id)
		if list := findings(t, err); len(list) != 1 {
			t.Errorf("%s: %v", name, list)
		}
	}
	m := newMachine(t, swtpmtest.WithoutCertificate())
	for bytesLeft := range 3 {
		random := bytes.NewReader(make([]byte, bytesLeft*profile.SecretSize))
		v := newVerifier(t, &ports.Trust{}, func(c *verifier.Config) { c.Random = random })
		var refused *ports.EvidenceError
		if _, err := v.Challenge(t.Context(), m.identity()); bytesLeft < 2 && (err == nil || errors.As(err, &refused)) {
			t.Errorf("with %d random bytes: %v, want an error that does not blame the machine", bytesLeft*profile.SecretSize, err)
		}
	}
}
