package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// quotedStyles are the styles in which a scalar is text whatever it looks like.
const quotedStyles = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// readYAML returns the one document in data as a tree, or nil and problems.
func readYAML(data []byte, ps *problems) *node {
	if countIndicators(data) > maxNodes {
		ps.add(place{}, "", "has too many parts, at most %d", maxNodes)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		ps.add(place{}, "", "is empty")
		return nil
	case err != nil:
		addSyntax(ps, err)
		return nil
	}
	checkAlone(decoder, ps)
	c := converter{ps}
	root := c.convert(document.Content[0], 1)
	if ps.found() {
		return nil
	}
	return root
}

// countIndicators bounds the number of nodes from above without making any:
// every node but the first needs one of these characters before it.
func countIndicators(data []byte) int {
	n := 0
	for _, c := range data {
		switch c {
		case '-', ':', ',', '?', '[', '{':
			n++
		}
	}
	return n
}

// checkAlone refuses a second document.
func checkAlone(decoder *yaml.Decoder, ps *problems) {
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		addSyntax(ps, err)
	default:
		ps.add(place{second.Line, second.Column}, "", "a second document begins here; a file holds one")
	}
}

// addSyntax takes the line out of the library's "yaml: line 3: what" and adds
// advice on the most common slip.
func addSyntax(ps *problems, err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if _, scanErr := fmt.Sscanf(text, "line %d:", &line); scanErr == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	if strings.Contains(text, "cannot start any token") {
		text += " (YAML is indented with spaces, never with tabs, and text that begins with a sign is quoted)"
	}
	ps.add(place{line: line}, "", "is not YAML: %s", text)
}

// converter makes a tree of the library's nodes, and finds what a policy has no
// use for.
type converter struct{ problems *problems }

func (c *converter) convert(n *yaml.Node, depth int) *node {
	out := &node{at: place{n.Line, n.Column}}
	switch {
	case depth > maxDepth:
		c.problems.add(out.at, "", "is nested deeper than %d levels", maxDepth)
		return out
	case n.Kind == yaml.AliasNode:
		c.problems.add(out.at, "", "*%s is an alias, which is not supported; write the value out", n.Value)
		return out
	case n.Anchor != "":
		c.problems.add(out.at, "", "&%s is an anchor, which is not supported; drop it", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		c.problems.add(out.at, "", "%s is a tag, which is not supported; drop it", n.Tag)
	}
	c.fill(out, n, depth)
	return out
}

func (c *converter) fill(out *node, n *yaml.Node, depth int) {
	switch n.Kind {
	case yaml.MappingNode:
		out.kind = mapping
		for i := 0; i+1 < len(n.Content); i += 2 {
			out.add(c.key(n.Content[i], depth+1), c.convert(n.Content[i+1], depth+1))
		}
	case yaml.SequenceNode:
		out.kind = sequence
		for _, item := range n.Content {
			out.items = append(out.items, c.convert(item, depth+1))
		}
	default:
		out.text, out.form = n.Value, formOf(n)
	}
}

func formOf(n *yaml.Node) form {
	switch {
	case n.Style&quotedStyles != 0:
		return quoted
	case n.ShortTag() == "!!null":
		return null
	default:
		return plain
	}
}

func (c *converter) key(n *yaml.Node, depth int) *node {
	key := c.convert(n, depth)
	switch {
	case key.kind != scalar:
		c.problems.add(key.at, "", "%s cannot be a key", key.describe())
	case n.ShortTag() == "!!merge":
		c.problems.add(key.at, "", "<< is a merge key, which is not supported; write the fields out")
	}
	return key
}
