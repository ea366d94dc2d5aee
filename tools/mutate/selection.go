package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// work is a target with its mutants.
type work struct {
	target  target
	mutants []mutant // not waived, in the order of files and places
	waived  []mutant
}

var (
	errNoFile     = errors.New("no such file")
	errNoMutant   = errors.New("there is nothing to mutate: is the name right?")
	errIdleWaiver = errors.New("the waiver matches no mutant: remove it, or set its text right")
)

// selectMutants reads the targets' files below root and sorts out what is waived.
// A mutant that several targets select belongs to the first. With every waiver in
// force (no target left out), one that matches nothing is an error.
func selectMutants(root string, targets []target, waivers []waiver, all bool) ([]work, error) {
	module, err := modulePath(root)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	used := make([]bool, len(waivers))
	var selected []work
	for _, t := range targets {
		mutants, err := t.mutants(root, module)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", t, err)
		}
		w := work{target: t}
		for _, m := range mutants {
			key := fmt.Sprintf("%s:%d:%d:%s", m.file, m.start, m.end, m.replacement)
			if known[key] {
				continue
			}
			known[key] = true
			w.sort(m, waivers, used)
		}
		selected = append(selected, w)
	}
	if idle := slices.Index(used, false); all && idle >= 0 {
		return nil, fmt.Errorf("line %d: %s: %w", waivers[idle].line, waivers[idle].place, errIdleWaiver)
	}
	return selected, nil
}

func (w *work) sort(m mutant, waivers []waiver, used []bool) {
	waived := false
	for i, each := range waivers {
		if each.matches(m) {
			used[i], waived = true, true
		}
	}
	if waived {
		w.waived = append(w.waived, m)
	} else {
		w.mutants = append(w.mutants, m)
	}
}

// mutants generates all mutants of a target, of which there must be some.
func (t target) mutants(root, module string) ([]mutant, error) {
	files, err := t.files(root)
	if err != nil {
		return nil, err
	}
	wanted := func(function string) bool { return t.isFile() || function == t.selector }
	var all []mutant
	for _, file := range files {
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			return nil, fmt.Errorf("reading what is to be mutated: %w", err)
		}
		known, err := findVariadics(root, module, file, source)
		if err != nil {
			return nil, err
		}
		mutants, err := generate(file, source, known, wanted)
		if err != nil {
			return nil, err
		}
		all = append(all, mutants...)
	}
	if len(all) == 0 {
		return nil, errNoMutant
	}
	return all, nil
}

// files lists the target's files, sorted, without tests.
func (t target) files(root string) ([]string, error) {
	pattern := "*.go"
	if t.isFile() {
		pattern = t.selector
	}
	found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(t.dir), pattern))
	if err != nil {
		return nil, fmt.Errorf("file pattern: %w", err)
	}
	var files []string
	for _, file := range found {
		if !strings.HasSuffix(file, "_test.go") {
			files = append(files, path.Join(t.dir, filepath.Base(file)))
		}
	}
	if len(files) == 0 {
		return nil, errNoFile
	}
	return files, nil
}

// modulePath reads the module line of root's go.mod.
func modulePath(root string) (string, error) {
	f, err := os.Open(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("looking for the module: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading: nothing to lose
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) >= 2 && fields[0] == "module" {
			return strings.Trim(fields[1], `"`), nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("reading go.mod: %w", err)
	}
	return "", errors.New("go.mod has no module line")
}
