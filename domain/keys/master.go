package keys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// MasterSecretSize is the size of a [MasterSecret] in bytes: a 32-byte key, then
// a 32-byte salt. Recovery shares split all of it.
const MasterSecretSize = masterKeySize + masterSaltSize

const (
	masterKeySize  = 32
	masterSaltSize = 32
)

const kekLabel = "asterism/v1/kek"

// MasterSecret is the root of a cluster's keys. The first node makes it; the
// holders of its shares can put it together again.
type MasterSecret struct{ opaque }

// NewMasterSecret returns the master secret that consists of secret, with which
// it shares its memory: wiping one wipes both.
//
// The error is a [*SizeError] unless secret has [MasterSecretSize] bytes, and
// wraps [ErrAllZero] if the key in it is zero.
func NewMasterSecret(secret Secret) (MasterSecret, error) {
	if err := checkSecret("master secret", secret, MasterSecretSize); err != nil {
		return MasterSecret{}, err
	}
	if allZero(secret.Reveal()[:masterKeySize]) {
		return MasterSecret{}, fmt.Errorf("checking the master secret's key: %w", ErrAllZero)
	}
	return MasterSecret{secret}, nil
}

// KEK derives the key-encryption key of a generation.
//
// The error wraps [ErrGeneration], or [ErrEmpty] after a wipe.
func (m MasterSecret) KEK(generation Generation) (KEK, error) {
	if err := generation.check(); err != nil {
		return KEK{}, err
	}
	if m.Len() == 0 {
		return KEK{}, fmt.Errorf("deriving a KEK from the master secret: %w", ErrEmpty)
	}
	key, salt := m.Reveal()[:masterKeySize], m.Reveal()[masterKeySize:]
	info := binary.BigEndian.AppendUint32([]byte(kekLabel), uint32(generation))
	derived, err := hkdf.Key(sha256.New, key, salt, string(info), KEKSize)
	if err != nil {
		return KEK{}, fmt.Errorf("deriving KEK %d: %w", generation, err)
	}
	return KEK{opaque: ownSecret(derived), generation: generation}, nil
}

// MeasurementSecret derives the secret from which the cluster's ID comes. It is
// always that of [FirstGeneration], so that a rekey leaves the ID as it is, and
// so no [KEK] can derive it.
//
// The error wraps [ErrEmpty] after a wipe.
func (m MasterSecret) MeasurementSecret() (MeasurementSecret, error) {
	kek, err := m.KEK(FirstGeneration)
	if err != nil {
		return MeasurementSecret{}, err
	}
	defer kek.Wipe()
	secret, err := kek.derive(clusterPurpose, measurementName, MeasurementSecretSize)
	if err != nil {
		return MeasurementSecret{}, err
	}
	return MeasurementSecret{secret}, nil
}
