package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestMergeOrder(t *testing.T) {
	ok := result{outcome: passed, seconds: 2}
	bad := result{outcome: failed, seconds: 1}
	bad.output.write("why\n")
	mute := result{outcome: skipped}
	told := result{outcome: skipped, reason: "no TPM"}
	for _, c := range []struct {
		name string
		a, b result
		want result
	}{
		{"failed beats passed", ok, bad, result{outcome: failed, seconds: 2, output: bad.output}},
		{"passed beats skipped", told, ok, ok},
		{"a reason beats none", mute, told, told},
		{"output beats none", result{outcome: failed}, bad, bad},
	} {
		for _, got := range []result{c.a.merge(c.b), c.b.merge(c.a)} {
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
			}
		}
	}
}

func TestTailKeepsTheEndAndTheCrash(t *testing.T) {
	var kept tail
	kept.write("panic: boom\n=== RUN   TestX\n")
	for i := range 2 * tailLines {
		kept.write(fmt.Sprintf("line %d\n", i))
	}
	kept.write(strings.Repeat("é", lineBytes) + "\nhalf a line")
	got := kept.text()
	if want := tailLines + 3; len(got) != want {
		t.Fatalf("kept %d lines, want %d", len(got), want)
	}
	if got[0] != "panic: boom" || got[1] != fmt.Sprintf("(%d earlier lines)", tailLines+2) {
		t.Errorf("head is %q", got[:2])
	}
	if long := got[len(got)-2]; len(long) > lineBytes+len("…") || strings.ContainsRune(long, '\uFFFD') {
		t.Errorf("a long line was cut badly to %d bytes", len(long))
	}
	if got[len(got)-1] != "half a line" {
		t.Errorf("ends with %q", got[len(got)-1])
	}
}

func TestReasonOf(t *testing.T) {
	for _, c := range []struct{ output, want string }{
		{"    a_test.go:3: why", "why"},
		{"        deep_test.go:3: a: b", "a: b"},
		{"    a_test.go:1: log\n    a_test.go:3: why\n        and how", "why and how"},
		{"    a_test.go:3: ", ""},
		{"printed by the test", ""},
		{"", ""},
	} {
		if got := reasonOf(strings.Split(c.output, "\n")); got != c.want {
			t.Errorf("reasonOf(%q) = %q, want %q", c.output, got, c.want)
		}
	}
}

func TestCaseIdentity(t *testing.T) {
	for _, c := range []struct {
		label, suite, name string
		want               identity
	}{
		{"//a/b:b_test", "example.com/m/a/b.TestX", "TestX/y", identity{"example.com/m/a/b", "TestX/y"}},
		{"//:m_test", "example.com/m.TestX", "TestX", identity{"example.com/m", "TestX"}},
		{"@@//a/b", "a/b/b_test.TestX", "TestX", identity{"example.com/m/a/b", "TestX"}},
		{"//image:size_test", "image/size_test", "image/size_test", identity{"example.com/m/image", "size_test"}},
		{"//a:b", "example.com/module.TestX", "TestX", identity{"example.com/m/a", "TestX"}},
	} {
		got := caseIdentity("example.com/m", c.label, testCase{suite: c.suite, Name: c.name})
		if got != c.want {
			t.Errorf("%s %s %s: got %v, want %v", c.label, c.suite, c.name, got, c.want)
		}
	}
}

func TestLineTooLong(t *testing.T) {
	long := io.MultiReader(strings.NewReader("{}\n"), strings.NewReader(strings.Repeat("x", maxLine+1)))
	err := eachEvent(long, func(struct{}) error { return nil })
	var at *lineError
	if !errors.As(err, &at) || at.line != 2 {
		t.Fatalf("got %v, want an error at line 2", err)
	}
}

func TestOptions(t *testing.T) {
	good := []string{"-bep", "a", "-bep", "b", "-gotest", "c", "-module", "m", "-skip", "VMs: no: kvm", "-fail-on-empty"}
	opts, err := parseOptions(good, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(opts.buildEvents, []string{"a", "b"}) || opts.skipped[0] != (skippedSuite{"VMs", "no: kvm"}) {
		t.Errorf("got %+v", opts)
	}
	for _, bad := range [][]string{{"-skip", "VMs"}, {"-skip", "VMs:"}, {"-skip", ": why"}, {"-bep", ""}, {"stray"}, {"-what"}} {
		if _, err := parseOptions(bad, io.Discard); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q was accepted (%v)", bad, err)
		}
	}
}

func TestModulePath(t *testing.T) {
	got, err := modulePath(strings.NewReader("// the module\nmodule \"example.com/m\" // it\n\ngo 1.26\n"))
	if err != nil || got != "example.com/m" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := modulePath(strings.NewReader("go 1.26\n")); err == nil {
		t.Error("a go.mod without a module line was accepted")
	}
}

func TestHelpAndMissingInput(t *testing.T) {
	var help strings.Builder
	if code := run([]string{"-h"}, io.Discard, &help); code != exitOK || !strings.Contains(help.String(), "Exit codes") {
		t.Errorf("-h: exit %d, %q", code, help.String())
	}
	if code := run([]string{"-what"}, io.Discard, io.Discard); code != exitUsage {
		t.Errorf("an unknown flag: exit %d, want %d", code, exitUsage)
	}
	var out strings.Builder
	if code := run([]string{"-gotest", t.TempDir() + "/gone"}, &out, io.Discard); code != exitFailed {
		t.Errorf("a missing input: exit %d, want %d", code, exitFailed)
	}
	if !strings.HasSuffix(out.String(), "\n0 passed, 1 failed, 0 skipped\n") {
		t.Errorf("a missing input: %q", out.String())
	}
}

// TestManyFailures shows that only the first ones are printed with their output,
// and all of them by name.
func TestManyFailures(t *testing.T) {
	s := newSuite("go test x")
	for i := range 2 * shownFailures {
		s.fail(identity{"example.com/m", fmt.Sprintf("Test%02d", i)}, "the reason")
	}
	out := summarise([]*suite{s}, options{}).report()
	if n := strings.Count(out, "FAILED "); n != 2*shownFailures {
		t.Errorf("named %d failures, want %d", n, 2*shownFailures)
	}
	if n := strings.Count(out, "the reason"); n != shownFailures {
		t.Errorf("explained %d failures, want %d", n, shownFailures)
	}
}
