package swtpm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"
)

// Lifetimes of certificates.
const (
	caLifetime = 10 * 365 * 24 * time.Hour
	ekLifetime = 5 * 365 * 24 * time.Hour
	backdating = time.Hour // clocks differ
)

// CA is a maker of TPMs: it certifies endorsement keys.
type CA struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	above       [][]byte // the certificates from this CA's issuer up, in DER
	now         func() time.Time
}

// NewCA makes a root with a new key.
func NewCA(now func() time.Time) (*CA, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := caTemplate("TPM Manufacturer Root", now())
	if err != nil {
		return nil, err
	}
	certificate, err := sign(template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &CA{certificate: certificate, key: key, now: now}, nil
}

// Intermediate makes a CA below this one.
func (ca *CA) Intermediate() (*CA, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := caTemplate("TPM Manufacturer Intermediate", ca.now())
	if err != nil {
		return nil, err
	}
	certificate, err := sign(template, ca.certificate, &key.PublicKey, ca.key)
	if err != nil {
		return nil, err
	}
	above := append([][]byte{ca.certificate.Raw}, ca.above...)
	return &CA{certificate: certificate, key: key, above: above, now: ca.now}, nil
}

// Certificate returns the CA's own certificate.
func (ca *CA) Certificate() *x509.Certificate { return ca.certificate }

// Chain returns the certificates from this CA up to its root, in DER.
func (ca *CA) Chain() [][]byte { return append([][]byte{ca.certificate.Raw}, ca.above...) }

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a CA's key: %w", err)
	}
	return key, nil
}

func caTemplate(name string, now time.Time) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: []string{"Software TPMs"}, CommonName: name},
		NotBefore:             now.Add(-backdating),
		NotAfter:              now.Add(caLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, nil
}

func newSerial() (*big.Int, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("choosing a serial number: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate back: %w", err)
	}
	return certificate, nil
}
