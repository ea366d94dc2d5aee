package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// verdict is what became of a mutant.
type verdict int

const (
	killed verdict = iota
	survived
	invalid
)

const (
	baselineLimit = 10 * time.Minute // for tests of the unchanged tree, which may first compile it
	shortestLimit = 20 * time.Second // for a mutant, so that compiling it always fits
	limitFactor   = 10               // times what the unchanged tests took
)

// runner tests mutants of the module at root. It is safe for concurrent use.
type runner struct {
	root    string // absolute
	scratch string // for mutated files; the caller removes it
}

// errTestsFail says that a mutant could not be told from the original.
var errTestsFail = errors.New("the tests fail without any mutant")

// baseline runs the tests on the unchanged tree and returns the time limit for a
// mutant. When that took long it runs them again: the first time may have gone
// into compiling dependencies.
func (r *runner) baseline(ctx context.Context, tests []string) (time.Duration, error) {
	took := time.Duration(0)
	for attempt := 0; attempt == 0 || attempt == 1 && limitFactor*took > shortestLimit; attempt++ {
		start := time.Now()
		output, err := r.goTest(ctx, baselineLimit, tests)
		if err != nil && ctx.Err() == nil {
			return 0, fmt.Errorf("%s: %w: %w\n%s", strings.Join(tests, " "), errTestsFail, err, output)
		} else if err != nil {
			return 0, ctx.Err()
		}
		took = time.Since(start)
	}
	return max(shortestLimit, limitFactor*took), nil
}

// try tests one mutant.
func (r *runner) try(ctx context.Context, m mutant, id int, tests []string, limit time.Duration) (verdict, error) {
	overlay, err := r.overlay(m, id)
	if err != nil {
		return 0, err
	}
	output, err := r.goTest(ctx, limit, tests, "-overlay="+overlay)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err == nil:
		return survived, nil
	case errors.Is(err, context.DeadlineExceeded):
		return killed, nil
	case !errors.As(err, &exit):
		return 0, fmt.Errorf("testing %s: %w", m, err)
	case bytes.Contains(output, []byte("[build failed]")):
		return invalid, nil
	case !bytes.Contains(output, []byte("FAIL")):
		return 0, fmt.Errorf("testing %s: go test says nothing of a failed test: %w\n%s", m, err, output)
	default:
		return killed, nil
	}
}

// overlay writes the mutated file and the map that puts it in the original's
// place, and returns the map's path.
func (r *runner) overlay(m mutant, id int) (string, error) {
	original := filepath.Join(r.root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(original)
	if err != nil {
		return "", fmt.Errorf("reading what is to be mutated: %w", err)
	}
	dir := filepath.Join(r.scratch, strconv.Itoa(id))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("making room for a mutant: %w", err)
	}
	mutated := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(mutated, m.apply(source), 0o600); err != nil {
		return "", fmt.Errorf("writing a mutant: %w", err)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	if err != nil {
		return "", fmt.Errorf("writing an overlay: %w", err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		return "", fmt.Errorf("writing an overlay: %w", err)
	}
	return path, nil
}

// goTest runs the packages' tests within limit. Past it the error is
// context.DeadlineExceeded, and the test binary is gone too: go test and all that
// it started share a process group.
func (r *runner) goTest(ctx context.Context, limit time.Duration, dirs []string, extra ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	args := append([]string{"test", "-count=1", "-failfast", "-vet=off", "-p=1", "-ldflags=-s -w"}, extra...)
	for _, dir := range dirs {
		args = append(args, "./"+dir)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	output, err := cmd.CombinedOutput()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return output, err
}
