package swtpm

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// CertifyEK returns a certificate for an endorsement key in DER, as the TCG EK
// Credential Profile (version 2.5, section 3.2) has it: an empty subject, the
// TPM's make in a critical subjectAltName, the TPM's specification beside it, and
// the extended key usage of endorsement keys.
func (ca *CA) CertifyEK(public *rsa.PublicKey) ([]byte, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	extensions, err := ekExtensions()
	if err != nil {
		return nil, err
	}
	now := ca.now()
	certificate, err := sign(&x509.Certificate{
		SerialNumber:          serial,
		NotBefore:             now.Add(-backdating),
		NotAfter:              now.Add(ekLifetime),
		KeyUsage:              x509.KeyUsageKeyEncipherment,
		UnknownExtKeyUsage:    []asn1.ObjectIdentifier{{2, 23, 133, 8, 1}}, // tcg-kp-EKCertificate
		BasicConstraintsValid: true,
		ExtraExtensions:       extensions,
	}, ca.certificate, public, ca.key)
	if err != nil {
		return nil, err
	}
	return certificate.Raw, nil
}

// tpmSpecification is TPMSpecification (EK Credential Profile, section 3.1.3).
type tpmSpecification struct {
	Family   string `asn1:"utf8"`
	Level    int
	Revision int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []any `asn1:"set"`
}

func ekExtensions() ([]pkix.Extension, error) {
	names, err := subjectAltName()
	if err != nil {
		return nil, fmt.Errorf("encoding the TPM's make: %w", err)
	}
	attributes, err := asn1.Marshal([]attribute{{
		Type:   asn1.ObjectIdentifier{2, 23, 133, 2, 16}, // tcg-at-tpmSpecification
		Values: []any{tpmSpecification{"2.0", 0, 138}},
	}})
	if err != nil {
		return nil, fmt.Errorf("encoding the TPM's specification: %w", err)
	}
	return []pkix.Extension{
		{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: names},
		{Id: asn1.ObjectIdentifier{2, 5, 29, 9}, Value: attributes},
	}, nil
}

// subjectAltName is a directoryName with manufacturer, model and version
// (EK Credential Profile, section 3.1.2).
func subjectAltName() ([]byte, error) {
	attribute := func(last int, value string) pkix.RelativeDistinguishedNameSET {
		return pkix.RelativeDistinguishedNameSET{{Type: asn1.ObjectIdentifier{2, 23, 133, 2, last}, Value: value}}
	}
	name, err := asn1.Marshal(pkix.RDNSequence{
		attribute(1, "id:00001014"), // IBM, as swtpm's own tools say
		attribute(2, "swtpm"),
		attribute(3, "id:20191023"),
	})
	if err != nil {
		return nil, err
	}
	const directoryName = 4 // RFC 5280, section 4.2.1.6
	return asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: directoryName, IsCompound: true, Bytes: name}})
}
