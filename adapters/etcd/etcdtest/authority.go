package etcdtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/etcd/member"
)

// Authority is a certificate authority for tests. Its certificates are good for an
// hour and for loopback addresses.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority returns an authority of its own.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	template := template(tb, "test authority")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	key := newKey(tb)
	return &Authority{certificate: sign(tb, template, template, key, key), key: key}
}

// Files writes a certificate for a member with its key to files.
func (a *Authority) Files(tb testing.TB) *member.Files {
	tb.Helper()
	folder := Folder(tb)
	leaf := a.Leaf(tb)
	files := &member.Files{
		Certificate: filepath.Join(folder, "tls.crt"), Key: filepath.Join(folder, "tls.key"), Authority: filepath.Join(folder, "ca.crt"),
	}
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		tb.Fatalf("encoding a key: %v", err)
	}
	writePEM(tb, files.Certificate, "CERTIFICATE", leaf.Certificate[0])
	writePEM(tb, files.Key, "PRIVATE KEY", key)
	writePEM(tb, files.Authority, "CERTIFICATE", a.certificate.Raw)
	return files
}

// Client returns with what a client of the authority connects to its members.
func (a *Authority) Client(tb testing.TB) *tls.Config {
	tb.Helper()
	config := a.Stranger()
	config.Certificates = []tls.Certificate{a.Leaf(tb)}
	return config
}

// Stranger returns what somebody has who knows the authority and has no
// certificate.
func (a *Authority) Stranger() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
}

// Leaf returns a certificate for servers and clients on loopback addresses.
func (a *Authority) Leaf(tb testing.TB) tls.Certificate {
	tb.Helper()
	template := template(tb, "test")
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	key := newKey(tb)
	certificate := sign(tb, template, a.certificate, key, a.key)
	return tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key, Leaf: certificate}
}

func template(tb testing.TB, name string) *x509.Certificate {
	tb.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		tb.Fatalf("drawing a serial number: %v", err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("generating a key: %v", err)
	}
	return key
}

func sign(tb testing.TB, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		tb.Fatalf("signing a certificate: %v", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatalf("reading a certificate: %v", err)
	}
	return certificate
}

func writePEM(tb testing.TB, path, kind string, der []byte) {
	tb.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatalf("writing %s: %v", path, err)
	}
}
