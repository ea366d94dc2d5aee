package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// The exit codes.
const (
	exitAllKilled = 0
	exitSurvivor  = 1
	exitNoAnswer  = 2
)

const usage = `Usage: mutate [flags]

Changes the code that targets.txt names, one place at a time, and reports every
change that the package's tests do not notice. Sources are never changed;
what a failing test leaves in testdata is the test's.

  go run ./tools/mutate                        # everything, minutes
  go run ./tools/mutate -target domain/policy  # while working on one package
  go run ./tools/mutate -list                  # what would be changed

A survivor asks for a test. When it means the same as the original, waive it below
its target in targets.txt, with the reason:

  ! file.go:Type.Method: original => mutated: why no test can tell them apart

Exit codes: 0 when every mutant is killed, waived or does not compile; 1 when one
survived; 2 when there is no answer: a target without file or mutants, a waiver
that matches nothing, tests that fail without a mutant.

Flags:
`

// options is the command line.
type options struct {
	root, list, target string
	only               bool // list, do not run
	jobs               int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitAllKilled
	}
	var total counts
	if err == nil {
		total, err = mutate(ctx, opts, stdout)
	}
	if err != nil {
		log.New(stderr, "mutate: ", 0).Print(err)
		return exitNoAnswer
	}
	if total.survived > 0 {
		return exitSurvivor
	}
	return exitAllKilled
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		log.New(stderr, "", 0).Print(usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&opts.root, "C", ".", "mutate the module at `FOLDER`")
	flags.StringVar(&opts.list, "targets", "tools/mutate/targets.txt", "the list, a `FILE` relative to the module")
	flags.StringVar(&opts.target, "target", "", "only targets whose line contains `TEXT`")
	flags.BoolVar(&opts.only, "list", false, "print the mutants and run none")
	flags.IntVar(&opts.jobs, "jobs", 2, "mutants tested at the same time, each by about one core")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 || opts.jobs < 1 {
		return options{}, fmt.Errorf("want no arguments and at least one job, got %q and %d", flags.Args(), opts.jobs)
	}
	root, err := filepath.Abs(opts.root)
	opts.root = root
	return opts, err
}

func mutate(ctx context.Context, opts options, out io.Writer) (counts, error) {
	selected, err := selectWork(opts)
	if err != nil {
		return counts{}, err
	}
	if opts.only {
		return counts{}, list(selected, out)
	}
	scratch, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return counts{}, fmt.Errorf("making room for mutants: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // leftovers lie in the system's temporary folder
	return newHunt(&runner{root: opts.root, scratch: scratch}, opts.jobs, log.New(out, "", 0)).all(ctx, selected)
}

func selectWork(opts options) ([]work, error) {
	name := opts.list
	if !filepath.IsAbs(name) {
		name = filepath.Join(opts.root, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the list of targets: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading: nothing to lose
	targets, waivers, err := readTargets(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opts.list, err)
	}
	targets = slices.DeleteFunc(targets, func(t target) bool { return !strings.Contains(t.String(), opts.target) })
	if len(targets) == 0 {
		return nil, fmt.Errorf("no target contains %q", opts.target)
	}
	selected, err := selectMutants(opts.root, targets, waivers, opts.target == "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opts.list, err)
	}
	return selected, nil
}

// list prints the mutants of every target, the waived ones marked.
func list(selected []work, out io.Writer) error {
	var b strings.Builder
	count := 0
	for _, w := range selected {
		for _, m := range w.mutants {
			fmt.Fprintln(&b, m)
		}
		for _, m := range w.waived {
			fmt.Fprintf(&b, "%s, waived\n", m)
		}
		count += len(w.mutants) + len(w.waived)
	}
	fmt.Fprintf(&b, "%d mutants\n", count)
	_, err := io.WriteString(out, b.String())
	return err
}
