package main

import (
	"fmt"
	"slices"
)

// layerRules are the import rules of the hexagon outside domain's own list.
func layerRules() []rule {
	return []rule{
		{"ports-imports", "ports import domain, ports and the standard library; ports/porttest also testing libraries", portsImports},
		{"usecases-imports", "usecases import domain, ports, usecases and the standard library", usecasesImports},
		{"adapters-imports", "adapters import domain, ports, libraries and their own technology, never another one", adaptersImports},
		{"attestation-order", "in adapters/attestation the formats stand below platform, and platform below registry", attestationOrder},
		{"layer-order", "no layer imports one further out, in test files neither; nobody imports e2e", layerOrder},
	}
}

// testLibraries are the libraries that packages for tests may use.
func testLibraries() []string {
	return []string{
		"github.com/google/go-cmp",
		"github.com/rogpeppe/go-internal",
		"github.com/stretchr/testify",
		"pgregory.net/rapid",
	}
}

func portsImports(t *tree) []violation {
	var found []violation
	for _, p := range t.in("ports") {
		for _, importPath := range p.imports {
			_, own := t.own(importPath) // layer-order looks at these
			forTests := under(p.rel, "ports/porttest") && isLibrary(importPath, testLibraries()...)
			if !own && !t.isStandard(importPath) && !forTests {
				found = append(found, imports(p, importPath, "describe the need in terms of domain; the library belongs to the adapter that serves it"))
			}
		}
	}
	return found
}

func usecasesImports(t *tree) []violation {
	var found []violation
	for _, p := range t.in("usecases") {
		for _, importPath := range p.imports {
			if _, own := t.own(importPath); !own && !t.isStandard(importPath) { // layer-order looks at own ones
				found = append(found, imports(p, importPath, "describe the need as a port, or as an interface here; the library belongs to the adapter that serves it"))
			}
		}
	}
	return found
}

func adaptersImports(t *tree) []violation {
	var found []violation
	for _, p := range t.in("adapters") {
		if p.second() == "" {
			found = append(found, violation{where: p.rel, what: "holds Go files of no technology", do: "move them to adapters/<technology>"})
		}
		for _, rel := range t.ownImports(p.imports) {
			if under(rel, "adapters") && element(rel, 1) != p.second() {
				found = append(found, imports(p, rel, "take it through a port; apps puts technologies together"))
			}
		}
	}
	return found
}

// attestationOrder keeps the formats apart and the three levels in order. Folders
// of other names hold what the formats share and stand below them all.
func attestationOrder(t *tree) []violation {
	const root = "adapters/attestation"
	levels := map[string]int{"tpm": 1, "snp": 1, "tdx": 1, "platform": 2, "registry": 3}
	var found []violation
	for _, p := range t.in(root) {
		from := element(p.rel, 2)
		for _, rel := range t.ownImports(p.imports) {
			to := element(rel, 2)
			if under(rel, root) && from != to && levels[to] > 0 && levels[to] >= levels[from] {
				found = append(found, imports(p, rel, "formats know nothing of each other, platform composes them, registry lists platforms"))
			}
		}
	}
	return found
}

// layerOrder is the arrow of the design: who may import whom in the module. It
// binds test files as well, so that a layer can be tested without those outside.
func layerOrder(t *tree) []violation {
	allowed := map[string][]string{
		"domain":   {"domain"},
		"ports":    {"domain", "ports"},
		"usecases": {"domain", "ports", "usecases"},
		"adapters": {"domain", "ports", "adapters"},
		"apps":     {"domain", "ports", "usecases", "adapters", "apps"},
		"image":    {"domain", "ports", "usecases", "adapters", "apps", "image"},
		"tools":    {"domain", "ports", "usecases", "adapters", "apps", "image", "tools"},
		"e2e":      {"domain", "ports", "usecases", "adapters", "apps", "image", "tools", "e2e"},
	}
	var found []violation
	for _, p := range t.packages {
		inward, known := allowed[p.layer()]
		for _, rel := range t.ownImports(slices.Concat(p.imports, p.testImports)) {
			if known && !slices.Contains(inward, element(rel, 0)) {
				do := fmt.Sprintf("dependencies point inward: %s may import %v of this module", p.layer(), inward)
				found = append(found, imports(p, rel, do))
			}
		}
	}
	return found
}

func imports(p *pkg, what, do string) violation {
	return violation{where: p.rel, what: "imports " + what, do: do}
}
