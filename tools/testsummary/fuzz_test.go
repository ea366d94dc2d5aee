package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzReadGoTest holds two promises against any input: no test that was seen to
// start is lost, and an input without a single event is an error.
func FuzzReadGoTest(f *testing.F) {
	addFiles(f, "testdata/*/gotest.json")
	f.Fuzz(func(t *testing.T, input string) {
		started := map[identity]bool{}
		err := eachEvent(strings.NewReader(input), func(e goEvent) error {
			if e.Action == "run" && e.Package != "" && e.Test != "" && !strings.HasPrefix(e.Test, "Benchmark") {
				started[identity{e.Package, e.Test}] = true
			}
			if e.Action == "" || e.Package == "" && !strings.HasPrefix(e.Action, "build-") {
				return errors.New("the reader stops here")
			}
			return nil
		})
		s := newSuite("fuzz")
		if readErr := readGoTest(strings.NewReader(input), s); (readErr == nil) != (err == nil) {
			t.Fatalf("readGoTest says %v, its events %v", readErr, err)
		}
		for id := range started {
			if _, ok := s.results[id]; !ok {
				t.Errorf("%v started and has no result", id)
			}
		}
	})
}

// FuzzReadReport holds that a report yields named cases or an error.
func FuzzReadReport(f *testing.F) {
	addFiles(f, "testdata/*/*.xml")
	f.Fuzz(func(t *testing.T, input string) {
		err := readReport(strings.NewReader(input), func(c testCase) error {
			if c.Name == "" {
				t.Error("a case without a name")
			}
			_, err := c.result()
			return err
		})
		if err == nil && !strings.Contains(input, "testsuite") {
			t.Error("a report without a suite was accepted")
		}
	})
}

func addFiles(f *testing.F, pattern string) {
	f.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds at %s (%v)", pattern, err)
	}
	for _, path := range paths {
		seed, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(seed))
	}
}
