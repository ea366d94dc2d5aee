package policyfile

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a tree.
const (
	maxDepth = 32
	maxNodes = 1 << 20
)

type kind uint8

const (
	scalar kind = iota
	sequence
	mapping
)

// form says how a scalar is written, which decides what it may stand for.
type form uint8

const (
	plain   form = iota // YAML without quotes: text, number or boolean as needed
	quoted              // text
	number              // JSON
	boolean             // JSON
	null
)

// node is a value in a file.
type node struct {
	kind    kind
	form    form   // of a scalar
	text    string // of a scalar, unquoted but otherwise as written
	at      place  // where to point: for a member that is no scalar, at its key
	items   []*node
	members []member
}

// member is one entry of a mapping. Keys are scalars and may repeat.
type member struct{ key, value *node }

// add appends a member, and lets a value of several lines begin at its key.
func (n *node) add(key, value *node) {
	if value.kind != scalar {
		value.at = key.at
	}
	n.members = append(n.members, member{key, value})
}

// member returns the first value under a key, nil where there is none.
func (n *node) member(key string) *node {
	for _, m := range n.members {
		if m.key.text == key {
			return m.value
		}
	}
	return nil
}

// find returns the node that a path such as "releases[0].name" leads to, or the
// nearest one above it that exists.
func (n *node) find(path string) *node {
	for path != "" {
		step, rest := nextStep(path)
		next := n.child(step)
		if next == nil {
			return n
		}
		n, path = next, rest
	}
	return n
}

// nextStep cuts the first step off a path: "name" or "[0]".
func nextStep(path string) (step, rest string) {
	path = strings.TrimPrefix(path, ".")
	if end := strings.IndexByte(path, ']'); path != "" && path[0] == '[' && end > 0 {
		return path[:end+1], path[end+1:]
	}
	if end := strings.IndexAny(path, ".["); end > 0 {
		return path[:end], path[end:]
	}
	return path, ""
}

func (n *node) child(step string) *node {
	digits, isIndex := strings.CutPrefix(step, "[")
	if !isIndex {
		return n.member(step)
	}
	i, err := strconv.Atoi(strings.TrimSuffix(digits, "]"))
	if err != nil || i < 0 || i >= len(n.items) {
		return nil
	}
	return n.items[i]
}

// describe says what a node is, for people. Literals of JSON are short.
func (n *node) describe() string {
	switch {
	case n.kind == mapping:
		return "a mapping"
	case n.kind == sequence:
		return "a list"
	case n.form == null:
		return "null"
	case n.form == quoted:
		return "quoted text"
	case n.form == number, n.form == boolean:
		return n.text
	default:
		return quote(n.text)
	}
}

// quote returns text from a file so that it can be shown.
func quote(text string) string { return strconv.Quote(shorten(text, 64)) }

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// under joins a path and a key. A key that could be no field's is quoted.
func under(path, key string) string {
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return !isNameRune(r) }) {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}
