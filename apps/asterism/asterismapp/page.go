package asterismapp

import (
	"strings"
	"unicode/utf8"
)

// colour is a sequence that a terminal understands (ECMA-48, SGR).
type colour string

const (
	red    colour = "\x1b[31m"
	green  colour = "\x1b[32m"
	yellow colour = "\x1b[33m"
	bold   colour = "\x1b[1m"
	reset  colour = "\x1b[0m"
)

// digestColumns is where a long word breaks: at half a SHA-512 or two thirds of
// a SHA-384, so that two of them break at the same digit.
const digestColumns = 64

// page collects text of a width. All of it passes through safe.
type page struct {
	out     strings.Builder
	width   int
	colours bool
}

func newPage(width int, colours bool) *page { return &page{width: width, colours: colours} }

// paint returns text in a colour, or as it is where there are no colours.
func (p *page) paint(c colour, text string) string {
	if !p.colours {
		return safe(text)
	}
	return string(c) + safe(text) + string(reset)
}

// blank ends a paragraph.
func (p *page) blank() { p.line("") }

// line writes one line of what is safe already.
func (p *page) line(text string) { p.out.WriteString(strings.TrimRight(text, " ") + "\n") }

// String returns all that was written.
func (p *page) String() string { return p.out.String() }

// text writes a paragraph. Its first word may be coloured.
func (p *page) text(c colour, text string) {
	for i, line := range wrap(safe(text), p.width) {
		word, rest, found := strings.Cut(line, " ")
		if i == 0 && c != "" {
			line = p.paint(c, word)
			if found {
				line += " " + rest
			}
		}
		p.line(line)
	}
}

// field writes a label and, beside it, text that hangs from there.
func (p *page) field(indent, label int, name, text string) {
	hang := indent + label
	lines := wrap(safe(text), p.width-hang)
	for i, line := range lines {
		head := strings.Repeat(" ", hang)
		if i == 0 {
			head = strings.Repeat(" ", indent) + pad(name, label)
		}
		p.line(head + line)
	}
}

// pad fills text up to a width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// truncate cuts text to a width, and shows that it did.
func truncate(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:max(0, width-1)]) + "…"
}

// wrap breaks text into lines of at most width columns, at spaces where it can.
// There is at least one line.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for _, part := range split(word, width) {
			switch {
			case line == "":
				line = part
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(part) <= width:
				line += " " + part
			default:
				lines, line = append(lines, line), part
			}
		}
	}
	return append(lines, line)
}

// split cuts a word that is longer than a line.
func split(word string, width int) []string {
	runes := []rune(word)
	if len(runes) <= width {
		return []string{word}
	}
	var parts []string
	step := max(1, min(width, digestColumns))
	for len(runes) > step {
		parts = append(parts, string(runes[:step]))
		runes = runes[step:]
	}
	return append(parts, string(runes))
}
