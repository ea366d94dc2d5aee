package main

import (
	"fmt"
	"slices"
)

func libraryRules() []rule {
	return []rule{
		{"library-homes", "a library that speaks to hardware or to the network is imported where its technology lives", libraryHomes},
		{"fx-only-in-apps", "go.uber.org/fx and dig appear in apps alone", fxOnlyInApps},
		{"porttest-in-tests", "ports/porttest, its stand-ins included, is imported by tests, e2e and packages named *test", porttestInTests},
		{"no-testing-in-production", "only test files, e2e and packages named *test import testing libraries", noTestingInProduction},
	}
}

// libraryHome says in which folders non-test files may import libraries. End-to-end
// tests may import them all.
type libraryHome struct{ libraries, homes []string }

func libraryHomeTable() []libraryHome {
	return []libraryHome{
		{
			libraries: []string{
				"github.com/google/go-tpm", "github.com/google/go-tpm-tools", "github.com/google/go-eventlog",
				"github.com/google/go-sev-guest", "github.com/google/go-tdx-guest",
			},
			homes: []string{"adapters/attestation"},
		},
		{
			libraries: []string{"google.golang.org/grpc"},
			homes:     []string{"adapters/attestation/agent", "adapters/attestedtls", "adapters/etcd", "adapters/rpc", "apps"},
		},
		{
			libraries: []string{"go.etcd.io/etcd"},
			homes:     []string{"adapters/etcd"},
		},
	}
}

func libraryHomes(t *tree) []violation {
	var found []violation
	for _, home := range libraryHomeTable() {
		for _, p := range t.packages {
			if p.layer() == "e2e" || slices.ContainsFunc(home.homes, func(dir string) bool { return under(p.rel, dir) }) {
				continue
			}
			found = append(found, homeless(p, &home)...)
		}
	}
	return found
}

// homeless leaves out what the rules on domain and ports refuse anyway.
func homeless(p *pkg, home *libraryHome) []violation {
	var found []violation
	for _, importPath := range p.imports {
		if p.layer() != "domain" && p.layer() != "ports" && isLibrary(importPath, home.libraries...) {
			found = append(found, imports(p, importPath, fmt.Sprintf("only %v may: take what you need through a port", home.homes)))
		}
	}
	return found
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

func porttestInTests(t *tree) []violation {
	const suites = "ports/porttest"
	var found []violation
	for _, p := range t.packages {
		if p.isTestPackage() || p.layer() == "e2e" || under(p.rel, suites) {
			continue
		}
		for _, rel := range t.ownImports(p.imports) {
			if under(rel, suites) {
				found = append(found, imports(p, rel, "take the real adapter; what stands in for it is for tests"))
			}
		}
	}
	return found
}
