package policyfile

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// written returns the text of a scalar that is text, or that is YAML without
// quotes and so whatever is wanted of it.
func (n *node) written(forms ...form) (string, bool) {
	if n.kind != scalar {
		return "", false
	}
	for _, f := range append(forms, plain) {
		if n.form == f {
			return n.text, true
		}
	}
	return "", false
}

// text lets a value read itself, from exactly what is written.
func (d *decoder) text(path string, n *node, target encoding.TextUnmarshaler) {
	written, ok := n.written(quoted)
	if !ok {
		d.mismatch(path, n, reflect.TypeOf(target).Elem(), adviceOnText(n))
		return
	}
	if err := target.UnmarshalText([]byte(written)); err != nil {
		d.problems.add(n.at, path, "%s", unreadable(written, target, err))
	}
}

// unreadable says why a text cannot be read. What package time has to say of its
// layouts helps nobody who does not program in Go.
func unreadable(written string, target encoding.TextUnmarshaler, err error) string {
	switch target.(type) {
	case *time.Time, *policy.Duration:
		return "is " + quote(written) + ", want " + want(reflect.TypeOf(target).Elem())
	default:
		return err.Error()
	}
}

func adviceOnText(n *node) string {
	if n.kind == scalar {
		return "; put it in quotes"
	}
	return ""
}

// basic reads text, numbers and booleans.
func (d *decoder) basic(path string, n *node, v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		written, ok := n.written(quoted)
		if !ok {
			d.mismatch(path, n, v.Type(), adviceOnText(n))
			return
		}
		v.SetString(written)
	case v.Kind() == reflect.Bool:
		d.boolean(path, n, v)
	case v.CanUint():
		d.integer(path, n, v, func(text string) error {
			parsed, err := strconv.ParseUint(text, 10, v.Type().Bits())
			v.SetUint(parsed)
			return err
		})
	case v.CanInt():
		d.integer(path, n, v, func(text string) error {
			parsed, err := strconv.ParseInt(text, 10, v.Type().Bits())
			v.SetInt(parsed)
			return err
		})
	default:
		d.problems.add(n.at, path, "is of a type that this program does not read: %v", v.Type())
	}
}

func (d *decoder) boolean(path string, n *node, v reflect.Value) {
	written, ok := n.written(boolean)
	if !ok || written != "true" && written != "false" {
		d.mismatch(path, n, v.Type(), adviceOnQuotes(n))
		return
	}
	v.SetBool(written == "true")
}

// integer reads decimal digits. YAML's other notations are refused: whether 010
// is ten or eight depends on the reader.
func (d *decoder) integer(path string, n *node, v reflect.Value, parse func(string) error) {
	written, ok := n.written(number)
	if !ok || !isDecimal(written) {
		d.mismatch(path, n, v.Type(), adviceOnQuotes(n))
		return
	}
	if err := parse(written); err != nil {
		d.problems.add(n.at, path, "is out of range, want %s", want(v.Type()))
	}
}

func adviceOnQuotes(n *node) string {
	if n.kind == scalar && n.form == quoted {
		return "; drop the quotes"
	}
	return ""
}

// isDecimal accepts what RFC 8259 has as the integer part of a number.
func isDecimal(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || digits != "0" && digits[0] == '0' {
		return false
	}
	return !strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}

// want says what a value of the type looks like, for people.
func want(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Time]():
		return "a time as in 2026-01-31T00:00:00Z"
	case reflect.TypeFor[policy.Duration]():
		return "a length of time as in 720h"
	case reflect.TypeFor[measurement.Digest](), reflect.TypeFor[policy.Hex]():
		return "lower-case hexadecimal text"
	case reflect.TypeFor[measurement.Registers]():
		return "a mapping"
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "text"
	}
	return wantKind(t)
}

func wantKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return want(t.Elem())
	case reflect.Struct, reflect.Map:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return "a whole number in decimal digits from 0 to " + strconv.FormatUint(1<<t.Bits()-1, 10)
	case reflect.String:
		return "text"
	default:
		return "a whole number in decimal digits"
	}
}
