package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
)

// The exit codes: a usage error is told apart from a test run that failed.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	complain := log.New(stderr, "testsummary: ", 0)
	opts, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		complain.Print(err)
		return exitUsage
	}
	summary := summarise(readSuites(opts), opts)
	if _, err := io.WriteString(stdout, summary.report()); err != nil {
		complain.Printf("printing the summary: %v", err)
		return exitFailed
	}
	return summary.exitCode()
}

// readSuites reads every source. One that cannot be read to its end keeps what
// was read and gains a failed entry that says why.
func readSuites(opts options) []*suite {
	var suites []*suite
	for _, path := range opts.buildEvents {
		suites = append(suites, readFile("bazel", path, newBuildEvents(opts.module).read))
	}
	for _, path := range opts.goTests {
		suites = append(suites, readFile("go test", path, readGoTest))
	}
	return suites
}

func readFile(kind, path string, read func(io.Reader, *suite) error) *suite {
	s := newSuite(kind + " " + path)
	f, err := os.Open(path)
	if err == nil {
		defer func() { _ = f.Close() }() // opened for reading: nothing to lose
		err = read(f, s)
	}
	if err != nil {
		s.fail(identity{Package: "input " + path}, fmt.Sprintf("reading %s: %v", path, err))
	}
	return s
}
