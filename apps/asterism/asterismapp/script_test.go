package asterismapp_test

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/apps/asterism/asterismapp"
)

var update = flag.Bool("update", false, "rewrite what the transcripts expect, and the generated documentation")

const docs = "../../../docs"

// TestMain lets the test binary stand for the program in transcripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"asterism": func() { os.Exit(asterismapp.Run(asterismapp.FromOS(), os.Args[1:])) },
		"mask":     mask,
	})
}

// TestScript runs the transcripts in testdata/script, each in a folder that
// holds the examples of docs/examples. Those with machines start software TPMs.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("COLUMNS", "")
			env.Values[machinesKey{}] = &machines{env.T().(testing.TB), map[string]*swtpmtest.TPM{}}
			return copyExamples(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"damage": damage, "exits": exits, "extend": extend, "ledger": writeLedger, "swtpm": swtpm,
		},
	})
}

func copyExamples(folder string) error {
	paths, err := filepath.Glob(filepath.Join(docs, "examples", "*.[jy]*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(path)), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// exits runs a program and holds its exit code against the first argument.
func exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: exits code program [arguments...]")
	}
	code := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if want := args[0]; strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}
