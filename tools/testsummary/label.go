package main

import (
	"path"
	"strings"
)

// packageOf is the import path that a Bazel label's package has in a Go module
// rooted at //. A label of another repository stands for itself.
func packageOf(module, label string) string {
	rest, ok := strings.CutPrefix(strings.TrimLeft(label, "@"), "//")
	if !ok {
		return label
	}
	dir, _, _ := strings.Cut(rest, ":")
	return path.Join(module, dir)
}

// targetName is the part of a label after the colon, or the last folder's name.
func targetName(label string) string {
	if _, name, found := strings.Cut(label, ":"); found {
		return name
	}
	return path.Base(label)
}

// caseIdentity names a testcase of the target's report. rules_go calls a suite
// "import/path.TestTop"; its import path is taken when it lies in the module, so
// that a target that says otherwise than its folder is believed. Bazel's own
// report of a shell test names the test after the target's path.
func caseIdentity(module, label string, c testCase) identity {
	top, _, _ := strings.Cut(c.Name, "/")
	pkg, isGo := strings.CutSuffix(c.suite, "."+top)
	switch {
	case isGo && (pkg == module || strings.HasPrefix(pkg, module+"/")):
		return identity{Package: pkg, Test: c.Name}
	case c.suite == c.Name:
		return identity{Package: packageOf(module, label), Test: targetName(label)}
	default:
		return identity{Package: packageOf(module, label), Test: c.Name}
	}
}
