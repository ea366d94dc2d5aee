package ports

import "github.com/asterism-k8s/asterism/domain/evidence"

// Bounds of what identifies a machine, in bytes.
const (
	MaxIdentitySize  = 16 << 10 // the whole Identity, encoded
	MaxChallengeSize = 4 << 10
	ProofSize        = 32 // HMAC-SHA256
)

// Identity is what a machine says of its keys before it proves anything. All of
// it is untrusted. It is empty but for the platform on machines without a TPM.
type Identity struct {
	Platform evidence.Platform
	// EKCertificate is the X.509 certificate of the endorsement key in DER, from
	// the TPM's NV memory. It is empty where the TPM has none.
	EKCertificate []byte
	// EKPublic is the endorsement key's public area (TPMT_PUBLIC, TPM 2.0
	// Library, Part 2, section 12.2.4).
	EKPublic []byte
	// AKPublic is the attestation key's public area (TPMT_PUBLIC).
	AKPublic []byte
	// AKCertificate is the attestation key's certificate of the engine's CA in
	// DER, the CA's own after it. It is empty until the machine was admitted once.
	AKCertificate []byte
}

// Proof is a machine's answer to a challenge: HMAC-SHA256, keyed with the
// activated secret, over the 64 bytes of the session's binding. The secret
// itself never leaves the attester, and a proof serves one session only.
type Proof [ProofSize]byte
