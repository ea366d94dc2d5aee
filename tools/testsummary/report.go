package main

import (
	"cmp"
	"fmt"
	"strings"
)

const (
	shownFailures = 20 // failures printed with their output; the others by name
	shownSlowest  = 5
)

// report is the summary: failures, skips, the slowest tests, the sources, and on
// the last line nothing but the three counts.
func (s *summary) report() string {
	var text strings.Builder
	s.writeFailures(&text)
	s.writeSkips(&text)
	s.writeSlowest(&text)
	s.writeSuites(&text)
	for _, objection := range s.objections() {
		fmt.Fprintf(&text, "NOT ACCEPTED: %s\n", objection)
	}
	t := s.tally()
	fmt.Fprintf(&text, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	return text.String()
}

func (s *summary) writeFailures(w *strings.Builder) {
	for i, id := range s.with(failed) {
		fmt.Fprintf(w, "FAILED %s\n", id)
		if i >= shownFailures {
			continue
		}
		r := s.results[id]
		for _, line := range r.output.text() {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
}

func (s *summary) writeSkips(w *strings.Builder) {
	for _, id := range s.with(skipped) {
		fmt.Fprintf(w, "SKIPPED %s: %s\n", id, cmp.Or(s.results[id].reason, "no reason given"))
	}
	for _, suite := range s.skipped {
		fmt.Fprintf(w, "SKIPPED suite %s: %s\n", suite.name, suite.reason)
	}
}

func (s *summary) writeSlowest(w *strings.Builder) {
	for _, id := range s.slowest(shownSlowest) {
		fmt.Fprintf(w, "slow %7.2fs %s\n", s.results[id].seconds, id)
	}
}

func (s *summary) writeSuites(w *strings.Builder) {
	for _, suite := range s.suites {
		t := tallyOf(counted(suite.results))
		fmt.Fprintf(w, "suite %s: %d passed, %d failed, %d skipped", suite.name, t.passed, t.failed, t.skipped)
		if suite.cached > 0 {
			fmt.Fprintf(w, " (runs from cache: %d)", suite.cached)
		}
		fmt.Fprintln(w)
	}
	for _, label := range s.hollow() {
		fmt.Fprintf(w, "note: %s passed and named no test\n", label)
	}
}
