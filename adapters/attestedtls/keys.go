package attestedtls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

// renewal is how long a certificate is used for new sessions. Evidence covers
// exporter and key, so a certificate need not be fresh for each of them.
const renewal = 10 * time.Minute

// Keys is a process's TLS key with its self-signed certificate. All its clients
// and servers share one Keys. A process cannot hold a session with itself: equal
// keys at both ends are what a reflected session has.
type Keys struct {
	now func() time.Time

	mu      sync.Mutex
	current *keyPair
}

type keyPair struct {
	certificate tls.Certificate
	spki        evidence.SPKIHash
	made        time.Time
}

// NewKeys makes the first key. Later ones replace it when they are asked for and
// ten minutes have passed on the clock.
func NewKeys(now func() time.Time) (*Keys, error) {
	k := &Keys{now: now}
	_, err := k.pair()
	return k, err
}

// pair returns the key of now. A clock that was set back makes a new one too.
func (k *Keys) pair() (*keyPair, error) {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil && now.Sub(k.current.made) < renewal && !now.Before(k.current.made) {
		return k.current, nil
	}
	fresh, err := newKeyPair(now)
	if err != nil {
		return nil, fmt.Errorf("making a TLS key: %w", err)
	}
	k.current = fresh
	return fresh, nil
}

func newKeyPair(now time.Time) (*keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "asterism"},
		NotBefore:    now,
		NotAfter:     now.Add(2 * renewal), // nobody looks: see verifyPeer
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &keyPair{
		certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		spki:        sha256.Sum256(leaf.RawSubjectPublicKeyInfo),
		made:        now,
	}, nil
}
