package main

import (
	_ "embed"
	"errors"
	"strings"
	"testing"
)

func TestReadTargets(t *testing.T) {
	targets, waivers, err := readTargets(strings.NewReader(`# comment

domain/policy appraise*.go
! appraise.go:tpm: a < b => a <= b: b is never equal to a: see keys.go
domain/keys Master.derive domain/keys domain/join
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(targets) != 2 || targets[0].String() != "domain/policy appraise*.go" || targets[0].tests[0] != "domain/policy" || len(targets[1].tests) != 2 {
		t.Errorf("targets: %+v", targets)
	}
	if !targets[0].isFile() || targets[1].isFile() {
		t.Error("a file is taken for a function or a function for a file")
	}
	if len(waivers) != 1 || waivers[0].dir != "domain/policy" || waivers[0].line != 4 {
		t.Errorf("waivers: %+v", waivers)
	}
}

func TestReadTargetsRefuses(t *testing.T) {
	const good = "domain/x f.go\n"
	for _, c := range []struct {
		name, list string
		want       error
	}{
		{"nothing", "# only comments\n", errNoTargets},
		{"half a target", "domain/x\n", errBadTarget},
		{"absolute folder", "/domain/x f.go\n", errOutOfPlace},
		{"folder outside", "../x f.go\n", errOutOfPlace},
		{"test folder outside", "domain/x f.go ../y\n", errOutOfPlace},
		{"waiver above any target", "! f.go:F: a => b: why\n" + good, errBadWaiver},
		{"waiver without function", good + "! f.go: a => b: why\n", errBadWaiver},
		{"waiver without change", good + "! f.go:F: a: why\n", errBadWaiver},
	} {
		if _, _, err := readTargets(strings.NewReader(c.list)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestWaiverMatches(t *testing.T) {
	m := mutant{file: "domain/x/f.go", line: 7, function: "T.check", original: "a < b", mutated: "a <= b"}
	list := func(line string) string { return "domain/x f.go\n! " + line + "\n" }
	for _, c := range []struct {
		waiver string
		want   bool
	}{
		{"f.go:T.check: a < b => a <= b: they are never equal", true},
		{"f.go:T.check: a < b => a <= b: a reason: with colons", true},
		{"f.go:T.check: a < b => a <= b", false},
		{"f.go:T.check: a < b => a <= bc: another text", false},
		{"f.go:T.check: a < b => a >= b: another change", false},
		{"f.go:check: a < b => a <= b: another function", false},
		{"g.go:T.check: a < b => a <= b: another file", false},
	} {
		_, waivers, err := readTargets(strings.NewReader(list(c.waiver)))
		if err != nil {
			t.Fatal(err)
		}
		if got := waivers[0].matches(m); got != c.want {
			t.Errorf("%q matches: %t, want %t", c.waiver, got, c.want)
		}
	}
	elsewhere := waiver{dir: "domain/y", place: "f.go:T.check", change: "a < b => a <= b: why"}
	if elsewhere.matches(m) {
		t.Error("a waiver of another folder matches")
	}
}

//go:embed targets.txt
var committedList string

// TestCommittedListReads keeps the list in shape; whether its files exist is for
// the command itself to say, which runs outside Bazel's sandbox.
func TestCommittedListReads(t *testing.T) {
	if _, _, err := readTargets(strings.NewReader(committedList)); err != nil {
		t.Error(err)
	}
}
