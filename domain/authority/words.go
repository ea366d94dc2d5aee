package authority

import (
	"crypto/sha256"

	"github.com/asterism-k8s/asterism/domain/join"
)

// word is what was said about one machine. It never changes.
type word struct {
	node     join.Identity
	approval *join.Approval
	denial   *join.Denial
}

// words is what was said about all machines: a digital search tree over the
// SHA-256 of their identities, whose nodes never change. Adding a word copies the
// path to it, so that every Authority has its own words, and ten thousand of them
// cost little more than one: a path is as long as the logarithm of the number of
// machines, and nobody can choose hashes that make one long.
type words struct {
	word
	left, right *words
}

// of returns what was said about a machine, nothing where nothing was.
func (w *words) of(node join.Identity) word {
	path := pathOf(node)
	for depth := 0; w != nil && w.node != node; depth++ {
		w = w.child(path, depth)
	}
	if w == nil {
		return word{node: node}
	}
	return w.word
}

// with returns the tree with the word in place of what was said about its machine.
func (w *words) with(said word) *words { return w.insert(said, pathOf(said.node), 0) }

func (w *words) insert(said word, path [sha256.Size]byte, depth int) *words {
	switch {
	case w == nil:
		return &words{word: said}
	case w.node == said.node:
		return &words{said, w.left, w.right}
	case bit(path, depth):
		return &words{w.word, w.left, w.right.insert(said, path, depth+1)}
	default:
		return &words{w.word, w.left.insert(said, path, depth+1), w.right}
	}
}

// each calls visit with every word, in an order that depends on the identities
// and on the order in which they were first named.
func (w *words) each(visit func(word)) {
	if w == nil {
		return
	}
	visit(w.word)
	w.left.each(visit)
	w.right.each(visit)
}

func (w *words) child(path [sha256.Size]byte, depth int) *words {
	if bit(path, depth) {
		return w.right
	}
	return w.left
}

func pathOf(node join.Identity) [sha256.Size]byte { return sha256.Sum256([]byte(node.String())) }

// bit returns one bit of a path. Two identities differ in one of its 256.
func bit(path [sha256.Size]byte, depth int) bool {
	return path[depth/8%sha256.Size]>>(7-depth%8)&1 == 1
}
