package ledger

import (
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// edge returns the partial tiles at the edge of the tree, the highest level first,
// as they lead to the signed root. No tile stands above them: only all of them
// together can be held against the root. Where the files do not lead there, each
// may be replaced by what follows from below it, as few of them as will do.
func (w *walk) edge() []*opened {
	var files []*opened
	for _, t := range Edge(w.size) {
		if !t.IsBundle() {
			files = append(files, w.read(t))
		}
	}
	candidates := make([][][]merkle.Hash, len(files))
	for i, file := range files {
		candidates[i] = [][]merkle.Hash{file.nodes}
	}
	if chosen := w.choose(candidates); chosen != nil {
		return w.settle(files, chosen)
	}
	for i, file := range files {
		candidates[i] = w.candidates(file)
	}
	if chosen := w.choose(candidates); chosen != nil {
		return w.settle(files, chosen)
	}
	return w.unsettled(files)
}

// candidates returns what a tile at the edge may have been, the file first.
func (w *walk) candidates(file *opened) [][]merkle.Hash {
	list := [][]merkle.Hash{file.nodes}
	for _, deep := range []bool{false, true} {
		below := w.rebuild(file.tile, deep)
		if !slices.ContainsFunc(list, func(known []merkle.Hash) bool { return slices.Equal(known, below) }) {
			list = append(list, below)
		}
	}
	return slices.DeleteFunc(list, func(nodes []merkle.Hash) bool { return nodes == nil })
}

// choose returns one of the candidates of each tile such that they lead to the
// root, with the least replaced; nil where none do. There are at most three of
// each of at most seven tiles.
func (w *walk) choose(candidates [][][]merkle.Hash) [][]merkle.Hash {
	for replaced := range len(candidates) + 1 {
		chosen := make([][]merkle.Hash, len(candidates))
		if w.chooseFrom(candidates, chosen, 0, replaced) {
			return chosen
		}
	}
	return nil
}

func (w *walk) chooseFrom(candidates [][][]merkle.Hash, chosen [][]merkle.Hash, from, replaced int) bool {
	if from == len(candidates) {
		return replaced == 0 && w.leadsToRoot(chosen)
	}
	for i, nodes := range candidates[from] {
		if i > 0 && replaced == 0 {
			return false
		}
		chosen[from] = nodes
		if w.chooseFrom(candidates, chosen, from+1, replaced-min(i, 1)) {
			return true
		}
	}
	return false
}

func (w *walk) leadsToRoot(chosen [][]merkle.Hash) bool {
	root, ok := w.rootOf(chosen)
	return ok && root == w.report.Checkpoint.Head.Root
}

// rootOf returns the root of a tree with these tiles at its edge, the highest
// level first, where they are as wide as they must be.
func (w *walk) rootOf(chosen [][]merkle.Hash) (merkle.Hash, bool) {
	nodes := make([][]merkle.Hash, levels(w.size))
	i := 0
	for _, t := range Edge(w.size) {
		if !t.IsBundle() {
			nodes[t.Level] = chosen[i]
			i++
		}
	}
	frontier, err := frontierOf(w.size, nodes)
	return frontier.Root(), err == nil
}

// settle says which of the files are not what leads to the root.
func (w *walk) settle(files []*opened, chosen [][]merkle.Hash) []*opened {
	settled := make([]*opened, len(files))
	for i, file := range files {
		if file.kind == "" && slices.Equal(file.nodes, chosen[i]) {
			settled[i] = &opened{tile: file.tile, nodes: file.nodes, trusted: true}
		} else {
			settled[i] = w.bad(file, chosen[i], true)
		}
	}
	return settled
}

// unsettled is the edge of a tree that nothing leads to. What cannot be read is
// named; where all can be read, all of them are in doubt, and the highest stands
// for them.
func (w *walk) unsettled(files []*opened) []*opened {
	if slices.ContainsFunc(files, func(f *opened) bool { return f.kind != "" }) {
		return files
	}
	chosen, names := make([][]merkle.Hash, len(files)), make([]string, len(files))
	for i, file := range files {
		chosen[i], names[i] = file.nodes, file.tile.Path()
	}
	root, _ := w.rootOf(chosen)
	files[0].kind = Mismatch
	files[0].message = "the tiles at the edge (" + strings.Join(names, ", ") + ") lead to root " + root.String() +
		", and the checkpoint has " + w.report.Checkpoint.Head.Root.String()
	return files
}
