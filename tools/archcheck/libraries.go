package main

func libraryRules() []rule {
	return []rule{
		{"fx-only-in-apps", "go.uber.org/fx and dig appear in apps alone", fxOnlyInApps},
		{"no-testing-in-production", "only test files, e2e and packages named *test import testing libraries", noTestingInProduction},
	}
}

func fxOnlyInApps(t *tree) []violation {
	var found []violation
	for _, p := range t.packages {
		for _, importPath := range p.imports {
			if p.layer() != "apps" && isLibrary(importPath, "go.uber.org/fx", "go.uber.org/dig") {
				found = append(found, imports(p, importPath, "offer a constructor and let the program in apps wire it"))
			}
		}
	}
	return found
}

// noTestingInProduction leaves go-cmp out: it is no testing framework and harmless.
func noTestingInProduction(t *tree) []violation {
	var found []violation
	for _, p := range t.packages {
		if p.isTestPackage() || p.layer() == "e2e" {
			continue
		}
		for _, importPath := range p.imports {
			if isLibrary(importPath, "testing", "github.com/stretchr/testify", "pgregory.net/rapid", "github.com/rogpeppe/go-internal/testscript") {
				found = append(found, imports(p, importPath, "move it to a _test.go file or to a package named *test"))
			}
		}
	}
	return found
}
