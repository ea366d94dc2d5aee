package main

import (
	"path"
	"strings"
)

// tree is all that the rules look at.
type tree struct {
	module      string       // the module's path
	packages    []*pkg       // what go list found, in its order
	goFolders   []string     // folders that hold .go files, relative to the module
	buildFiles  []*buildFile // BUILD and BUILD.bazel files
	minPackages int          // fewer packages mean that go list did not see the tree
}

// pkg is one Go package of the module.
type pkg struct {
	rel         string   // folder relative to the module's root, "." for the root
	name        string   // of the package clause
	imports     []string // of all non-test files, those left out by build constraints too
	testImports []string // of all test files
	source      *source  // only for domain
}

// layer is the top-level folder.
func (p *pkg) layer() string {
	first, _, _ := strings.Cut(p.rel, "/")
	return first
}

// second is the second-level folder: a technology under adapters, a program under
// apps. It is "" above that level.
func (p *pkg) second() string { return element(p.rel, 1) }

// element is the i-th element of a slash-separated path, or "".
func element(rel string, i int) string {
	if parts := strings.Split(rel, "/"); i < len(parts) {
		return parts[i]
	}
	return ""
}

// under reports whether rel is dir or lies below it.
func under(rel, dir string) bool {
	return rel == dir || strings.HasPrefix(rel, dir+"/")
}

// in returns the packages of a folder and below.
func (t *tree) in(dir string) []*pkg {
	var found []*pkg
	for _, p := range t.packages {
		if under(p.rel, dir) {
			found = append(found, p)
		}
	}
	return found
}

// own returns an import path relative to the module, or false for a foreign one.
func (t *tree) own(importPath string) (rel string, ok bool) {
	if importPath == t.module {
		return ".", true
	}
	return strings.CutPrefix(importPath, t.module+"/")
}

// isStandard reports whether an import path lies in the standard library: its
// first element has no dot, which the go command reserves for it.
func (t *tree) isStandard(importPath string) bool {
	_, own := t.own(importPath)
	first, _, _ := strings.Cut(importPath, "/")
	return !own && !strings.Contains(first, ".")
}

// ownImports returns the imports that lie in the module, relative to it.
func (t *tree) ownImports(imports []string) []string {
	var rels []string
	for _, importPath := range imports {
		if rel, ok := t.own(importPath); ok {
			rels = append(rels, rel)
		}
	}
	return rels
}

// isLibrary reports whether an import path is a library or one of its packages.
func isLibrary(importPath string, libraries ...string) bool {
	for _, library := range libraries {
		if under(importPath, library) {
			return true
		}
	}
	return false
}

// isTestPackage reports whether a package exists for tests: porttest and its like.
func (p *pkg) isTestPackage() bool { return strings.HasSuffix(path.Base(p.rel), "test") }
