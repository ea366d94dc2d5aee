package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// summary is all sources merged.
type summary struct {
	suites  []*suite
	results map[identity]result // what counts, each test once
	skipped []skippedSuite

	failOnEmpty bool
}

// tally is how many tests ended how.
type tally struct {
	passed, failed, skipped int
}

func tallyOf(results map[identity]result) tally {
	var t tally
	for _, r := range results {
		switch r.outcome {
		case passed:
			t.passed++
		case failed:
			t.failed++
		case skipped:
			t.skipped++
		}
	}
	return t
}

// summarise merges the suites. Parents are told from leaves after merging, so
// that a test whose subtests only one source ran is the same test in all.
func summarise(suites []*suite, opts options) *summary {
	merged := newSuite("all")
	for _, s := range suites {
		for id, r := range s.results {
			merged.record(id, r)
		}
	}
	return &summary{suites: suites, results: counted(merged.results), skipped: opts.skipped, failOnEmpty: opts.failOnEmpty}
}

// tally counts every test once; a suite that could not run is one skipped test.
func (s *summary) tally() tally {
	t := tallyOf(s.results)
	t.skipped += len(s.skipped)
	return t
}

// exitCode is that of the whole run.
func (s *summary) exitCode() int {
	if s.tally().failed > 0 || len(s.objections()) > 0 {
		return exitFailed
	}
	return exitOK
}

// objections are the reasons, beside failed tests, why the run is not accepted.
func (s *summary) objections() []string {
	var all []string
	mute := slices.DeleteFunc(s.with(skipped), func(id identity) bool { return s.results[id].reason != "" })
	if len(mute) > 0 {
		all = append(all, fmt.Sprintf("%d skipped without a reason: give t.Skip a message", len(mute)))
	}
	for _, each := range s.suites {
		if each.mute() {
			all = append(all, each.name+": targets passed and no Go test is named: run Bazel with --test_env=GO_TEST_WRAP_TESTV=1")
		}
	}
	if s.failOnEmpty && len(s.results) == 0 {
		all = append(all, "no test was counted")
	}
	return all
}

func (s *summary) hollow() []string {
	var labels []string
	for _, each := range s.suites {
		labels = append(labels, each.hollow...)
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// with returns the tests that ended so, in order.
func (s *summary) with(o outcome) []identity {
	var ids []identity
	for id, r := range s.results {
		if r.outcome == o {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, compareIdentities)
	return ids
}

// slowest returns at most n tests that took measurable time, slowest first.
func (s *summary) slowest(n int) []identity {
	ids := slices.SortedFunc(maps.Keys(s.results), func(a, b identity) int {
		return cmp.Or(cmp.Compare(s.results[b].seconds, s.results[a].seconds), compareIdentities(a, b))
	})
	ids = slices.DeleteFunc(ids, func(id identity) bool { return s.results[id].seconds == 0 })
	return ids[:min(n, len(ids))]
}
