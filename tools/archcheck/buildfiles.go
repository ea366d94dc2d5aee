package main

import (
	"path"
	"regexp"
	"strings"
)

// buildFile is a BUILD or BUILD.bazel file.
type buildFile struct {
	rel  string // path relative to the module's root
	text string // without comments
}

func newBuildFile(rel, text string) *buildFile {
	comment := regexp.MustCompile(`(?m)^([^"'#\n]*|[^#\n]*"[^"\n]*"[^"#\n]*)#.*$`)
	return &buildFile{rel: rel, text: comment.ReplaceAllString(text, "$1")}
}

func buildFileRules() []rule {
	return []rule{
		{"public-visibility", "no BUILD file outside domain is //visibility:public", publicVisibility},
		{"missing-build-file", "every Go package has a BUILD.bazel", missingBuildFile},
		{"no-visibility", "every Go library in a BUILD file says who may see it", noVisibility},
	}
}

func publicVisibility(t *tree) []violation {
	var found []violation
	for _, b := range t.buildFiles {
		if !under(b.rel, "domain") && strings.Contains(b.text, "//visibility:public") {
			found = append(found, violation{where: b.rel, what: "is //visibility:public", do: "name the folders that may use it, as //apps:__subpackages__"})
		}
	}
	return found
}

func missingBuildFile(t *tree) []violation {
	have := map[string]bool{}
	for _, b := range t.buildFiles {
		have[path.Dir(b.rel)] = true
	}
	var found []violation
	for _, p := range t.packages {
		if !have[p.rel] {
			found = append(found, violation{where: p.rel, what: "has no BUILD.bazel", do: "run gazelle"})
		}
	}
	return found
}

func noVisibility(t *tree) []violation {
	var found []violation
	for _, b := range t.buildFiles {
		if strings.Contains(b.text, "default_visibility") {
			continue
		}
		for _, library := range b.libraries() {
			if !strings.Contains(library, "visibility =") {
				found = append(found, violation{where: b.rel, what: "a Go library without visibility", do: "give the package a default_visibility"})
			}
		}
	}
	return found
}

// libraries returns the text of every rule that makes an importable Go package.
// The files are in buildifier's format: a rule ends where a line is ")".
func (b *buildFile) libraries() []string {
	rule := regexp.MustCompile(`(?ms)^go_(?:proto_)?library\(.*?\n\)`)
	return rule.FindAllString(b.text, -1)
}
