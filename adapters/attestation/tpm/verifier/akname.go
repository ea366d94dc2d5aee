package verifier

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strings"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
)

// The alternative names of an AK certificate: always the TPM, by the hash of its
// endorsement key, and the certificate that vouched for that key where one did.
const (
	ekURN            = "urn:ek:sha256:"      // then 64 hexadecimal digits
	ekCertificateURN = "urn:ek:certificate:" // then the issuer's SPKIHash, a colon, and the serial number
)

// akNames are the names that a certificate of the request gets.
func akNames(r *AKCertificateRequest) []*url.URL {
	names := []*url.URL{urn(ekURN + r.EK.String())}
	if c := r.EKCertificate; c != nil {
		names = append(names, urn(ekCertificateURN+c.Issuer.String()+":"+c.Serial))
	}
	return names
}

func urn(text string) *url.URL {
	return &url.URL{Scheme: "urn", Opaque: strings.TrimPrefix(text, "urn:")}
}

// readNames reads what akNames writes. There must be no other alternative name.
func readNames(leaf *x509.Certificate) (measurement.Digest, *ports.CertificateID, error) {
	others := len(leaf.DNSNames) + len(leaf.EmailAddresses) + len(leaf.IPAddresses)
	if len(leaf.URIs) == 0 || len(leaf.URIs) > 2 || others > 0 {
		return measurement.Digest{}, nil, errors.New("does not name exactly one endorsement key and at most one certificate of it")
	}
	ek, err := readEKName(leaf.URIs[0].String())
	if err != nil || len(leaf.URIs) == 1 {
		return ek, nil, err
	}
	certificate, err := readEKCertificateName(leaf.URIs[1].String())
	return ek, certificate, err
}

func readEKName(name string) (measurement.Digest, error) {
	text, found := strings.CutPrefix(name, ekURN)
	ek, err := measurement.ParseDigest(text)
	if !found || err != nil || ek.Algorithm() != measurement.SHA256 {
		return measurement.Digest{}, fmt.Errorf("names something other than %s and 64 hexadecimal digits", ekURN)
	}
	return ek, nil
}

func readEKCertificateName(name string) (*ports.CertificateID, error) {
	text, found := strings.CutPrefix(name, ekCertificateURN)
	hash, serial, cut := strings.Cut(text, ":")
	var spki evidence.SPKIHash
	if err := spki.UnmarshalText([]byte(hash)); err != nil || !found || !cut || !isSerial(serial) {
		return nil, fmt.Errorf("names something other than %s, an issuer's key and a serial number", ekCertificateURN)
	}
	return &ports.CertificateID{Issuer: spki, Serial: strings.Clone(serial)}, nil
}

// isSerial says whether the text is a serial number as ports.CertificateID has it.
func isSerial(text string) bool {
	n, ok := new(big.Int).SetString(text, 16)
	return ok && n.Sign() >= 0 && n.BitLen() <= 8*maxSerialSize && n.Text(16) == text
}
