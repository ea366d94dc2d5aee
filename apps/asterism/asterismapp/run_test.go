package asterismapp_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/asterism-k8s/asterism/apps/asterism/asterismapp"
)

// system returns surroundings that hold nothing: no input, no environment, no
// terminal, a clock that stands.
func system(t *testing.T) asterismapp.System {
	t.Helper()
	return asterismapp.System{
		Stdin:         strings.NewReader(""),
		Stdout:        io.Discard,
		Stderr:        io.Discard,
		Getenv:        func(string) string { return "" },
		Now:           func() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) },
		TerminalWidth: func() int { return 0 },
	}
}

func runTool(t *testing.T, s asterismapp.System, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	if s.Stdout == io.Discard {
		s.Stdout = &out
	}
	s.Stderr = &problems
	if code := asterismapp.Run(s, args); code != want {
		t.Fatalf("exit code %d of %q, want %d\n%s%s", code, args, want, &out, &problems)
	}
	return out.String(), problems.String()
}

func example(name string) string { return filepath.Join(docs, "examples", name) }

func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestColours(t *testing.T) {
	cases := map[string]struct {
		width       int
		environment map[string]string
		want        bool
	}{
		"terminal":          {width: 100, want: true},
		"pipe":              {},
		"NO_COLOR":          {width: 100, environment: map[string]string{"NO_COLOR": "1"}},
		"dumb terminal":     {width: 100, environment: map[string]string{"TERM": "dumb"}},
		"COLUMNS in a pipe": {environment: map[string]string{"COLUMNS": "100"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := system(t)
			s.TerminalWidth = func() int { return c.width }
			s.Getenv = environment(c.environment)
			stdout, _ := runTool(t, s, 4, "explain", example("claims-refused.json"), "-p", example("policy.yaml"))
			if got := strings.Contains(stdout, "\x1b[31mREFUSED\x1b[0m"); got != c.want {
				t.Errorf("coloured is %v:\n%.200q", got, stdout)
			}
			if !c.want && strings.Contains(stdout, "\x1b") {
				t.Error("an escape sequence where there should be none")
			}
		})
	}
}

func TestWidth(t *testing.T) {
	cases := map[string]struct {
		terminal int
		columns  string
		want     int
	}{
		"pipe":                 {want: 80},
		"terminal":             {terminal: 100, want: 100},
		"COLUMNS goes first":   {terminal: 100, columns: "120", want: 120},
		"COLUMNS is no number": {columns: "wide", want: 80},
		"too narrow":           {columns: "10", want: 78},
		"too wide":             {terminal: 1000, want: 160},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := system(t)
			s.TerminalWidth = func() int { return c.terminal }
			s.Getenv = environment(map[string]string{"COLUMNS": c.columns, "NO_COLOR": "1"})
			stdout, _ := runTool(t, s, 4, "explain", example("claims-refused.json"), "-p", example("policy.yaml"))
			if got := widest(stdout); got > c.want || got < c.want-12 {
				t.Errorf("the widest line has %d columns, want up to %d", got, c.want)
			}
		})
	}
}

func widest(text string) int {
	most := 0
	for line := range strings.SplitSeq(text, "\n") {
		most = max(most, len([]rune(line)))
	}
	return most
}

// TestClock makes sure that a verdict is as of now where --at is not given.
func TestClock(t *testing.T) {
	s := system(t)
	runTool(t, s, 0, "explain", example("claims-admitted.json"), "-p", example("policy.yaml"))
	s.Now = func() time.Time { return time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC) }
	runTool(t, s, 4, "explain", example("claims-admitted.json"), "-p", example("policy.yaml"))
}

// TestTDX explains a machine whose registers are of another kind.
func TestTDX(t *testing.T) {
	s := system(t)
	s.Stdin = strings.NewReader(tdxClaims)
	stdout, _ := runTool(t, s, 4, "explain", "-", "-p", example("policy.yaml"))
	for _, want := range []string{"RTMR_MISMATCH", "RTMR[2]", "LAUNCH_DIGEST_MISMATCH", "warn      TCB_STATUS_NOT_ACCEPTED"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
}

// tdxClaims are of a TDX machine that measured nothing of a known release.
const tdxClaims = `{"platform": "qemu-tdx", "tdx": {"mrtd": "` + zeros + `", "fmspc": "00806f050000",
  "teeTCBSVN": "05010200000000000000000000000000", "tcbStatus": "SWHardeningNeeded", "tcbEvaluationDataNumber": 19,
  "debug": false, "migratable": false, "septVEDisable": true}}`

const zeros = "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestOutputFails tells a failure of the machine from one of the input.
func TestOutputFails(t *testing.T) {
	for _, args := range [][]string{
		{"version"},
		{"version", "-o", "json"},
		{"policy", "schema"},
		{"policy", "lint", example("policy.yaml")},
		{"explain", example("claims-refused.json"), "-p", example("policy.yaml")},
	} {
		s := system(t)
		s.Stdout = failingWriter{}
		_, stderr := runTool(t, s, 1, args...)
		if stderr != "asterism: writing the output: no space left\n" {
			t.Errorf("%q says %q", args, stderr)
		}
	}
}

func TestInputFails(t *testing.T) {
	s := system(t)
	s.Stdin = iotest.ErrReader(errors.New("connection lost"))
	_, stderr := runTool(t, s, 3, "policy", "hash", "-")
	if !strings.HasPrefix(stderr, "asterism: cannot read standard input: connection lost\n") {
		t.Errorf("says %q", stderr)
	}
}

func TestDocsCannotBeWritten(t *testing.T) {
	runTool(t, system(t), 1, "gen-docs", example("policy.yaml"))
}

// TestOversizedInput reads no more than there may be.
func TestOversizedInput(t *testing.T) {
	s := system(t)
	endless := &countingReader{}
	s.Stdin = endless
	_, stderr := runTool(t, s, 3, "explain", "-", "-p", example("policy.yaml"))
	if !strings.Contains(stderr, "is too large: more than 4194304 bytes") {
		t.Errorf("says %q", stderr)
	}
	if endless.read > 5<<20 {
		t.Errorf("%d bytes were read", endless.read)
	}
}

type countingReader struct{ read int }

func (r *countingReader) Read(p []byte) (int, error) {
	r.read += len(p)
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
