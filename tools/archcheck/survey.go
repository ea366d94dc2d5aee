package main

import (
	"fmt"
	"slices"
)

// defaultMinPackages is the floor under what go list must find. Raise it as the
// tree grows: a check that saw nothing found nothing.
const defaultMinPackages = 40

func surveyRules() []rule {
	return []rule{
		{"floor", "at least -min-packages packages are seen, some of them in domain and in apps", floor},
		{"unknown-folder", "every package lies in a top-level folder that the design knows", unknownFolder},
		{"unseen-package", "every folder with Go files is a package that go list sees", unseenPackage},
	}
}

func floor(t *tree) []violation {
	var found []violation
	if n := len(t.packages); n < t.minPackages {
		found = append(found, violation{where: t.module, what: fmt.Sprintf("only %d packages seen, at least %d expected", n, t.minPackages), do: "run in the module's root, or lower -min-packages on purpose"})
	}
	for _, layer := range []string{"domain", "apps"} {
		if len(t.in(layer)) == 0 {
			found = append(found, violation{where: t.module, what: "no package seen in " + layer, do: "run in the module's root"})
		}
	}
	return found
}

func unknownFolder(t *tree) []violation {
	known := []string{"domain", "ports", "usecases", "adapters", "apps", "image", "e2e", "tools"}
	var found []violation
	for _, p := range t.packages {
		if !slices.Contains(known, p.layer()) {
			found = append(found, violation{where: p.rel, what: "lies outside the house", do: fmt.Sprintf("put it below one of %v, or decide on a new room and teach archcheck", known)})
		}
	}
	return found
}

// unseenPackage catches folders that every file's build constraint hides: go list
// passes over them in silence, and so would every other rule.
func unseenPackage(t *tree) []violation {
	seen := map[string]bool{}
	for _, p := range t.packages {
		seen[p.rel] = true
	}
	var found []violation
	for _, folder := range t.goFolders {
		if !seen[folder] {
			found = append(found, violation{where: folder, what: "holds Go files that go list does not see", do: "remove the build constraints or the folder"})
		}
	}
	return found
}
