package merkle

import (
	"crypto/sha256"
	"encoding/hex"
)

// HashSize is the length of a [Hash] in bytes.
const HashSize = sha256.Size

// The first byte that is hashed keeps leaves and nodes apart, so that no node
// can be passed off as a leaf (RFC 6962 §2.1).
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// Leaves up to this many bytes are hashed from the stack; a binding has 64.
const shortLeaf = 128

// Hash is the SHA-256 of a leaf, of a node, or of a whole tree.
type Hash [HashSize]byte

// String returns h as 64 lower-case hexadecimal digits.
func (h Hash) String() string {
	return hex.EncodeToString(h[:])
}

// EmptyRoot returns the root of the tree without leaves, which is the SHA-256 of
// nothing (RFC 6962 §2.1).
func EmptyRoot() Hash {
	return sha256.Sum256(nil)
}

// LeafHash returns the hash of a leaf that holds data: SHA-256(0x00 ‖ data).
func LeafHash(data []byte) Hash {
	if len(data) > shortLeaf {
		return longLeafHash(data)
	}
	var buffer [1 + shortLeaf]byte
	buffer[0] = leafPrefix
	n := copy(buffer[1:], data)
	return sha256.Sum256(buffer[:1+n])
}

func longLeafHash(data []byte) Hash {
	digest := sha256.New()
	digest.Write([]byte{leafPrefix})
	digest.Write(data)
	var h Hash
	digest.Sum(h[:0])
	return h
}

// NodeHash returns the hash of the node above left and right:
// SHA-256(0x01 ‖ left ‖ right).
func NodeHash(left, right Hash) Hash {
	var buffer [1 + 2*HashSize]byte
	buffer[0] = nodePrefix
	copy(buffer[1:], left[:])
	copy(buffer[1+HashSize:], right[:])
	return sha256.Sum256(buffer[:])
}
