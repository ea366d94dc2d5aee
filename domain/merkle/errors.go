package merkle

import "errors"

// The reasons why this package refuses an argument or a proof. Returned errors
// wrap one of them and add the numbers; callers tell them apart with
// [errors.Is].
var (
	// ErrEmptyTree says that a proof was asked of, or claimed about, a tree
	// without leaves: nothing is in it, and everything is consistent with it.
	ErrEmptyTree = errors.New("merkle: tree has no leaves")
	// ErrOutOfRange says that a leaf index or an older tree's size lies beyond
	// the tree, or that a size is above [MaxSize].
	ErrOutOfRange = errors.New("merkle: out of range")
	// ErrLength says that a list of hashes has another length than index and
	// size demand.
	ErrLength = errors.New("merkle: wrong number of hashes")
	// ErrRootMismatch says that a proof is well-formed and leads to another
	// root than the one it was checked against.
	ErrRootMismatch = errors.New("merkle: root mismatch")
)
