package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
)

var errCutOff = errors.New("the file ends before Bazel's last message: the build was interrupted or the file was cut off")

// buildEvents reads Bazel's build event files of one Go module.
type buildEvents struct {
	module string
}

func newBuildEvents(module string) *buildEvents { return &buildEvents{module: module} }

// buildStream follows one file.
type buildStream struct {
	module string
	suite  *suite
	tests  map[string]int // counted test cases by label of a test target that passed
	last   bool
}

// read reads one file into s and opens the test.xml files it names, which must
// still be there. Events of other kinds are ignored.
func (b *buildEvents) read(r io.Reader, s *suite) error {
	stream := buildStream{module: b.module, suite: s, tests: map[string]int{}}
	err := eachEvent(r, stream.handle)
	if err == nil {
		err = stream.close()
	}
	return err
}

func (b *buildStream) handle(e buildEvent) error {
	b.last = b.last || e.LastMessage
	if e.ID == nil {
		return errors.New("an event without an id: is this Bazel's --build_event_json_file?")
	}
	label := e.ID.label()
	switch {
	case e.TestResult != nil:
		b.testResult(label, e.TestResult)
	case e.Aborted != nil:
		b.aborted(label, e.Aborted)
	case e.Completed != nil && !e.Completed.Success:
		b.fail(label, "did not build", e.Completed.FailureDetail.Message)
	case e.Action != nil && !e.Action.Success && e.Action.Type != "TestRunner":
		b.failedAction(label, e.Action)
	case e.TestSummary != nil:
		b.testSummary(label, e.TestSummary)
	case e.Finished != nil:
		b.finished(e.Finished)
	}
	return nil
}

// fail records a failure of a whole target under its package.
func (b *buildStream) fail(label, what, why string, output ...string) {
	lines := append([]string{strings.TrimSuffix(label+": "+what+": "+why, ": ")}, output...)
	b.suite.fail(identity{Package: packageOf(b.module, label)}, lines...)
}

// aborted counts a target or pattern that Bazel gave up on. One that is
// incompatible with this platform is skipped, for the reason Bazel gives.
func (b *buildStream) aborted(label string, a *aborted) {
	switch {
	case label == "":
	case a.Reason == "SKIPPED":
		reason := strings.TrimSpace("not for this platform: " + a.Description)
		b.suite.record(identity{Package: packageOf(b.module, label), Test: targetName(label)}, result{outcome: skipped, reason: reason})
	default:
		b.fail(label, "not built ("+strings.ToLower(a.Reason)+")", a.Description)
	}
}

func (b *buildStream) failedAction(label string, a *actionExecuted) {
	output := append(readTail(a.Stdout.URI), readTail(a.Stderr.URI)...)
	b.fail(label, a.Type+" failed", a.FailureDetail.Message, output...)
}

// testSummary catches targets whose tests never ran, of which no result tells.
func (b *buildStream) testSummary(label string, s *testSummary) {
	switch s.OverallStatus {
	case "FAILED_TO_BUILD", "NO_STATUS", "TOOL_HALTED_BEFORE_TESTING", "":
		b.fail(label, "did not run", s.OverallStatus)
	}
}

// testResult counts the cases of one attempt's report. What no case accounts for,
// such as a timeout or a report that is not there, fails the target's package.
func (b *buildStream) testResult(label string, r *testResult) {
	if r.CachedLocally || r.ExecutionInfo.CachedRemotely {
		b.suite.cached++
	}
	cases, failures, err := b.report(label, r.output("test.xml"))
	switch {
	case err != nil && r.passed():
		b.fail(label, "passed, but its report cannot be read", err.Error())
	case r.passed():
		b.tests[label] += cases
	case failures == 0:
		why := r.StatusDetails
		if err != nil {
			why = strings.TrimPrefix(why+"; "+err.Error(), "; ")
		}
		b.fail(label, "test run ended with "+r.Status, why, readTail(r.output("test.log"))...)
	}
}

// report records the cases of the test.xml at uri and returns how many there are
// and how many of them failed.
func (b *buildStream) report(label, uri string) (cases, failures int, err error) {
	f, err := openURI(uri)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }() // opened for reading: nothing to lose
	err = readReport(f, func(c testCase) error {
		r, err := c.result()
		if err != nil {
			return err
		}
		cases++
		if r.outcome == failed {
			failures++
		}
		b.suite.record(caseIdentity(b.module, label, c), r)
		return nil
	})
	if err != nil {
		return cases, failures, fmt.Errorf("%s: %w", uri, err)
	}
	return cases, failures, nil
}

// finished fails the build itself when it ended badly and nothing above says why.
// Exit codes 3 and 4 tell of failed and of absent tests, which are counted.
func (b *buildStream) finished(f *finished) {
	const success, testsFailed, noTests = 0, 3, 4
	switch f.ExitCode.Code {
	case success, testsFailed, noTests:
		return
	}
	for _, r := range b.suite.results {
		if r.outcome == failed {
			return
		}
	}
	b.suite.fail(identity{Package: "bazel"}, fmt.Sprintf("ended with %s (exit code %d)", f.ExitCode.Name, f.ExitCode.Code))
}

func (b *buildStream) close() error {
	if !b.last {
		return errCutOff
	}
	for label, cases := range b.tests {
		if cases == 0 {
			b.suite.hollow = append(b.suite.hollow, label)
		}
	}
	return nil
}

var errNotLocal = errors.New("not a file:// address: fetch test outputs with --remote_download_outputs=all")

func openURI(uri string) (*os.File, error) {
	if uri == "" {
		return nil, errors.New("the event names no test.xml")
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("address of a test output: %w", err)
	}
	if u.Scheme != "file" {
		return nil, fmt.Errorf("%s: %w", uri, errNotLocal)
	}
	return os.Open(u.Path)
}

// readTail returns the last lines of a log that explains a failure. A log that is
// not there explains nothing; the failure counts all the same.
func readTail(uri string) []string {
	if uri == "" {
		return nil
	}
	f, err := openURI(uri)
	if err != nil {
		return []string{"(log not readable: " + err.Error() + ")"}
	}
	defer func() { _ = f.Close() }() // opened for reading: nothing to lose
	var t tail
	if _, err := io.Copy(tailWriter{&t}, f); err != nil {
		t.write("\n(log not readable further: " + err.Error() + ")")
	}
	return t.text()
}

// tailWriter lets io.Copy fill a tail.
type tailWriter struct{ t *tail }

func (w tailWriter) Write(p []byte) (int, error) {
	w.t.write(string(p))
	return len(p), nil
}
