// Package merkle is the append-only Merkle tree of RFC 6962 §2.1 (restated in
// RFC 9162 §2.1) over SHA-256:
//
//	MTH({})     = SHA-256()
//	MTH({d})    = SHA-256(0x00 ‖ d)                       LeafHash
//	MTH(D[n])   = SHA-256(0x01 ‖ MTH(D[0:k]) ‖ MTH(D[k:n]))  NodeHash
//
// where k is the largest power of two below n. Built from the leaves upwards
// that is: hash neighbours in pairs, and carry an unpaired last node to the next
// level as it is. Every loop in this package has that shape.
//
// Whoever makes a batch or a log keeps a [Tree], which caches all levels and
// hands out paths without hashing, or a [Frontier], which keeps O(log n) hashes
// and can only grow. Whoever receives a path checks it with [VerifyInclusion]
// and [VerifyConsistency]. These are total over any input, do not allocate when
// they accept, and accept exactly one path length for an index and a size, so
// that a proof is not malleable.
package merkle
