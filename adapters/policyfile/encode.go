package policyfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// EncodeYAML returns v as YAML: what encoding/json would write, in that order,
// without braces. Control characters are escaped.
func EncodeYAML(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding YAML: %w", err)
	}
	ps := &problems{}
	root := readJSON(data, ps)
	if root == nil {
		return nil, fmt.Errorf("encoding YAML: %w", ps.err())
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(toYAML(root)); err != nil {
		return nil, fmt.Errorf("encoding YAML: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("encoding YAML: %w", err)
	}
	return out.Bytes(), nil
}

func toYAML(n *node) *yaml.Node {
	out := &yaml.Node{}
	switch n.kind {
	case mapping:
		out.Kind = yaml.MappingNode
		for _, m := range n.members {
			out.Content = append(out.Content, toYAML(m.key), toYAML(m.value))
		}
	case sequence:
		out.Kind = yaml.SequenceNode
		for _, item := range n.items {
			out.Content = append(out.Content, toYAML(item))
		}
	default:
		out.Kind, out.Value, out.Tag, out.Style = yaml.ScalarNode, n.text, tagOf(n.form), styleOf(n.text)
	}
	return out
}

// styleOf keeps the library from writing blocks, not all of which it can read
// back, and lets it escape what does not print.
func styleOf(text string) yaml.Style {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return yaml.DoubleQuotedStyle
	}
	return 0
}

// tagOf makes the library put quotes around text that looks like something else.
// What is no text needs no help.
func tagOf(f form) string {
	if f == quoted {
		return "!!str"
	}
	return ""
}
