package join

import (
	"fmt"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
)

const maxSerial = 1<<53 - 1 // what every JSON reader can hold

// InvalidError says everything that is wrong with a document.
type InvalidError struct {
	Kind     error // ErrPolicy, ErrRecord, ErrRequest or ErrWaiting
	Problems []policy.Problem
}

// Error returns all problems in one line.
func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return e.Kind.Error() + ": " + strings.Join(texts, "; ")
}

// Unwrap returns the kind.
func (e *InvalidError) Unwrap() error { return e.Kind }

// problems collects what is wrong.
type problems struct{ list []policy.Problem }

func (ps *problems) add(path, format string, args ...any) {
	ps.list = append(ps.list, policy.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// check adds an error.
func (ps *problems) check(path string, err error) {
	if err != nil {
		ps.add(path, "%v", err)
	}
}

// serial wants one that JSON can hold, and that something has.
func (ps *problems) serial(path string, serial uint64) {
	if serial == 0 || serial > maxSerial {
		ps.add(path, "must be from 1 to %d", uint64(maxSerial))
	}
}

// instant wants what a record's times are: UTC, whole milliseconds.
func (ps *problems) instant(path string, t time.Time) {
	if t.IsZero() || !t.Equal(instant(t)) || t.Location() != time.UTC || t.Year() > 9999 || t.Year() < 1 {
		ps.add(path, "must be in UTC and in whole milliseconds")
	}
}

// instant returns t as documents hold times.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// err returns an *InvalidError where there are problems.
func (ps *problems) err(kind error) error {
	if len(ps.list) == 0 {
		return nil
	}
	return &InvalidError{kind, ps.list}
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
