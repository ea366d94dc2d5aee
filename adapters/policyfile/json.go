package policyfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// readJSON returns the one value in data as a tree, or nil and problems. Data is
// UTF-8.
func readJSON(data []byte, ps *problems) *node {
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		where := place{}
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			where = newCursor(data).at(int(syntax.Offset) - 1)
		}
		ps.add(where, "", "is not JSON: %v", err)
		return nil
	}
	w := walker{data: data, cursor: newCursor(data), problems: ps}
	root := w.value(1)
	if ps.found() {
		return nil
	}
	return root
}

// walker makes a tree of data that is known to be one JSON value.
type walker struct {
	data     []byte
	next     int // offset of what was not read yet
	nodes    int
	cursor   *cursor
	problems *problems
}

// value reads one value. After a problem it may stand anywhere within data.
func (w *walker) value(depth int) *node {
	w.space()
	n := &node{at: w.cursor.at(w.next)}
	w.nodes++
	if w.nodes > maxNodes || depth > maxDepth {
		w.problems.add(n.at, "", "is nested deeper than %d levels, or has more than %d parts", maxDepth, maxNodes)
		w.next = len(w.data)
		return n
	}
	switch c := w.peek(); c {
	case '{':
		w.object(n, depth)
	case '[':
		w.array(n, depth)
	case '"':
		n.form, n.text = quoted, w.text(n.at)
	default:
		n.form, n.text = formOfLiteral(c), w.literal()
	}
	return n
}

func (w *walker) object(n *node, depth int) {
	n.kind = mapping
	w.next++
	for w.more('}') {
		key := w.value(depth + 1)
		w.space()
		w.next++ // the colon
		n.add(key, w.value(depth+1))
	}
	w.next++
}

func (w *walker) array(n *node, depth int) {
	n.kind = sequence
	w.next++
	for w.more(']') {
		n.items = append(n.items, w.value(depth+1))
	}
	w.next++
}

// more skips to the next element, and says whether there is one.
func (w *walker) more(end byte) bool {
	w.space()
	if w.peek() == ',' {
		w.next++
		w.space()
	}
	return w.next < len(w.data) && w.peek() != end
}

// text reads a string. Escapes of half a surrogate pair stand for no character.
func (w *walker) text(at place) string {
	start := w.next
	for w.next++; w.next < len(w.data) && w.data[w.next] != '"'; w.next++ {
		if w.data[w.next] == '\\' {
			w.next++
		}
	}
	w.next++
	raw := w.data[start:min(w.next, len(w.data))]
	var text string
	err := json.Unmarshal(raw, &text)
	written := bytes.Count(raw, []byte("\ufffd")) + bytes.Count(bytes.ToLower(raw), []byte(`\ufffd`))
	if err != nil || strings.Count(text, "\ufffd") > written {
		w.problems.add(at, "", "is text with an escape that stands for no character")
	}
	return text
}

func (w *walker) literal() string {
	start := w.next
	for w.next < len(w.data) && !bytes.ContainsRune([]byte(",]} \t\r\n"), rune(w.data[w.next])) {
		w.next++
	}
	return string(w.data[start:w.next])
}

func formOfLiteral(first byte) form {
	switch first {
	case 't', 'f':
		return boolean
	case 'n':
		return null
	default:
		return number
	}
}

func (w *walker) space() {
	for w.next < len(w.data) && bytes.IndexByte([]byte(" \t\r\n"), w.data[w.next]) >= 0 {
		w.next++
	}
}

// peek returns the next byte, 0 at the end.
func (w *walker) peek() byte {
	if w.next >= len(w.data) {
		return 0
	}
	return w.data[w.next]
}

// cursor turns growing offsets into lines and columns, in one pass over the data.
type cursor struct {
	data   []byte
	offset int
	place  place
}

func newCursor(data []byte) *cursor { return &cursor{data: data, place: place{1, 1}} }

// at returns where the byte at an offset is, which must not be less than the
// offset before.
func (c *cursor) at(offset int) place {
	for ; c.offset < min(offset, len(c.data)); c.offset++ {
		switch b := c.data[c.offset]; {
		case b == '\n':
			c.place = place{c.place.line + 1, 1}
		case utf8.RuneStart(b):
			c.place.column++
		}
	}
	return c.place
}
