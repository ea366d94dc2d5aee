package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
)

const usage = `Usage: testsummary [flags]

Merges Bazel's build events and go test -json streams, counts each test once and
ends with the line "N passed, N failed, N skipped".

  bazel test --build_event_json_file=bep.json --test_env=GO_TEST_WRAP_TESTV=1 //...
  go test -race -json ./adapters/... > race.json
  testsummary -bep bep.json -gotest race.json -skip 'virtual machines: no /dev/kvm here'

Exit codes: 0 when all is well; 1 when a test failed, was skipped without a
reason, an input is missing or malformed, or nothing was counted under
-fail-on-empty; 2 when the flags make no sense.

Flags:
`

// skippedSuite is a whole suite that this machine could not run.
type skippedSuite struct {
	name, reason string
}

// options is the command line, checked.
type options struct {
	buildEvents []string // files of Bazel's build events, newline-delimited JSON
	goTests     []string // files of go test -json
	module      string   // the Go module whose root is Bazel's //
	failOnEmpty bool
	skipped     []skippedSuite
}

// parseOptions reads the flags; help and flag errors are written to stderr.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("testsummary", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		log.New(stderr, "", 0).Print(usage)
		flags.PrintDefaults()
	}
	flags.Func("bep", "`FILE` of Bazel's --build_event_json_file (repeatable)", appendTo(&opts.buildEvents))
	flags.Func("gotest", "`FILE` of go test -json (repeatable)", appendTo(&opts.goTests))
	flags.StringVar(&opts.module, "module", "", "Go module `PATH` of Bazel's labels (default: read from ./go.mod)")
	flags.BoolVar(&opts.failOnEmpty, "fail-on-empty", false, "fail when no test was counted")
	flags.Func("skip", "`'SUITE: REASON'` of a suite that could not run on this machine (repeatable)", opts.addSkip)
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q: every input is named by a flag", flags.Arg(0))
	}
	err := opts.complete()
	return opts, err
}

func appendTo(list *[]string) func(string) error {
	return func(value string) error {
		if value == "" {
			return errors.New("a file name is needed")
		}
		*list = append(*list, value)
		return nil
	}
}

func (o *options) addSkip(value string) error {
	name, reason, found := strings.Cut(value, ":")
	name, reason = strings.TrimSpace(name), strings.TrimSpace(reason)
	if !found || name == "" || reason == "" {
		return fmt.Errorf("%q: write it as 'SUITE: REASON'", value)
	}
	o.skipped = append(o.skipped, skippedSuite{name: name, reason: reason})
	return nil
}

// complete finds the module path, which only Bazel's labels need.
func (o *options) complete() error {
	if o.module != "" || len(o.buildEvents) == 0 {
		return nil
	}
	f, err := os.Open("go.mod")
	if err != nil {
		return fmt.Errorf("finding the module path (or give -module): %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading: nothing to lose
	o.module, err = modulePath(f)
	return err
}

// modulePath returns the path in the module line of a go.mod file.
func modulePath(r io.Reader) (string, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) >= 2 && fields[0] == "module" {
			return strings.Trim(fields[1], `"`), nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("reading go.mod: %w", err)
	}
	return "", errors.New("go.mod has no module line: give -module")
}
