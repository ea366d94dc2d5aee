package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds one event in bytes. A test that logs a megabyte is rude but
// real; beyond this the input is not what it claims to be.
const maxLine = 16 << 20

var errNoEvents = errors.New("the file holds no event")

// lineError says at which line of its input a source broke off.
type lineError struct {
	line int // from 1
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

// eachEvent decodes newline-delimited JSON, one object of type T a line, and
// stops at the first line that is none. Unknown fields are ignored.
func eachEvent[T any](r io.Reader, handle func(T) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	number := 0
	for lines.Scan() {
		number++
		var event T
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return &lineError{number, fmt.Errorf("not a JSON event: %w", err)}
		}
		if err := handle(event); err != nil {
			return &lineError{number, err}
		}
	}
	if err := lines.Err(); err != nil {
		return &lineError{number + 1, fmt.Errorf("reading (a line may have %d bytes): %w", maxLine, err)}
	}
	if number == 0 {
		return errNoEvents
	}
	return nil
}
