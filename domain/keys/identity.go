package keys

import "encoding/hex"

// Sizes in bytes.
const (
	ClusterIDSize = 32
	OwnerIDSize   = 32
)

// ClusterID is a cluster's name for good: it derives from the cluster's
// measurement secret and is not secret itself. Every member's mark holds it.
type ClusterID [ClusterIDSize]byte

// NewClusterID returns b as a cluster ID.
//
// The error is a [*SizeError] unless b has [ClusterIDSize] bytes, or wraps
// [ErrAllZero].
func NewClusterID(b []byte) (ClusterID, error) {
	return fixed[ClusterID]("cluster ID", b)
}

// ParseClusterID reads what [ClusterID.String] writes, and nothing else.
//
// The error is a [*SizeError] or wraps [ErrHex] or [ErrAllZero].
func ParseClusterID(text string) (ClusterID, error) {
	return fixedHex[ClusterID]("cluster ID", text)
}

// String returns the ID as 64 lower-case hexadecimal digits.
func (c ClusterID) String() string {
	return hex.EncodeToString(c[:])
}

// MarshalText returns what [ClusterID.String] does.
func (c ClusterID) MarshalText() ([]byte, error) {
	return []byte(c.String()), nil
}

// UnmarshalText reads as [ParseClusterID] does, and leaves c as it was on an
// error.
func (c *ClusterID) UnmarshalText(text []byte) error {
	return readFixedHex(c, "cluster ID", text)
}

// OwnerID is the SHA-256 of the owner's first document, and names the owner for
// good. It is not secret.
type OwnerID [OwnerIDSize]byte

// NewOwnerID returns b as an owner ID.
//
// The error is a [*SizeError] unless b has [OwnerIDSize] bytes, or wraps
// [ErrAllZero].
func NewOwnerID(b []byte) (OwnerID, error) {
	return fixed[OwnerID]("owner ID", b)
}

// ParseOwnerID reads what [OwnerID.String] writes, and nothing else.
//
// The error is a [*SizeError] or wraps [ErrHex] or [ErrAllZero].
func ParseOwnerID(text string) (OwnerID, error) {
	return fixedHex[OwnerID]("owner ID", text)
}

// String returns the ID as 64 lower-case hexadecimal digits.
func (o OwnerID) String() string {
	return hex.EncodeToString(o[:])
}

// MarshalText returns what [OwnerID.String] does.
func (o OwnerID) MarshalText() ([]byte, error) {
	return []byte(o.String()), nil
}

// UnmarshalText reads as [ParseOwnerID] does, and leaves o as it was on an
// error.
func (o *OwnerID) UnmarshalText(text []byte) error {
	return readFixedHex(o, "owner ID", text)
}
