package canonicaljson

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// errSource says that the source is none of encoding/json's.
var errSource = errors.New("not what encoding/json writes")

// writer copies what encoding/json wrote, which is compact and well-formed, and
// only sorts objects and rewrites strings with escapes in them. It does not take
// the value apart: encoding is most of what an entry of the ledger costs.
type writer struct {
	src []byte // what is left
	dst []byte
}

// member is one of an object's, in dst.
type member struct {
	key        string
	start, end int
}

// value copies one value.
func (w *writer) value() error {
	if len(w.src) == 0 {
		return errSource
	}
	switch w.src[0] {
	case '{':
		return w.object()
	case '[':
		return w.array()
	case '"':
		return w.text()
	default:
		return w.word()
	}
}

// word copies a number, true, false or null.
func (w *writer) word() error {
	n := bytes.IndexAny(w.src, ",]}")
	switch {
	case n < 0:
		n = len(w.src)
	case n == 0:
		return errSource
	}
	w.copy(n)
	return nil
}

func (w *writer) copy(n int) {
	w.dst = append(w.dst, w.src[:n]...)
	w.src = w.src[n:]
}

// text copies a string; one with escapes is written anew.
func (w *writer) text() error {
	end, escaped := stringEnd(w.src)
	if end < 0 {
		return errSource
	}
	if !escaped {
		w.copy(end)
		return nil
	}
	var s string
	if err := json.Unmarshal(w.src[:end], &s); err != nil {
		return err
	}
	w.dst, w.src = appendString(w.dst, s), w.src[end:]
	return nil
}

// stringEnd returns how long the string at the beginning is, and whether there are
// escapes in it; -1 where it has no end.
func stringEnd(src []byte) (end int, escaped bool) {
	for i := 1; i < len(src); i++ {
		switch src[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			escaped = true
			i++
		}
	}
	return -1, escaped
}

func (w *writer) array() error {
	w.copy(1)
	for !w.closes(']') {
		if err := w.value(); err != nil {
			return err
		}
		if err := w.comma(']'); err != nil {
			return err
		}
	}
	w.copy(1)
	return nil
}

// object copies the members as they come and then sorts them, by bytes, which for
// ASCII keys is the order of UTF-16 code units that RFC 8785, section 3.2.3, asks
// for.
func (w *writer) object() error {
	w.copy(1)
	first := len(w.dst)
	var few [16]member
	members := few[:0]
	for !w.closes('}') {
		m, err := w.member()
		if err != nil {
			return err
		}
		members = append(members, m)
		if err := w.comma('}'); err != nil {
			return err
		}
	}
	w.sort(first, members)
	w.copy(1)
	return nil
}

func (w *writer) member() (member, error) {
	start := len(w.dst)
	if len(w.src) == 0 || w.src[0] != '"' {
		return member{}, errSource
	}
	if err := w.text(); err != nil {
		return member{}, err
	}
	key, err := keyOf(w.dst[start:])
	if err != nil || !w.closes(':') {
		return member{}, errSource
	}
	w.copy(1)
	err = w.value()
	return member{key, start, len(w.dst)}, err
}

// keyOf returns a key without quotes and escapes.
func keyOf(quoted []byte) (key string, err error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	err = json.Unmarshal(quoted, &key)
	return key, err
}

// sort puts the members from first on in order, with commas between them.
func (w *writer) sort(first int, members []member) {
	byKey := func(a, b member) int { return strings.Compare(a.key, b.key) }
	if slices.IsSortedFunc(members, byKey) {
		return
	}
	slices.SortFunc(members, byKey)
	sorted := make([]byte, 0, len(w.dst)-first)
	for i, m := range members {
		if i > 0 {
			sorted = append(sorted, ',')
		}
		sorted = append(sorted, w.dst[m.start:m.end]...)
	}
	copy(w.dst[first:], sorted)
}

func (w *writer) closes(b byte) bool { return len(w.src) > 0 && w.src[0] == b }

// comma goes past what stands behind a member or an element. A comma is copied.
func (w *writer) comma(end byte) error {
	if w.closes(end) {
		return nil
	}
	if !w.closes(',') {
		return errSource
	}
	w.copy(1)
	if w.closes(end) {
		return errSource
	}
	return nil
}
