package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scratch writes a module without dependencies and returns its folder.
func scratch(t *testing.T, files map[string]string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("go list cannot run here: %v", err)
	}
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOWORK", "off")
	dir := t.TempDir()
	for name, text := range files {
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

func cleanModule() map[string]string {
	const build = "package(default_visibility = [\"//apps:__subpackages__\"])\n"
	return map[string]string{
		"go.mod":                            "module example.com/m\n\ngo 1.26\n",
		"domain/x/x.go":                     "package x\n\nimport \"strings\"\n\nfunc F() string { return strings.ToLower(\"A\") }\n",
		"domain/x/x_test.go":                "package x\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) { _ = F() }\n",
		"domain/x/BUILD.bazel":              build,
		"apps/kms/main.go":                  "package main\n\nimport \"example.com/m/domain/x\"\n\nfunc main() { println(x.F()) }\n",
		"apps/kms/BUILD.bazel":              build,
		"apps/kms/testdata/bad.go":          "package bad // not the module's own source",
		"tools/bazel/offline/a/BUILD.bazel": "x(visibility = [\"//visibility:public\"])\n",
	}
}

func check(t *testing.T, dir string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), []string{"-C", dir, "-min-packages", "2"}, &out, &errs)
	return code, out.String(), errs.String()
}

func TestCommandOnACleanModule(t *testing.T) {
	code, out, errs := check(t, scratch(t, cleanModule()))
	if want := "archcheck: 2 packages, 0 violations\n"; code != exitClean || out != want {
		t.Errorf("exit %d, %q, want %q (%s)", code, out, want, errs)
	}
}

// TestCommandSeesThroughBuildConstraints breaks rules in a file that is not built
// on this machine, in a test, and in a folder that go list passes over.
func TestCommandSeesThroughBuildConstraints(t *testing.T) {
	files := cleanModule()
	files["domain/x/x_plan9.go"] = "package x\n\nimport \"os\"\n\nfunc init() { os.Exit(1) }\n"
	files["domain/x/out_test.go"] = "package x_test\n\nimport _ \"example.com/m/apps/lib\"\n"
	files["apps/lib/lib.go"] = "package lib\n"
	files["adapters/etcd/etcd_plan9.go"] = "package etcd\n"
	code, out, errs := check(t, scratch(t, files))
	want := []string{
		"domain-imports: domain/x: imports os: ",
		"domain-init: domain/x: init function at x_plan9.go:5: ",
		"layer-order: domain/x: imports apps/lib: ",
		"missing-build-file: apps/lib: has no BUILD.bazel: ",
		"unseen-package: adapters/etcd: ",
		"archcheck: 3 packages, 5 violations",
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitViolated || len(lines) != len(want) {
		t.Fatalf("exit %d, output:\n%s%s", code, out, errs)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("line %d is %q, want %q", i+1, lines[i], want[i])
		}
	}
}

func TestCommandReportsWhatGoListSays(t *testing.T) {
	files := cleanModule()
	files["apps/kms/broken.go"] = "pakcage main\n"
	code, out, errs := check(t, scratch(t, files))
	if code != exitUnchecked || out != "" || !strings.Contains(errs, "expected 'package'") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestCommandRefusesFlagsItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"-what"}, {"stray"}} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), args, &out, &errs); code != exitUnchecked || errs.Len() == 0 {
			t.Errorf("%q: exit %d, %q", args, code, &errs)
		}
	}
}

func TestHelpListsEveryRule(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"-h"}, &out, &errs); code != exitClean {
		t.Errorf("exit %d", code)
	}
	for _, r := range rules() {
		if !strings.Contains(errs.String(), fmt.Sprintf("  %s ", r.name)) {
			t.Errorf("-h does not list %s", r.name)
		}
	}
}

func TestDecodeListRefusesCutOffJSON(t *testing.T) {
	if _, err := decodeList(strings.NewReader(`{"ImportPath":"a"}{"Imp`)); err == nil {
		t.Error("cut-off JSON was accepted")
	}
}
