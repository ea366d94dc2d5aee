package policy

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a document.
type Problem struct {
	// Path names the field, as in "releases[0].references[1].registers.pcr4".
	// It is empty where the document as a whole is meant.
	Path    string
	Message string
}

// String returns the path and the message.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// InvalidError says that a document is no policy, and everything that is wrong
// with it.
type InvalidError struct{ Problems []Problem }

// Error returns all problems in one line.
func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("invalid policy: ")
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// problems collects what is wrong.
type problems struct{ list []Problem }

func (ps *problems) add(path, format string, args ...any) {
	ps.list = append(ps.list, Problem{path, fmt.Sprintf(format, args...)})
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// under joins a path and a field's name.
func under(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
