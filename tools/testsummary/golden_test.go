package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden runs the whole command on each folder of testdata: its bep*.json and
// gotest*.json are the inputs, its flags file holds further arguments, one a line.
// DIR in an input stands for the folder that holds it.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/want.golden")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		cases = everyCase(t)
	}
	if len(cases) < 15 {
		t.Fatalf("found %d cases: testdata is not where it should be", len(cases))
	}
	for _, golden := range cases {
		dir := filepath.Dir(golden)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			got := runCase(t, dir)
			if *update {
				writeFile(t, golden, got)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("output differs from %s\ngot:\n%s\nwant:\n%s", golden, got, want)
			}
		})
	}
}

func everyCase(t *testing.T) []string {
	t.Helper()
	dirs, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range dirs {
		if d.Name() != "fuzz" { // go test keeps its corpus there
			all = append(all, filepath.Join("testdata", d.Name(), "want.golden"))
		}
	}
	return all
}

func runCase(t *testing.T, dir string) []byte {
	t.Helper()
	work := copyCase(t, dir)
	args := []string{"-module", "example.com/m"}
	for _, kind := range []string{"bep", "gotest"} {
		inputs, err := filepath.Glob(filepath.Join(work, kind+"*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, input := range inputs {
			args = append(args, "-"+kind, input)
		}
	}
	if extra, err := os.ReadFile(filepath.Join(dir, "flags")); err == nil {
		args = append(args, strings.Split(strings.TrimSpace(string(extra)), "\n")...)
	}
	var out bytes.Buffer
	code := run(args, &out, &out)
	fmt.Fprintf(&out, "exit code %d\n", code)
	return bytes.ReplaceAll(out.Bytes(), []byte(work), []byte("DIR"))
}

// copyCase copies a case to a fresh folder, whose path it writes for DIR.
func copyCase(t *testing.T, dir string) string {
	t.Helper()
	work := t.TempDir()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(work, f.Name()), bytes.ReplaceAll(content, []byte("DIR"), []byte(work)))
	}
	return work
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
