package asterismapp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
)

type lintReport struct {
	Files []lintedFile `json:"files"`
}

type lintedFile struct {
	File     string               `json:"file"`
	Valid    bool                 `json:"valid"`
	Serial   uint64               `json:"serial,omitempty"`
	Hash     string               `json:"hash,omitempty"`
	Problems []policyfile.Problem `json:"problems,omitempty"`
	Dropped  int                  `json:"dropped,omitempty"` // problems beyond those listed
}

func newLint(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Find everything that is wrong with policies",
		Long: "Read policies and print every problem with its file, line and column. A file\n" +
			"whose form is sound is then judged as a whole: rules that contradict each\n" +
			"other or have no effect, and holes through which any image would be admitted.\n\n" + exitHelp,
		Example: "  asterism policy lint policy.yaml\n" +
			"  asterism policy lint -o json policies/*.yaml\n" +
			"  asterism policy lint - < policy.yaml",
		Args:              files(1, 1<<16, "policy files, or - for standard input"),
		ValidArgsFunction: completeFiles,
	}
	f := addFormat(c)
	c.RunE = func(_ *cobra.Command, args []string) error {
		var r lintReport
		for _, name := range args {
			r.Files = append(r.Files, s.lint(name))
		}
		if err := r.print(s, f); err != nil {
			return err
		}
		return r.err()
	}
	return c
}

func (s *System) lint(name string) lintedFile {
	file := lintedFile{File: displayName(name)}
	p, err := s.readPolicy(name)
	if invalid, ok := errors.AsType[*policyfile.Error](err); ok {
		file.Problems, file.Dropped = invalid.Problems, invalid.Dropped
		return file
	}
	if err != nil {
		file.Problems = []policyfile.Problem{{File: file.File, Message: lintMessage(err)}}
		return file
	}
	file.Valid, file.Serial, file.Hash = true, p.Serial(), hash(p)
	return file
}

// lintMessage leaves the name of the file to the problem.
func lintMessage(err error) string {
	if unread, ok := errors.AsType[*readError](err); ok {
		return "cannot be read: " + unread.cause.Error()
	}
	return err.Error()
}

func (r *lintReport) print(s *System, f *format) error {
	if f.name != table {
		return f.write(s.Stdout, r)
	}
	var b strings.Builder
	for i := range r.Files {
		r.Files[i].print(&b)
	}
	return write(s.Stdout, []byte(b.String()))
}

func (l *lintedFile) print(b *strings.Builder) {
	if l.Valid {
		fmt.Fprintf(b, "%s: valid, serial %d, sha256 %s\n", safe(l.File), l.Serial, l.Hash)
		return
	}
	for _, p := range l.Problems {
		fmt.Fprintln(b, safe(p.String()))
	}
	if l.Dropped > 0 {
		fmt.Fprintf(b, "%s: and %d more\n", safe(l.File), l.Dropped)
	}
}

// err says how many files are invalid, nil if none is.
func (r *lintReport) err() error {
	invalid := 0
	for i := range r.Files {
		if !r.Files[i].Valid {
			invalid++
		}
	}
	if invalid == 0 {
		return nil
	}
	return &lintError{invalid, len(r.Files)}
}

// lintError says that files are invalid. What is wrong with them was printed.
type lintError struct{ invalid, files int }

func (e *lintError) Error() string {
	return fmt.Sprintf("%d of %s cannot be used; correct the problems above", e.invalid, count(e.files, "file"))
}

// count returns a number with its noun, as in "3 files".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
