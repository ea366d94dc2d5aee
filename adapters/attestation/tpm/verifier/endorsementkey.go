package verifier

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// What an RSA endorsement key has to be: that of template L-1.
const (
	rsaBits     = 2048
	rsaExponent = 65537
)

// endorsementTemplate is what every RSA endorsement key has in common (TCG EK
// Credential Profile for TPM Family 2.0, template L-1): it decrypts only what
// the TPM itself may see, and only for who holds the endorsement authorisation.
// A key without that policy could be one made by software.
func endorsementTemplate() *publicArea {
	return &publicArea{
		kind: tpm2.TPMAlgRSA, nameAlg: tpm2.TPMAlgSHA256,
		attributes: fixedTPM | fixedParent | sensitiveDataOrigin | adminWithPolicy | restricted | decrypt,
		authPolicy: tpm2.RSAEKTemplate.AuthPolicy.Buffer,
		symmetric:  tpm2.TPMAlgAES, symmetricBits: 128, symmetricMode: tpm2.TPMAlgCFB,
		scheme: tpm2.TPMAlgNull, schemeHash: tpm2.TPMAlgNull,
	}
}

// parseEndorsementKey reads the public area of an RSA endorsement key.
func parseEndorsementKey(area []byte, f *findings) *rsa.PublicKey {
	p, err := parsePublic(area)
	if err != nil {
		f.add(unacceptableEK("public area", "a TPMT_PUBLIC", err.Error()))
		return nil
	}
	if p.kind != tpm2.TPMAlgRSA {
		f.add(unacceptableEK("type", "an RSA key", "an ECC key"))
		return nil
	}
	before := len(f.list)
	p.checkTemplate(f)
	if p.bits != rsaBits || p.exponent != 0 {
		f.add(unacceptableEK("size", "2048 bits, the default exponent", fmt.Sprintf("%d bits, exponent %d", p.bits, p.exponent)))
	}
	key, err := p.rsaKey()
	if err != nil {
		f.add(unacceptableEK("modulus", "a modulus of the stated size", err.Error()))
	}
	if len(f.list) > before {
		return nil
	}
	return key
}

func (p *publicArea) checkTemplate(f *findings) {
	want := endorsementTemplate()
	if p.nameAlg != want.nameAlg {
		f.add(unacceptableEK("name algorithm", "SHA-256", fmt.Sprintf("%#04x", uint16(p.nameAlg))))
	}
	if p.attributes != want.attributes {
		f.add(unacceptableEK("attributes", attributeNames(want.attributes), attributeNames(p.attributes)))
	}
	if !bytes.Equal(p.authPolicy, want.authPolicy) {
		f.add(unacceptableEK("policy", "TPM2_PolicySecret of the endorsement hierarchy", fmt.Sprintf("%x", p.authPolicy)))
	}
	if p.symmetric != want.symmetric || p.symmetricBits != want.symmetricBits || p.symmetricMode != want.symmetricMode {
		seen := fmt.Sprintf("algorithm %#04x, %d bits, mode %#04x", uint16(p.symmetric), p.symmetricBits, uint16(p.symmetricMode))
		f.add(unacceptableEK("symmetric algorithm", "AES-128 in CFB mode", seen))
	}
	if p.scheme != want.scheme {
		f.add(unacceptableEK("scheme", "none", fmt.Sprintf("%#04x", uint16(p.scheme))))
	}
}

// endorsementArea is the public area of the TCG's template with that key, which a
// certificate alone does not hold.
func endorsementArea(key *rsa.PublicKey) []byte {
	public := profile.EKTemplate()
	public.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: key.N.Bytes()})
	return tpm2.Marshal(public)
}

// ekHash is SHA-256 of the key's SubjectPublicKeyInfo. It is computed from the key,
// so that one key has one hash whether or not there is a certificate.
func ekHash(key *rsa.PublicKey) (measurement.Digest, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return measurement.Digest{}, fmt.Errorf("encoding the endorsement key: %w", err)
	}
	return measurement.DigestSHA256(sha256.Sum256(der)), nil
}

func unacceptableEK(subject, expected, seen string) *problem {
	return &problem{
		code: policy.CodeEKUnacceptable, subject: "endorsement key: " + subject, expected: expected, seen: seen,
		remedy: "Use the TPM's default RSA endorsement key: others need not be the manufacturer's, or the TPM's at all.",
	}
}
