package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// target is what one line of the list asks to mutate.
type target struct {
	dir      string   // folder of the package, relative to the module's root
	selector string   // file pattern ("appraise*.go"), Func or Type.Method
	tests    []string // folders of the packages whose tests must notice
}

// String is the line's essence, which -target matches.
func (t target) String() string { return t.dir + " " + t.selector }

// isFile tells a file pattern from a function.
func (t target) isFile() bool { return strings.HasSuffix(t.selector, ".go") }

// waiver accepts a mutant that means the same as the original.
type waiver struct {
	dir    string // of the targets above it in the list
	place  string // "file.go:func"
	change string // "original => mutated: reason"
	line   int    // in the list
}

// matches compares by source text. The reason follows the mutated text, which may
// hold colons itself, so the text is matched as a prefix.
func (w waiver) matches(m mutant) bool {
	if w.dir != path.Dir(m.file) || w.place != path.Base(m.file)+":"+m.function {
		return false
	}
	reason, ok := strings.CutPrefix(w.change, m.change()+": ")
	return ok && strings.TrimSpace(reason) != ""
}

var (
	errNoTargets  = errors.New("the list names no target")
	errBadTarget  = errors.New("want 'folder selector [test folder...]'")
	errBadWaiver  = errors.New("want '! file.go:func: original => mutated: reason', below a target of its folder")
	errOutOfPlace = errors.New("folders are relative to the module's root and lie in it")
)

// readTargets reads the list. Empty lines and lines that start with # say nothing.
func readTargets(r io.Reader) ([]target, []waiver, error) {
	var targets []target
	var waivers []waiver
	lines := bufio.NewScanner(r)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		var err error
		switch waived, isWaiver := strings.CutPrefix(line, "! "); {
		case line == "" || strings.HasPrefix(line, "#"):
		case isWaiver:
			waivers, err = appendWaiver(waivers, targets, waived, number)
		default:
			targets, err = appendTarget(targets, strings.Fields(line))
		}
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %q: %w", number, line, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("reading the list: %w", err)
	}
	if len(targets) == 0 {
		return nil, nil, errNoTargets
	}
	return targets, waivers, nil
}

func appendTarget(targets []target, fields []string) ([]target, error) {
	if len(fields) < 2 {
		return nil, errBadTarget
	}
	t := target{dir: fields[0], selector: fields[1], tests: fields[2:]}
	if len(t.tests) == 0 {
		t.tests = []string{t.dir}
	}
	for _, dir := range append([]string{t.dir}, t.tests...) {
		if path.IsAbs(dir) || path.Clean(dir) != dir || strings.HasPrefix(dir, "..") {
			return nil, errOutOfPlace
		}
	}
	return append(targets, t), nil
}

func appendWaiver(waivers []waiver, targets []target, text string, line int) ([]waiver, error) {
	place, change, found := strings.Cut(text, ": ")
	if !found || len(targets) == 0 || !strings.Contains(place, ".go:") || !strings.Contains(change, " => ") {
		return nil, errBadWaiver
	}
	return append(waivers, waiver{dir: targets[len(targets)-1].dir, place: place, change: change, line: line}), nil
}
