package model_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	spin  = "/usr/bin/spin"
	gcc   = "/usr/bin/gcc"
	swtpm = "/usr/bin/swtpm" // which tools/setup.sh installs together with them
	docs  = "../../docs/model"
	model = "attested_tls.pml"
	// searchTime bounds one search on a busy machine; alone none takes a fourth.
	searchTime = 4 * time.Minute
	// memory is the most that a search may take, in MiB.
	memory = "1900"
)

// search is one run of Spin over the model.
type search struct {
	strands int
	defines []string
	// exhaustive searches in depth, which takes less memory: for searches that
	// find nothing. The others go in breadth, and find the shortest attack.
	exhaustive bool
	// long says that compiling the verifier well pays.
	long bool
}

func (s search) flags() []string {
	flags := []string{fmt.Sprintf("-DSTRANDS=%d", s.strands)}
	for _, d := range s.defines {
		flags = append(flags, "-D"+d)
	}
	return flags
}

func (s search) mode() []string {
	mode := []string{"-O0"}
	if s.long {
		mode = []string{"-O1"}
	}
	if !s.exhaustive {
		mode = append(mode, "-DBFS")
	}
	return mode
}

// outcome is what a search found.
type outcome struct {
	errors string // how many, as Spin prints it
	states string
	story  []string // what led to the error
}

var (
	errorCount = regexp.MustCompile(`errors: (\d+)\n`)
	stateCount = regexp.MustCompile(`\n\s*(\d+) states, stored`)
	storyLine  = regexp.MustCompile(`^(\d: |BROKEN|REACHED)`)
	// truncated is what Spin prints when it left states out and found no error.
	truncated = regexp.MustCompile(`max search depth too small|reached -DMEMLIM|out of memory|Search not completed`)
)

// run generates, compiles and runs the verifier in a folder of its own. A search
// that left anything out fails the test, unless it found an error.
func (s search) run(t *testing.T) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), searchTime)
	defer cancel()
	dir := workspace(t)
	command(ctx, t, dir, spin, append(append([]string{"-a"}, s.flags()...), model)...)
	command(ctx, t, dir, gcc, append(s.mode(), "-w", "-DSAFETY", "-DMEMLIM="+memory, "-o", "pan", "pan.c")...)
	// No invalid end states (the attacker may stop at any time), too small a
	// depth is an error, and no list of what was not reached.
	out := command(ctx, t, dir, filepath.Join(dir, "pan"), "-E", "-b", "-m1000", "-n")
	found := parse(t, out)
	if found.errors == "0" && truncated.MatchString(out) {
		t.Fatalf("the search is not complete:\n%s", out)
	}
	if found.errors != "0" {
		found.story = s.replay(ctx, t, dir)
	}
	return found
}

func parse(t *testing.T, out string) outcome {
	t.Helper()
	count, states := errorCount.FindStringSubmatch(out), stateCount.FindStringSubmatch(out)
	if count == nil || states == nil {
		t.Fatalf("the verifier printed no result:\n%s", out)
	}
	return outcome{errors: count[1], states: states[1]}
}

// replay follows the trail of the error, and returns what the parties did.
func (s search) replay(ctx context.Context, t *testing.T, dir string) []string {
	t.Helper()
	out := command(ctx, t, dir, spin, append(append([]string{"-t", "-T", "-B"}, s.flags()...), model)...)
	var story []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); storyLine.MatchString(line) {
			story = append(story, line)
		}
	}
	if len(story) == 0 {
		t.Fatalf("the trail tells nothing:\n%s", out)
	}
	return story
}

func workspace(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(docs, model))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, model), source, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// command runs a program in dir and returns what it printed.
func command(ctx context.Context, t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	// Spin looks for the preprocessor, and gcc for its parts.
	cmd.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + dir, "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// needSpin skips a test on machines without Spin or a C compiler. Where another
// program of the end-to-end tests is installed, or in continuous integration, both
// have to be there: what is not run there is run nowhere.
func needSpin(t *testing.T) {
	t.Helper()
	for _, program := range []string{spin, gcc} {
		if _, err := os.Stat(program); err == nil {
			continue
		}
		const missing = "%s is not installed: the model needs Debian's spin and gcc, which tools/setup.sh installs"
		if _, err := os.Stat(swtpm); err == nil || os.Getenv("CI") != "" {
			t.Fatalf(missing, program)
		}
		t.Skipf(missing, program)
	}
}
