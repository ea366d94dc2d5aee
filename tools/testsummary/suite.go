package main

import "regexp"

// suite is what one source reported.
type suite struct {
	name    string
	results map[identity]result
	cached  int      // Bazel test targets answered from its cache
	hollow  []string // Bazel test targets that passed and named no test
}

func newSuite(name string) *suite {
	return &suite{name: name, results: map[identity]result{}}
}

// record adds a result, merging it with what is known of the same test.
func (s *suite) record(id identity, r result) {
	if known, ok := s.results[id]; ok {
		r = known.merge(r)
	}
	s.results[id] = r
}

// fail adds lines to a failure that no single test accounts for. Several reasons
// of one package are one failed test with all their lines.
func (s *suite) fail(id identity, lines ...string) {
	r := s.results[id]
	r.outcome = failed
	for _, line := range lines {
		r.output.write(line + "\n")
	}
	s.results[id] = r
}

// mute reports that targets passed without naming a test and no other names a Go
// test that passed: what Bazel's results look like when tests ran without -v.
func (s *suite) mute() bool {
	goName := regexp.MustCompile(`^(Test|Example|Fuzz)`)
	for id, r := range s.results {
		if r.outcome == passed && goName.MatchString(id.Test) {
			return false
		}
	}
	return len(s.hollow) > 0
}

// counted are the results that count: those of leaves, and those of parents that
// their subtests do not explain. A failed leaf gains its parents' output, where
// go test puts a panic's trace.
func counted(all map[identity]result) map[identity]result {
	explained, failing := parents(all)
	kept := make(map[identity]result, len(all))
	for id, r := range all {
		if explained[id] && !ownAccount(r, failing[id]) {
			continue
		}
		if r.outcome == failed {
			r.output = withAncestors(id, all)
		}
		kept[id] = r
	}
	return kept
}

// parents returns the tests that have subtests, and those with a failed one.
func parents(all map[identity]result) (explained, failing map[identity]bool) {
	explained, failing = map[identity]bool{}, map[identity]bool{}
	for id, r := range all {
		for _, up := range id.ancestors() {
			explained[up] = true
			failing[up] = failing[up] || r.outcome == failed
		}
	}
	return explained, failing
}

// ownAccount reports whether a parent's outcome is not the sum of its subtests'.
func ownAccount(r result, subtestFailed bool) bool {
	return r.outcome == skipped || r.outcome == failed && !subtestFailed
}

func withAncestors(id identity, all map[identity]result) tail {
	var joined tail
	for _, each := range append([]identity{id}, id.ancestors()...) {
		r, ok := all[each]
		if !ok || r.outcome != failed {
			continue
		}
		for _, line := range r.output.text() {
			joined.write(line + "\n")
		}
	}
	return joined
}
