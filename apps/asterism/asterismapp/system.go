package asterismapp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// System is all that the program uses of its surroundings. No field is nil.
type System struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string // empty where a variable is not set
	Now            func() time.Time
	// TerminalWidth returns the columns of the terminal that Stdout is, 0 where
	// it is none.
	TerminalWidth func() int
}

// FromOS returns the surroundings of this process.
func FromOS() System {
	return System{
		Stdin:         os.Stdin,
		Stdout:        os.Stdout,
		Stderr:        os.Stderr,
		Getenv:        os.Getenv,
		Now:           time.Now,
		TerminalWidth: func() int { return terminalWidth(os.Stdout) },
	}
}

// stdinName stands for standard input in arguments.
const stdinName = "-"

// displayName returns how a file is named to people.
func displayName(name string) string {
	if name == stdinName {
		return "<stdin>"
	}
	return name
}

// read returns the content of a file, or of standard input. It stops one byte
// beyond limit, so that who decodes the data can refuse its size.
func (s *System) read(name string, limit int) ([]byte, error) {
	if name == stdinName {
		return readAll(s.Stdin, "standard input", limit)
	}
	file, err := os.Open(s.resolve(name))
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	return readAll(file, name, limit)
}

func readAll(r io.Reader, name string, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	return data, nil
}

// readError says that a file cannot be read.
type readError struct {
	name  string
	cause error
}

func (e *readError) Error() string { return fmt.Sprintf("cannot read %s: %v", e.name, e.cause) }

func (e *readError) Unwrap() error { return e.cause }

func unreadable(name string, err error) error {
	return &inputError{&readError{name, reason(err)}, "Check the path; - reads standard input."}
}

// reason leaves out what os says beside the cause: the caller names the file.
func reason(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}

// resolve makes a path relative to where the user is: bazel run starts programs
// elsewhere and says so in BUILD_WORKING_DIRECTORY.
func (s *System) resolve(name string) string {
	if base := s.Getenv("BUILD_WORKING_DIRECTORY"); base != "" && !filepath.IsAbs(name) {
		return filepath.Join(base, name)
	}
	return name
}

// Bounds of the width of output, in columns.
const (
	defaultWidth = 80
	minWidth     = 78 // a SHA-256 beside its label
	maxWidth     = 160
)

// width returns the columns to fill: COLUMNS, else the terminal's, else 80.
func (s *System) width() int {
	width, err := strconv.Atoi(s.Getenv("COLUMNS"))
	if err != nil || width <= 0 {
		width = s.TerminalWidth()
	}
	if width <= 0 {
		return defaultWidth
	}
	return min(max(width, minWidth), maxWidth)
}

// colours says whether words may be coloured: on a terminal, unless NO_COLOR or
// a dumb terminal forbid it.
func (s *System) colours() bool {
	return s.TerminalWidth() > 0 && s.Getenv("NO_COLOR") == "" && s.Getenv("TERM") != "dumb"
}
