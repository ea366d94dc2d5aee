package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func sampleMutants(t *testing.T, wanted func(string) bool) ([]byte, []mutant) {
	t.Helper()
	source, err := os.ReadFile("testdata/sample.go")
	if err != nil {
		t.Fatal(err)
	}
	known, err := findVariadics("testdata", "example.com/m", "sample.go", source)
	if err != nil {
		t.Fatal(err)
	}
	mutants, err := generate("sample.go", source, known, wanted)
	if err != nil {
		t.Fatal(err)
	}
	return source, mutants
}

func everything(string) bool { return true }

func TestGenerateGolden(t *testing.T) {
	_, mutants := sampleMutants(t, everything)
	var got strings.Builder
	for _, m := range mutants {
		fmt.Fprintln(&got, m)
	}
	const golden = "testdata/sample.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("mutants differ from %s:\n%s", golden, got.String())
	}
}

// TestMutantsParse applies every mutant: the result is Go and differs from the
// original outside white space.
func TestMutantsParse(t *testing.T) {
	source, mutants := sampleMutants(t, everything)
	for _, m := range mutants {
		changed, err := format.Source(m.apply(source))
		if err != nil {
			t.Errorf("%s does not parse: %v", m, err)
		}
		if bytes.Equal(changed, source) {
			t.Errorf("%s changes nothing", m)
		}
	}
}

func TestGenerateSelectsFunctions(t *testing.T) {
	_, mutants := sampleMutants(t, func(name string) bool { return name == "gate.admits" })
	if len(mutants) == 0 {
		t.Fatal("no mutant of gate.admits")
	}
	for _, m := range mutants {
		if m.function != "gate.admits" {
			t.Errorf("%s was not asked for", m)
		}
	}
}

func TestOneLine(t *testing.T) {
	if got := oneLine("a  ==\n\tb"); got != "a == b" {
		t.Errorf("got %q", got)
	}
	if got := oneLine(strings.Repeat("é", longestText+1)); got != strings.Repeat("é", longestText)+"…" {
		t.Errorf("got %q", got)
	}
}
