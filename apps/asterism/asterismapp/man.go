package asterismapp

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pageName returns the name of a command's manual page: "asterism-policy-lint".
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage returns a command's manual page in the language of man(7). It holds no
// date, so that the same program has the same pages.
func manPage(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"Asterism\" \"Asterism Manual\"\n", quoteRoff(strings.ToUpper(pageName(c))))
	section(&b, "NAME")
	fmt.Fprintf(&b, "%s \\- %s\n", escapeRoff(pageName(c)), escapeRoff(c.Short))
	section(&b, "SYNOPSIS")
	fmt.Fprintf(&b, ".B %s\n", escapeRoff(c.UseLine()))
	section(&b, "DESCRIPTION")
	paragraphs(&b, description(c))
	flagSection(&b, "OPTIONS", c.NonInheritedFlags())
	flagSection(&b, "INHERITED OPTIONS", c.InheritedFlags())
	if c.Example != "" {
		section(&b, "EXAMPLES")
		verbatim(&b, c.Example)
	}
	if related := relatedPages(c); len(related) > 0 {
		section(&b, "SEE ALSO")
		b.WriteString(strings.Join(related, ",\n") + "\n")
	}
	return b.String()
}

func section(b *strings.Builder, name string) { fmt.Fprintf(b, ".SH %s\n", name) }

func description(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short
}

// paragraphs writes prose filled, and indented lists as they stand.
func paragraphs(b *strings.Builder, text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		lines := strings.Split(paragraph, "\n")
		prose := 0
		for prose < len(lines) && !isIndented(lines[prose]) {
			fmt.Fprintln(b, escapeRoff(lines[prose]))
			prose++
		}
		if prose < len(lines) {
			verbatim(b, strings.Join(lines[prose:], "\n"))
		}
	}
}

func isIndented(line string) bool {
	return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
}

// verbatim writes lines that are not filled.
func verbatim(b *strings.Builder, text string) {
	b.WriteString(".nf\n")
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(b, escapeRoff(line))
	}
	b.WriteString(".fi\n")
}

func flagSection(b *strings.Builder, name string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	section(b, name)
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			writeFlag(b, f)
		}
	})
}

func writeFlag(b *strings.Builder, f *pflag.Flag) {
	argument, usage := pflag.UnquoteUsage(f)
	names := "--" + f.Name
	if f.Shorthand != "" {
		names = "-" + f.Shorthand + ", " + names
	}
	fmt.Fprintf(b, ".TP\n\\fB%s\\fP", escapeRoff(names))
	if argument != "" {
		fmt.Fprintf(b, " \\fI%s\\fP", escapeRoff(argument))
	}
	fmt.Fprintf(b, "\n%s\n", escapeRoff(usage))
}

// relatedPages names the pages of the command above and of those below.
func relatedPages(c *cobra.Command) []string {
	var names []string
	if c.HasParent() {
		names = append(names, pageReference(c.Parent()))
	}
	for _, child := range documented(c)[1:] {
		if child.Parent() == c {
			names = append(names, pageReference(child))
		}
	}
	return names
}

func pageReference(c *cobra.Command) string {
	return fmt.Sprintf("\\fB%s\\fP(1)", escapeRoff(pageName(c)))
}

// escapeRoff returns a line that shows as it is: no escape sequence, no request,
// and hyphens that can be copied.
func escapeRoff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\[u2026]`).Replace(line)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}

// quoteRoff returns text as one argument of a request.
func quoteRoff(text string) string {
	return `"` + strings.ReplaceAll(escapeRoff(text), `"`, `\(dq`) + `"`
}
