package softtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

// seal encrypts a secret to an endorsement key, for the holder of the attestation
// key only, as TPM2_MakeCredential does.
func seal(ek, ak, secret []byte) ([]byte, error) {
	to, err := ecdh.P256().NewPublicKey(ek)
	if err != nil {
		return nil, err
	}
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	aead, err := sealer(ephemeral, to)
	if err != nil {
		return nil, err
	}
	return aead.Seal(ephemeral.PublicKey().Bytes(), make([]byte, aead.NonceSize()), secret, ak), nil //nolint:gosec // the key is used once
}

// open is what TPM2_ActivateCredential does.
func (m *Machine) open(challenge []byte) ([]byte, error) {
	const point = 65
	if len(challenge) < point {
		return nil, errors.New("the challenge is too short")
	}
	from, err := ecdh.P256().NewPublicKey(challenge[:point])
	if err != nil {
		return nil, err
	}
	aead, err := sealer(m.ek, from)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, make([]byte, aead.NonceSize()), challenge[point:], m.AK())
}

func sealer(own *ecdh.PrivateKey, other *ecdh.PublicKey) (cipher.AEAD, error) {
	shared, err := own.ECDH(other)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(shared)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// certify returns what stands for a certificate here: the CA's key and its
// signature over the subject.
func certify(ca ed25519.PrivateKey, subject []byte) []byte {
	return append(publicKey(ca), ed25519.Sign(ca, subject)...)
}

// certifiedBy returns the key of the CA that certified the subject.
func certifiedBy(certificate, subject []byte) ([]byte, bool) {
	if len(certificate) != ed25519.PublicKeySize+ed25519.SignatureSize {
		return nil, false
	}
	ca := certificate[:ed25519.PublicKeySize]
	return ca, ed25519.Verify(ca, subject, certificate[ed25519.PublicKeySize:])
}

func publicKey(k ed25519.PrivateKey) []byte {
	return append([]byte(nil), k[ed25519.PrivateKeySize-ed25519.PublicKeySize:]...)
}
