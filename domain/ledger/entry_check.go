package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Bounds of what entries hold.
const (
	MaxCodes  = 64        // of a list
	MaxKeys   = 64        // of a release
	maxNumber = 1<<53 - 1 // what every JSON reader can hold
	maxText   = 256       // bytes
	maxCode   = 64        // bytes
)

// ErrEntry is wrapped by every error about entries.
var ErrEntry = errors.New("not a ledger entry")

// InvalidEntryError says everything that is wrong with an entry.
type InvalidEntryError struct{ Problems []policy.Problem }

// Error returns all problems in one line.
func (e *InvalidEntryError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return "invalid ledger entry: " + strings.Join(texts, "; ")
}

// Unwrap returns ErrEntry.
func (e *InvalidEntryError) Unwrap() error { return ErrEntry }

func invalidEntry(format string, args ...any) error {
	return &InvalidEntryError{[]policy.Problem{{Message: fmt.Sprintf(format, args...)}}}
}

// entryCheck collects what is wrong.
type entryCheck struct{ problems []policy.Problem }

func (c *entryCheck) add(path, format string, args ...any) {
	c.problems = append(c.problems, policy.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// validate returns an *InvalidEntryError.
func (e *Entry) validate() error {
	var c entryCheck
	c.head(e)
	for _, b := range e.bodies() {
		switch {
		case b.set && b.kind == e.Type:
			b.body.check(&c)
		case b.set:
			c.add(string(b.kind), "does not belong into an entry of type %q", string(e.Type))
		case b.kind == e.Type:
			c.add(string(b.kind), "is missing")
		}
	}
	if len(c.problems) > 0 {
		return &InvalidEntryError{c.problems}
	}
	return nil
}

func (c *entryCheck) head(e *Entry) {
	if e.Version != Version {
		c.add("version", "%.64q is not a version that this program reads; write %q", e.Version, Version)
	}
	if !slices.Contains(Types(), e.Type) {
		c.add("type", "%.64q is not a type of entry", string(e.Type))
	}
	c.instant("time", e.Time)
	if _, err := join.ParseIdentity(e.By); err != nil {
		c.add("by", "%v", err)
	}
}

// instant wants UTC and whole milliseconds.
func (c *entryCheck) instant(path string, t time.Time) {
	if !isInstant(t) {
		c.add(path, "must be in UTC and in whole milliseconds, as in 2026-01-31T00:00:00.125Z")
	}
}

func isInstant(t time.Time) bool {
	_, offset := t.Zone()
	return offset == 0 && t.Nanosecond()%int(time.Millisecond) == 0 && !t.IsZero() && t.Year() >= 1970 && t.Year() <= 9999
}

// text wants something that a line of a table can hold.
func (c *entryCheck) text(path, text string) {
	invisible := func(r rune) bool { return r <= ' ' || r > '~' }
	if text == "" || len(text) > maxText || strings.ContainsFunc(text, invisible) {
		c.add(path, "must be 1 to %d visible ASCII characters", maxText)
	}
}

// number wants what every JSON reader can hold.
func (c *entryCheck) number(path string, n, least uint64) {
	if n < least || n > maxNumber {
		c.add(path, "must be from %d to %d", least, uint64(maxNumber))
	}
}

// digest wants a SHA-256.
func (c *entryCheck) digest(path string, d measurement.Digest) {
	if d.Algorithm() != measurement.SHA256 {
		c.add(path, "is missing, or not a SHA-256")
	}
}

// optionalDigest wants a SHA-256 or nothing.
func (c *entryCheck) optionalDigest(path string, d measurement.Digest) {
	if !d.IsZero() {
		c.digest(path, d)
	}
}

func (c *entryCheck) node(path string, node join.Identity) {
	if node.IsZero() {
		c.add(path, "is missing")
	}
}

func (c *entryCheck) request(path string, id join.RequestID) {
	if id.IsZero() {
		c.add(path, "is missing")
	}
}

func (c *entryCheck) nodeName(path string, name join.NodeName) {
	if _, err := join.ParseNodeName(string(name)); err != nil {
		c.add(path, "%v", err)
	}
}

// codes wants the grammar [A-Z][A-Z0-9_]* of each.
func (c *entryCheck) codes(path string, list []policy.Code) {
	if len(list) > MaxCodes {
		c.add(path, "has %d entries, at most %d", len(list), MaxCodes)
		return
	}
	for i, code := range list {
		if !isCode(string(code)) {
			c.add(fmt.Sprintf("%s[%d]", path, i), "%.64q is not a code: 1 to %d of A-Z, and after the first also 0-9 and _", string(code), maxCode)
		}
	}
}

func isCode(code string) bool {
	foreign := func(r rune) bool { return !(r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_') }
	return code != "" && len(code) <= maxCode && code[0] >= 'A' && code[0] <= 'Z' && !strings.ContainsFunc(code, foreign)
}

// oneOf wants one of a few words.
func oneOf[T ~string](c *entryCheck, path string, value T, allowed ...T) {
	if slices.Contains(allowed, value) {
		return
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	c.add(path, "%.64q is not one of %s", string(value), strings.Join(names, ", "))
}

// set returns a sorted copy with each element once, nil of an empty list.
func set[T cmp.Ordered](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
