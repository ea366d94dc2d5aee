package policyfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what is told about a bad file.
const (
	maxListed  = 50   // problems in the text of an error
	maxKept    = 1000 // problems in an error
	maxMessage = 400  // bytes of one message
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File string `json:"file"`
	// Path names the field, as in "releases[0].references[1].registers.pcr4". It
	// is empty where the file as a whole, or its syntax, is meant.
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line,omitempty"`   // from 1; 0 where it is not known
	Column  int    `json:"column,omitempty"` // in characters from 1; 0 where it is not known
	Message string `json:"message"`
}

// String returns "file:line:column: path: message", without what is not known.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Line > 0 && p.Column > 0 {
		fmt.Fprintf(&b, ":%d", p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error says that a file is not what it should be, and what is wrong with it.
type Error struct {
	Problems []Problem // in the order of the file, at least one
	Dropped  int       // further problems that were counted only
}

// Error returns one line a problem, and the number of those that it leaves out.
func (e *Error) Error() string {
	var lines []string
	for _, p := range e.Problems[:min(len(e.Problems), maxListed)] {
		lines = append(lines, p.String())
	}
	if more := len(e.Problems) + e.Dropped - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// problems collects what is wrong with one file.
type problems struct {
	file    string
	list    []Problem
	dropped int
}

// place is where a problem is.
type place struct{ line, column int }

func (ps *problems) add(at place, path, format string, args ...any) {
	if len(ps.list) == maxKept {
		ps.dropped++
		return
	}
	message := shorten(fmt.Sprintf(format, args...), maxMessage)
	ps.list = append(ps.list, Problem{ps.file, path, at.line, at.column, message})
}

func (ps *problems) count() int { return len(ps.list) + ps.dropped }

func (ps *problems) found() bool { return ps.count() > 0 }

// err returns an *Error, or nil where nothing is wrong.
func (ps *problems) err() error {
	if !ps.found() {
		return nil
	}
	slices.SortStableFunc(ps.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{ps.list, ps.dropped}
}

// shorten cuts text to at most limit bytes, between characters.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}
