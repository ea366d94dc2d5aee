package profile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-tpm/tpm2"
)

// Lengths of credentials in bytes.
const (
	// SecretSize is the length of the secret that a challenge carries.
	SecretSize = 32
	// CredentialSize is the length of an encoded Credential.
	CredentialSize = 2 + idObjectSize + 2 + encryptedSecretSize

	integritySize       = 32                                 // HMAC-SHA256
	idObjectSize        = 2 + integritySize + 2 + SecretSize // TPMS_ID_OBJECT
	encryptedSecretSize = 256                                // RSA 2048
)

// ErrCredential is wrapped where bytes are not a credential.
var ErrCredential = errors.New("not a credential")

// Credential is a secret that one TPM releases, if it holds both the endorsement
// key and the key of the name that the credential was made for
// (TPM2_MakeCredential, TPM 2.0 Library, Part 3, section 12.6).
type Credential struct {
	IDObject        [idObjectSize]byte        // TPMS_ID_OBJECT
	EncryptedSecret [encryptedSecretSize]byte // for the endorsement key
}

// MakeCredential encrypts a secret of SecretSize bytes for the TPM with the
// endorsement key (TPMT_PUBLIC) and an object of that name. The error wraps
// ErrKey where the endorsement key cannot take one.
func MakeCredential(random io.Reader, ekPublic, name, secret []byte) (*Credential, error) {
	if len(secret) != SecretSize {
		return nil, fmt.Errorf("making a credential: a secret of %d bytes, want %d", len(secret), SecretSize)
	}
	area, err := tpm2.Unmarshal[tpm2.TPMTPublic](ekPublic)
	if err != nil {
		return nil, fmt.Errorf("making a credential: %w: %w", ErrKey, err)
	}
	if area.Type != tpm2.TPMAlgRSA || !area.ObjectAttributes.Decrypt {
		return nil, fmt.Errorf("making a credential: %w: want an RSA key that decrypts", ErrKey)
	}
	key, err := tpm2.ImportEncapsulationKey(area)
	if err != nil {
		return nil, fmt.Errorf("making a credential: %w: %w", ErrKey, err)
	}
	idObject, encrypted, err := tpm2.CreateCredential(random, key, name, secret)
	if err != nil {
		return nil, fmt.Errorf("making a credential: %w", err)
	}
	if len(idObject) != idObjectSize || len(encrypted) != encryptedSecretSize {
		return nil, fmt.Errorf("making a credential: %w: not RSA 2048 with SHA-256", ErrKey)
	}
	return &Credential{[idObjectSize]byte(idObject), [encryptedSecretSize]byte(encrypted)}, nil
}

// Encode returns TPM2B_ID_OBJECT ‖ TPM2B_ENCRYPTED_SECRET, CredentialSize bytes.
func (c *Credential) Encode() []byte {
	data := make([]byte, 0, CredentialSize)
	data = binary.BigEndian.AppendUint16(data, idObjectSize)
	data = append(data, c.IDObject[:]...)
	data = binary.BigEndian.AppendUint16(data, encryptedSecretSize)
	return append(data, c.EncryptedSecret[:]...)
}

// ParseCredential reads what Encode writes, and nothing else: all lengths are
// those of our keys. The error wraps ErrCredential.
func ParseCredential(data []byte) (*Credential, error) {
	if len(data) != CredentialSize {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrCredential, len(data), CredentialSize)
	}
	lengths := []struct {
		offset int
		name   string
		want   uint16
	}{
		{0, "TPM2B_ID_OBJECT", idObjectSize},
		{2, "integrityHMAC", integritySize},
		{2 + idObjectSize, "TPM2B_ENCRYPTED_SECRET", encryptedSecretSize},
	}
	for _, l := range lengths {
		if got := binary.BigEndian.Uint16(data[l.offset:]); got != l.want {
			return nil, fmt.Errorf("%w: %s at byte %d says it has %d bytes, want %d", ErrCredential, l.name, l.offset, got, l.want)
		}
	}
	return &Credential{[idObjectSize]byte(data[2:]), [encryptedSecretSize]byte(data[4+idObjectSize:])}, nil
}
