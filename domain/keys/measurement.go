package keys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Sizes in bytes.
const (
	MeasurementSecretSize = 32
	MeasurementSaltSize   = 32
)

const (
	measurementName = "measurement"
	clusterIDLabel  = "asterism/v1/cluster-id"
)

// MeasurementSecret is what members of a cluster share, and prove to each other
// by the cluster ID that derives from it. [MasterSecret.MeasurementSecret] makes
// it once; a rekey hands it on unchanged.
type MeasurementSecret struct{ opaque }

// NewMeasurementSecret returns the measurement secret that was derived before and
// handed on. It shares its memory with secret: wiping one wipes both.
//
// The error is a [*SizeError] unless secret has [MeasurementSecretSize] bytes, or
// wraps [ErrAllZero].
func NewMeasurementSecret(secret Secret) (MeasurementSecret, error) {
	if err := checkSecret("measurement secret", secret, MeasurementSecretSize); err != nil {
		return MeasurementSecret{}, err
	}
	return MeasurementSecret{secret}, nil
}

// ClusterID derives the ID of the cluster with that salt.
//
// The error wraps [ErrEmpty] after a wipe.
func (m MeasurementSecret) ClusterID(salt MeasurementSalt) (ClusterID, error) {
	if m.Len() == 0 {
		return ClusterID{}, fmt.Errorf("deriving the cluster ID from the measurement secret: %w", ErrEmpty)
	}
	id, err := hkdf.Key(sha256.New, m.Reveal(), salt[:], clusterIDLabel, ClusterIDSize)
	if err != nil {
		return ClusterID{}, fmt.Errorf("deriving the cluster ID: %w", err)
	}
	return ClusterID(id), nil
}

// MeasurementSalt tells clusters with one master secret apart. It is random, made
// at init, and not secret.
type MeasurementSalt [MeasurementSaltSize]byte

// NewMeasurementSalt returns b as a salt.
//
// The error is a [*SizeError] unless b has [MeasurementSaltSize] bytes, or wraps
// [ErrAllZero].
func NewMeasurementSalt(b []byte) (MeasurementSalt, error) {
	return fixed[MeasurementSalt]("measurement salt", b)
}

// String returns the salt as 64 lower-case hexadecimal digits.
func (s MeasurementSalt) String() string {
	return hex.EncodeToString(s[:])
}
