package asterismapp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// stdoutName stands for standard output in arguments.
const stdoutName = "-"

// displayOutput returns how a file that is written is named to people.
func displayOutput(name string) string {
	if name == stdoutName {
		return "<stdout>"
	}
	return name
}

// checkOutput says whether something may be written to a file, or to standard
// output: nothing but regular files is replaced, and no terminal is fed bytes. It
// is asked before the work is done. The error is an *inputError.
func (s *System) checkOutput(name string) error {
	if name == stdoutName {
		if s.TerminalWidth() > 0 {
			return &inputError{errors.New("evidence is not text, and standard output is a terminal"), "Name a file with -o FILE, or send the output elsewhere."}
		}
		return nil
	}
	path := s.resolve(name)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return &inputError{fmt.Errorf("%s is there already and is no regular file", name), "Name another file, or remove this one."}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return &inputError{fmt.Errorf("there is no folder for %s", name), "Make the folder first."}
	}
	return nil
}

// writeOutput writes a file whole or not at all, readable by everybody, or to
// standard output.
func (s *System) writeOutput(name string, data []byte) error {
	if name == stdoutName {
		return write(s.Stdout, data)
	}
	if err := replace(s.resolve(name), data, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", name, reason(err))
	}
	return nil
}

// replace puts a file in the place of the one before, if there was one. Readers
// see the old one or the new one, also after a crash.
func replace(path string, data []byte, mode fs.FileMode) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".asterism-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			file.Close()           //nolint:errcheck // the first error says more
			os.Remove(file.Name()) //nolint:errcheck // the same
		}
	}()
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := errors.Join(file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
