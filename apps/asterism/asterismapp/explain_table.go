package asterismapp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Columns of the details of a finding.
const (
	detailIndent = 3
	detailLabel  = 11
	maxShown     = 4   // expected values
	maxText      = 300 // characters of one text that a machine supplied
)

// writeTo writes the explanation for people: the verdict, an overview, and what
// is behind each line of it.
func (e *explanation) writeTo(p *page) {
	e.writeVerdict(p)
	if e.Admitted {
		p.blank()
		e.writeChecked(p)
	}
	if len(e.Findings) > 0 {
		p.blank()
		e.writeOverview(p)
		for i := range e.Findings {
			p.blank()
			writeFinding(p, i+1, &e.Findings[i])
		}
	}
	p.blank()
	e.writeUnchecked(p)
}

// writeUnchecked says what remains open, and how old the evidence may be.
func (e *explanation) writeUnchecked(p *page) {
	switch {
	case e.Evidence == nil:
		p.text("", "Not checked offline: whether the evidence is fresh, and the mark of the cluster.")
		return
	case !e.Evidence.FreshnessChecked:
		p.text("", fmt.Sprintf("Freshness was not checked: the file says that the evidence was made for the nonce %s, which may be of any age. "+
			"If the nonce was yours, name it with --nonce.", e.Evidence.Nonce))
	case e.isFresh():
		p.text("", "Fresh: the evidence was made for the nonce that was asked for, and so after it.")
	}
	if e.Evidence.Statement != attestStatement {
		p.text("", "Beside the nonce the machine said: "+shortText(e.Evidence.Statement))
	}
	p.text("", "Not checked offline: the mark of the cluster.")
}

// isFresh says whether the evidence was made for the nonce that was asked for.
func (e *explanation) isFresh() bool {
	return e.Evidence.Verified && e.Evidence.FreshnessChecked &&
		!slices.ContainsFunc(e.Findings, func(f policy.Finding) bool { return f.Code == policy.CodeBindingMismatch })
}

func (e *explanation) writeVerdict(p *page) {
	if e.Evidence != nil && !e.Evidence.Verified {
		e.writeUnverified(p)
		return
	}
	word, c, release := "REFUSED", red, "nearest release "
	if e.Admitted {
		word, c, release = "ADMITTED", green, "release "
	}
	refusals, warnings := e.counted()
	text := fmt.Sprintf("%s by policy %s (serial %d, sha256 %s…); ", word, e.Policy.File, e.Policy.Serial, e.Policy.Hash[:12])
	if e.Release == "" {
		text += "no release known for " + strconv.Quote(shortText(e.Platform))
	} else {
		text += release + e.releaseName()
	}
	text += fmt.Sprintf("; %s, %s; as of %s", count(refusals, "refusal"), count(warnings, "warning"), e.At.Format(time.RFC3339))
	p.text(c, text)
}

// writeUnverified stands in for the verdict of a policy that was not asked.
func (e *explanation) writeUnverified(p *page) {
	refusals, _ := e.counted()
	p.text(red, fmt.Sprintf("REFUSED by the verifier of %s; %s; as of %s. The evidence in %s does not hold, so the policy was not asked.",
		shortText(e.Platform), count(refusals, "refusal"), e.At.Format(time.RFC3339), e.Evidence.File))
}

func (e *explanation) releaseName() string {
	if e.Firmware == "" {
		return e.Release
	}
	return e.Release + " (" + e.Firmware + ")"
}

// writeOverview writes a table of the findings, a line each.
func (e *explanation) writeOverview(p *page) {
	rows := [][]string{{"#", "SEVERITY", "CODE", "SUBJECT", "SEEN"}}
	for i := range e.Findings {
		f := &e.Findings[i]
		rows = append(rows, []string{
			strconv.Itoa(i + 1), string(f.Severity), string(f.Code), truncate(safe(f.Subject), 24), seenOf(f),
		})
	}
	widths := columnWidths(rows)
	for i, row := range rows {
		p.line(e.overviewRow(p, row, widths, i))
	}
}

func (e *explanation) overviewRow(p *page, row []string, widths []int, i int) string {
	used := 0
	var cells []string
	for column, cell := range row[:len(row)-1] {
		padded := pad(cell, widths[column])
		if column == 1 && i > 0 {
			padded = p.paint(colourOf(e.Findings[i-1].Severity), cell) + padded[len(cell):]
		}
		cells = append(cells, padded)
		used += widths[column] + 2
	}
	cells = append(cells, truncate(safe(row[len(row)-1]), max(8, p.width-used)))
	return strings.Join(cells, "  ")
}

func columnWidths(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for column, cell := range row {
			widths[column] = max(widths[column], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func colourOf(s policy.Severity) colour {
	if s == policy.Warn {
		return yellow
	}
	return red
}

func seenOf(f *policy.Finding) string {
	if f.Seen == "" {
		return "nothing"
	}
	return f.Seen
}

// writeFinding writes everything about one finding.
func writeFinding(p *page, number int, f *policy.Finding) {
	head := fmt.Sprintf("%d. %s: %s", number, f.Code, f.Subject)
	p.line(p.paint(bold, truncate(safe(head), p.width)))
	detail := func(name, text string) { p.field(detailIndent, detailLabel, name, shortText(text)) }
	writeExpected(detail, f.Expected)
	detail("seen", seenOf(f))
	if f.Divergence != nil {
		writeDivergence(detail, f.Divergence)
	}
	if len(f.ExplainedBy) > 0 {
		detail("known from", "release "+strings.Join(f.ExplainedBy, ", "))
	}
	detail("to do", f.Remedy)
}

func writeExpected(detail func(name, text string), expected []string) {
	for i, text := range expected[:min(len(expected), maxShown)] {
		name := "expected"
		if i > 0 {
			name = "or"
		}
		detail(name, text)
	}
	if more := len(expected) - maxShown; more > 0 {
		detail("or", fmt.Sprintf("%d more; -o json lists them", more))
	}
}

// writeDivergence shows the boot event that should have come, and the one that
// did. Their texts come from the machine's log, which nothing vouches for.
func writeDivergence(detail func(name, text string), d *policy.Divergence) {
	detail("diverges", fmt.Sprintf("at event %d of this register", d.Position+1))
	writeEvent(detail, "expected", d.Expected)
	writeEvent(detail, "seen", d.Seen)
}

func writeEvent(detail func(name, text string), name string, e *measurement.Event) {
	if e == nil {
		detail("  "+name, "no further event")
		return
	}
	parts := slices.DeleteFunc([]string{e.Type, shortText(e.Description)}, func(s string) bool { return s == "" })
	if len(parts) > 0 {
		detail("  "+name, strings.Join(parts, " "))
		name = ""
	}
	detail("  "+name, e.Digest.String())
}

// shortText bounds what one text takes of a screen.
func shortText(text string) string { return truncate(text, maxText) }
