package verifier

import (
	"crypto/ecdsa"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// attestationKey is an AK that quotes can be checked with.
type attestationKey struct {
	area []byte // as marshalled
	name []byte // TPM2B_NAME's content
	key  *ecdsa.PublicKey
}

// newAttestationKey checks a public area: an ECC P-256 key that signs with
// ECDSA and SHA-256, made by the TPM, never to leave it, and restricted, so that
// it signs what the TPM says and nothing that it is handed. The key is nil where
// no signature can be checked with it.
func newAttestationKey(area []byte, f *findings) *attestationKey {
	p, err := parsePublic(area)
	if err != nil {
		f.add(unacceptableAK("public area", "a TPMT_PUBLIC", err.Error()))
		return nil
	}
	before := len(f.list)
	checkAKAlgorithms(p, f)
	checkAKAttributes(p, f)
	if p.kind != tpm2.TPMAlgECC || p.curve != tpm2.TPMECCNistP256 {
		return nil
	}
	key, err := p.ecdsaKey()
	if err != nil {
		f.add(unacceptableAK("point", "a point of the curve P-256", err.Error()))
		return nil
	}
	if len(f.list) > before && p.nameAlg != tpm2.TPMAlgSHA256 {
		return nil
	}
	return &attestationKey{area: area, name: objectName(area), key: key}
}

func checkAKAlgorithms(p *publicArea, f *findings) {
	if p.kind != tpm2.TPMAlgECC {
		f.add(unacceptableAK("type", "an ECC key", fmt.Sprintf("an RSA key of %d bits", p.bits)))
	} else if p.curve != tpm2.TPMECCNistP256 || p.kdf != tpm2.TPMAlgNull {
		f.add(unacceptableAK("curve", "P-256 without a KDF", fmt.Sprintf("curve %#04x, KDF %#04x", uint16(p.curve), uint16(p.kdf))))
	}
	if p.scheme != tpm2.TPMAlgECDSA || p.schemeHash != tpm2.TPMAlgSHA256 {
		f.add(unacceptableAK("scheme", "ECDSA with SHA-256", fmt.Sprintf("scheme %#04x, hash %#04x", uint16(p.scheme), uint16(p.schemeHash))))
	}
	if p.nameAlg != tpm2.TPMAlgSHA256 {
		f.add(unacceptableAK("name algorithm", "SHA-256", fmt.Sprintf("%#04x", uint16(p.nameAlg))))
	}
	if p.symmetric != tpm2.TPMAlgNull {
		f.add(unacceptableAK("symmetric algorithm", "none", fmt.Sprintf("%#04x", uint16(p.symmetric))))
	}
}

// checkAKAttributes leaves the two attributes to the attester that say how the
// key is used by its own machine: userWithAuth and noDA.
func checkAKAttributes(p *publicArea, f *findings) {
	const required = fixedTPM | fixedParent | sensitiveDataOrigin | restricted | sign
	const free = userWithAuth | noDA
	if p.attributes&^free != required {
		f.add(unacceptableAK("attributes", attributeNames(required), attributeNames(p.attributes&^free)))
	}
}

func unacceptableAK(subject, expected, seen string) *problem {
	return &problem{
		code: policy.CodeAKUnacceptable, subject: "attestation key: " + subject, expected: expected, seen: seen,
		remedy: "Only a restricted signing key that cannot leave its TPM makes quotes worth believing; let the machine's own attester make it.",
	}
}
