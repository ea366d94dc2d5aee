package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	tailLines = 40      // lines kept of one test's output
	lineBytes = 2 << 10 // bytes kept of one line of it
)

// tail keeps the last lines of a test's output and, when that line has scrolled
// away, the first one that tells a crash: below it there may be a thousand lines
// of other goroutines. Its zero value is ready for use.
type tail struct {
	lines   []string
	dropped int
	crash   string // the first crash line, also while it is still among lines
	partial string // an unfinished line
}

// write appends text, which may end in the middle of a line.
func (t *tail) write(text string) {
	text = t.partial + text
	for {
		line, rest, complete := strings.Cut(text, "\n")
		if !complete {
			t.partial = clip(text)
			return
		}
		t.add(line)
		text = rest
	}
}

func (t *tail) add(line string) {
	line = clip(strings.TrimSuffix(line, "\r"))
	if isFraming(line) {
		return
	}
	if t.crash == "" && isCrash(line) {
		t.crash = line
	}
	if len(t.lines) == tailLines {
		t.lines = slices.Delete(t.lines, 0, 1)
		t.dropped++
	}
	t.lines = append(t.lines, line)
}

func (t *tail) empty() bool { return len(t.lines) == 0 && t.partial == "" }

// text returns the kept lines, headed by what was dropped.
func (t *tail) text() []string {
	lines := slices.Clone(t.lines)
	if t.partial != "" {
		lines = append(lines, t.partial)
	}
	if t.dropped == 0 {
		return lines
	}
	head := []string{fmt.Sprintf("(%d earlier lines)", t.dropped)}
	if t.crash != "" && !slices.Contains(lines, t.crash) {
		head = append([]string{t.crash}, head...)
	}
	return append(head, lines...)
}

func clip(line string) string {
	if len(line) <= lineBytes {
		return line
	}
	return strings.ToValidUTF8(line[:lineBytes], "") + "…"
}

// isFraming reports lines that say only what the summary says itself.
func isFraming(line string) bool {
	trimmed := strings.TrimLeft(line, " ")
	for _, prefix := range []string{"=== RUN ", "=== PAUSE ", "=== CONT ", "=== NAME ", "--- PASS: ", "--- FAIL: ", "--- SKIP: "} {
		if strings.HasPrefix(trimmed, prefix) {
			return true
		}
	}
	return false
}

func isCrash(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") ||
		strings.HasPrefix(line, "WARNING: DATA RACE")
}
