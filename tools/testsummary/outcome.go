package main

import "strings"

// outcome is how a test ended. The order is that of merging: the greater wins.
type outcome int

const (
	skipped outcome = iota
	passed
	failed
)

// identity names a test once for all runners: the Go import path of its package
// and the name as go test prints it. An empty Test stands for the package as a
// whole: it did not build, or failed outside any test.
type identity struct {
	Package, Test string
}

// String is the form people read: "import/path TestName/subtest".
func (id identity) String() string {
	if id.Test == "" {
		return id.Package
	}
	return id.Package + " " + id.Test
}

// ancestors are the names of the tests that id is a subtest of, nearest first.
// Some may not exist: a subtest's own name may hold a slash.
func (id identity) ancestors() []identity {
	var up []identity
	for name := id.Test; ; {
		cut := strings.LastIndexByte(name, '/')
		if cut < 0 {
			return up
		}
		name = name[:cut]
		up = append(up, identity{Package: id.Package, Test: name})
	}
}

// compareIdentities orders by package, then by test.
func compareIdentities(a, b identity) int {
	if c := strings.Compare(a.Package, b.Package); c != 0 {
		return c
	}
	return strings.Compare(a.Test, b.Test)
}

// result is what one source, or all of them merged, says about one test.
type result struct {
	outcome outcome
	seconds float64 // wall time; the longest when several sources ran it
	reason  string  // of a skip; empty when none was given
	output  tail    // of a failure
}

// merge joins two results of the same test: failed beats passed beats skipped.
func (r result) merge(other result) result {
	winner, loser := r, other
	if other.outcome > r.outcome || other.outcome == r.outcome && r.reason == "" {
		winner, loser = other, r
	}
	if winner.output.empty() && winner.outcome == loser.outcome {
		winner.output = loser.output
	}
	winner.seconds = max(r.seconds, other.seconds)
	return winner
}
