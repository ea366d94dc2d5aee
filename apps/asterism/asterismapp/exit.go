package asterismapp

import (
	"errors"
	"fmt"
	"io"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
)

// The exit codes, by cause. Programs may decide on them.
const (
	ExitDone    = 0 // done; of explain: admitted; of audit: sound
	ExitFailure = 1 // an unexpected failure
	ExitUsage   = 2 // wrong usage
	ExitInput   = 3 // an input cannot be read, or is invalid
	ExitRefused = 4 // refused by policy, or by the verifier before it; of audit: not sound

	ExitUnavailable = 5 // the TPM cannot be used now
)

// exitHelp explains the exit codes in help and manual pages.
const exitHelp = `Exit codes:
  0  done; with explain: the machine would be admitted
     (with audit: the ledger is sound)
  1  an unexpected failure
  2  wrong usage
  3  an input cannot be read, or is invalid
  4  refused by policy, or by the verifier before it
     (with audit: the ledger is damaged, forked, or tells what must not be)
  5  the TPM cannot be used: there is none, it is busy, or access is denied`

// errRefused ends a command whose output has told everything.
var errRefused = errors.New("refused by policy")

// usageError says that the command was called wrongly.
type usageError struct {
	command string // the one whose help to read
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

// inputError says that an input cannot be read or is invalid.
type inputError struct {
	err  error
	hint string // what to do next, a sentence
}

func (e *inputError) Error() string { return e.err.Error() }

func (e *inputError) Unwrap() error { return e.err }

// exitCode sorts an error by its cause.
func exitCode(err error) int {
	if err == nil {
		return ExitDone
	}
	if errors.Is(err, errRefused) {
		return ExitRefused
	}
	if _, ok := errors.AsType[*unsoundError](err); ok {
		return ExitRefused
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[*inputError](err); ok {
		return ExitInput
	}
	if _, ok := errors.AsType[*unavailableError](err); ok {
		return ExitUnavailable
	}
	if _, ok := errors.AsType[*lintError](err); ok {
		return ExitInput
	}
	return ExitFailure
}

// explainError tells people what went wrong, and what to do next.
func explainError(w io.Writer, err error) {
	if err == nil || errors.Is(err, errRefused) {
		return
	}
	text := err.Error()
	if invalid, ok := errors.AsType[*policyfile.Error](err); ok {
		text = invalid.Error() // begins each line with the file
	} else {
		text = "asterism: " + text
	}
	if hint := hintOn(err); hint != "" {
		text += "\n" + hint
	}
	fmt.Fprintln(w, safeLines(text))
}

// hintOn returns what to do about an error, empty where there is nothing to say.
func hintOn(err error) string {
	if usage, ok := errors.AsType[*usageError](err); ok {
		return fmt.Sprintf("Run '%s --help' for usage.", usage.command)
	}
	if input, ok := errors.AsType[*inputError](err); ok {
		return input.hint
	}
	if unavailable, ok := errors.AsType[*unavailableError](err); ok {
		return unavailable.hint
	}
	if unsound, ok := errors.AsType[*unsoundError](err); ok {
		return fmt.Sprintf("What is listed holds. Run 'asterism audit verify %s' with the same flags to see everything that does not.", unsound.folder)
	}
	return ""
}
