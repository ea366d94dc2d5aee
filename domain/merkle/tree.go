package merkle

import (
	"math/bits"
	"slices"
)

// Tree holds every node of a tree whose leaves are all known, about twice the
// leaves' memory. It makes any path by copying. It does not change after
// [NewTree], so that goroutines may share it.
type Tree struct {
	// levels[0] holds the leaves and each next level their parents, an unpaired
	// last node carried up, until a level of one: the root. Of an empty tree the
	// only level is empty.
	levels [][]Hash
}

// NewTree builds the tree over leaves, which are leaf hashes ([LeafHash]) in
// order. It keeps a copy of them. No leaves make the empty tree.
func NewTree(leaves []Hash) *Tree {
	level := slices.Clone(leaves)
	levels := [][]Hash{level}
	for len(level) > 1 {
		level = parents(level)
		levels = append(levels, level)
	}
	return &Tree{levels: levels}
}

func parents(children []Hash) []Hash {
	level := make([]Hash, 0, (len(children)+1)/2)
	for pair := range slices.Chunk(children, 2) {
		node := pair[0]
		if len(pair) == 2 {
			node = NodeHash(pair[0], pair[1])
		}
		level = append(level, node)
	}
	return level
}

// Size returns the number of leaves.
func (t *Tree) Size() uint64 {
	return uint64(len(t.levels[0]))
}

// Root returns the root hash; [EmptyRoot] of an empty tree.
func (t *Tree) Root() Hash {
	if t.Size() == 0 {
		return EmptyRoot()
	}
	return t.levels[len(t.levels)-1][0]
}

// Head returns size and root.
func (t *Tree) Head() Head {
	return Head{Size: t.Size(), Root: t.Root()}
}

// Path returns the inclusion path of the leaf at index (from zero): the siblings
// from the leaf's own up to the root's child (RFC 9162 §2.1.3.1). In a tree of
// one leaf it is empty. The caller owns the result.
//
// The error wraps [ErrEmptyTree] or [ErrOutOfRange].
func (t *Tree) Path(index uint64) ([]Hash, error) {
	if err := checkIndex(index, t.Size()); err != nil {
		return nil, err
	}
	path := make([]Hash, 0, pathLength(index, t.Size()))
	return t.appendSiblings(path, 0, index), nil
}

// ConsistencyPath returns the proof that this tree begins with the tree over its
// first older leaves (RFC 9162 §2.1.4.1). For older equal to [Tree.Size] it is
// empty. The caller owns the result.
//
// The error wraps [ErrEmptyTree] if older is zero and [ErrOutOfRange] if it is
// above [Tree.Size].
func (t *Tree) ConsistencyPath(older uint64) ([]Hash, error) {
	if err := checkSizes(older, t.Size()); err != nil {
		return nil, err
	}
	path := make([]Hash, 0, consistencyLength(older, t.Size()))
	if older == t.Size() {
		return path, nil
	}
	level := bits.TrailingZeros64(older)
	index, _ := subtree(older, t.Size())
	if !isPowerOfTwo(older) {
		path = append(path, t.levels[level][index])
	}
	return t.appendSiblings(path, level, index), nil
}

// appendSiblings appends what has to be known to climb to the root from the node
// at index of a level.
func (t *Tree) appendSiblings(path []Hash, level int, index uint64) []Hash {
	for _, nodes := range t.levels[level:] {
		if sibling := index ^ 1; sibling < uint64(len(nodes)) {
			path = append(path, nodes[sibling])
		}
		index >>= 1
	}
	return path
}

// InclusionPath returns the inclusion path of leaves[index] in the tree over
// leaves. Whoever needs more than one path builds a [Tree] once.
//
// The error wraps [ErrEmptyTree] or [ErrOutOfRange].
func InclusionPath(leaves []Hash, index uint64) ([]Hash, error) {
	return NewTree(leaves).Path(index)
}

// ConsistencyPath returns the proof that the tree over leaves begins with the
// tree over its first older leaves. Whoever needs more than one builds a [Tree]
// once.
//
// The error wraps [ErrEmptyTree] or [ErrOutOfRange].
func ConsistencyPath(leaves []Hash, older uint64) ([]Hash, error) {
	return NewTree(leaves).ConsistencyPath(older)
}
