package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const gateSource = `package gate

func Admits(level, floor int) bool {
	if level < floor {
		return false
	}
	return true
}
`

const weakTest = `package gate

import "testing"

func TestAdmits(t *testing.T) {
	if Admits(1, 2) {
		t.Error("1 was admitted at 2")
	}
	if !Admits(3, 2) {
		t.Error("3 was refused at 2")
	}
}
`

// scratch writes a module whose test is given, and the list of targets.
func scratch(t *testing.T, test, list string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("go test cannot run here: %v", err)
	}
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOWORK", "off")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":            "module example.com/m\n\ngo 1.26\n",
		"gate/gate.go":      gateSource,
		"gate/gate_test.go": test,
		"targets.txt":       list,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func command(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"-C", dir, "-targets", "targets.txt"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func TestAWeakTestLetsTheBoundarySurvive(t *testing.T) {
	dir := scratch(t, weakTest, "gate gate.go\n")
	code, out, errs := command(t, dir)
	if code != exitSurvivor {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	const want = "SURVIVED gate/gate.go:4: level < floor => level <= floor (in Admits)\n6 mutants, 5 killed, 1 survived, 0 waived, 0 invalid\n"
	if !strings.HasSuffix(out, want) {
		t.Errorf("output:\n%s\nwant the end:\n%s", out, want)
	}
	if source, err := os.ReadFile(filepath.Join(dir, "gate", "gate.go")); err != nil || string(source) != gateSource {
		t.Errorf("the tree was changed: %v", err)
	}
}

func TestAStrongTestKillsAll(t *testing.T) {
	strong := weakTest + "\nfunc TestFloorItself(t *testing.T) {\n\tif !Admits(2, 2) {\n\t\tt.Error(\"2 was refused at 2\")\n\t}\n}\n"
	code, out, errs := command(t, scratch(t, strong, "gate Admits\n"))
	if code != exitAllKilled || !strings.HasSuffix(out, "\n6 mutants, 6 killed, 0 survived, 0 waived, 0 invalid\n") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestAWaivedSurvivorIsCounted(t *testing.T) {
	list := "gate gate.go\n! gate.go:Admits: level < floor => level <= floor: for this test\n"
	code, out, errs := command(t, scratch(t, weakTest, list))
	if code != exitAllKilled || !strings.HasSuffix(out, "\n6 mutants, 5 killed, 0 survived, 1 waived, 0 invalid\n") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestListRunsNothing(t *testing.T) {
	dir := scratch(t, "this is not Go", "gate gate.go\n! gate.go:Admits: level < floor => level <= floor: for this test\n")
	if err := os.Remove(filepath.Join(dir, "gate", "gate_test.go")); err != nil {
		t.Fatal(err)
	}
	code, out, errs := command(t, dir, "-list")
	if code != exitAllKilled || !strings.Contains(out, "level <= floor (in Admits), waived\n6 mutants\n") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestNoAnswer(t *testing.T) {
	failing := strings.Replace(weakTest, "if Admits(1, 2)", "if !Admits(1, 2)", 1)
	for _, c := range []struct{ name, test, list, want string }{
		{"failing tests", failing, "gate gate.go\n", errTestsFail.Error()},
		{"tests that do not compile", "package gate\n\nfunc f() { x }\n", "gate gate.go\n", errTestsFail.Error()},
		{"a file that is not there", weakTest, "gate gone.go\n", errNoFile.Error()},
		{"a function that is not there", weakTest, "gate Refuses\n", errNoMutant.Error()},
		{"an idle waiver", weakTest, "gate gate.go\n! gate.go:Admits: a => b: why\n", errIdleWaiver.Error()},
		{"a target that another one covers", weakTest, "gate gate.go\ngate Admits\n", "no mutant of its own"},
		{"an empty list", weakTest, "", errNoTargets.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := command(t, scratch(t, c.test, c.list))
			if code != exitNoAnswer || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d, want an error with %q\n%s%s", code, c.want, out, errs)
			}
		})
	}
}

func TestFilterLeavesOtherTargetsAlone(t *testing.T) {
	dir := scratch(t, weakTest, "gate gate.go\ngone gone.go\n")
	if code, _, errs := command(t, dir, "-list", "-target", "gate"); code != exitAllKilled {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, _ := command(t, dir, "-list", "-target", "nowhere"); code != exitNoAnswer {
		t.Errorf("a filter that matches nothing: exit %d", code)
	}
}

// TestVerdicts shows the two ways to fail that are not a failed test: a mutant
// that does not compile, and one that does not end.
func TestVerdicts(t *testing.T) {
	dir := scratch(t, weakTest, "gate gate.go\n")
	r := &runner{root: dir, scratch: t.TempDir()}
	at := strings.Index(gateSource, "return true")
	for i, c := range []struct {
		name, replacement string
		limit             time.Duration
		want              verdict
	}{
		{"does not compile", "return undefined", time.Minute, invalid},
		{"does not end", "for {}", 5 * time.Second, killed},
		{"is the same", "return true", time.Minute, survived},
		{"panics", "panic(0)", time.Minute, killed},
	} {
		m := mutant{file: "gate/gate.go", start: at, end: at + len("return true"), replacement: c.replacement}
		got, err := r.try(context.Background(), m, i, []string{"gate"}, c.limit)
		if err != nil || got != c.want {
			t.Errorf("a mutant that %s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

func TestAnInterruptIsNoVerdict(t *testing.T) {
	dir := scratch(t, weakTest, "gate gate.go\n")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"-C", dir, "-targets", "targets.txt"}, &out, &errs); code != exitNoAnswer {
		t.Errorf("exit %d\n%s%s", code, &out, &errs)
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"-h"}, exitAllKilled},
		{[]string{"-jobs", "0"}, exitNoAnswer},
		{[]string{"stray"}, exitNoAnswer},
		{[]string{"-what"}, exitNoAnswer},
	} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), c.args, &out, &errs); code != c.want || errs.Len() == 0 {
			t.Errorf("%q: exit %d, want %d; %q", c.args, code, c.want, &errs)
		}
	}
}
