package asterismapp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// entryFilter are the flags that say which entries to list.
type entryFilter struct {
	types []string
	node  string
}

func newAuditList(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:   "list FOLDER",
		Short: "Print the entries of an exported ledger",
		Long: "Print what a ledger tells, an entry a line; -o json and -o yaml print entries\n" +
			"whole. The ledger is verified first, and only entries that are what its\n" +
			"checkpoint stands for are printed. Where something does not hold, the exit code\n" +
			"says so, and 'asterism audit verify' says what.\n\n" +
			"Types of entries:\n  " + strings.Join(typeNames()[:5], ", ") + ",\n  " + strings.Join(typeNames()[5:], ", ") + "\n\n" +
			trustHelp + "\n\n" + exitHelp,
		Example: "  asterism audit list ledger/ --statement cluster.statement --owner 5c1d…\n" +
			"  asterism audit list ledger/ --ledger-key 9f02… --cluster 77ab… --node node-3\n" +
			"  asterism audit list ledger/ --ledger-key 9f02… --cluster 77ab… -o json",
		Args:              files(1, 1, "the folder of an exported ledger"),
		ValidArgsFunction: completeFolders,
	}
	f, trust, filter := addFormat(c), addLedgerTrust(c), &entryFilter{}
	c.Flags().StringSliceVar(&filter.types, "type", nil, "only entries of these `types`, joined by commas")
	c.Flags().StringVar(&filter.node, "node", "", "only entries about this node, its `name` or its identity")
	complete(c, "type", cobra.FixedCompletions(typeNames(), cobra.ShellCompDirectiveNoFileComp))
	completeNothing(c, "node")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := filter.check(c); err != nil {
			return err
		}
		report, entries, err := s.auditLedger(c, args[0], trust)
		if err != nil {
			return err
		}
		if err := s.printEntries(f, filter.apply(entries), namesOf(entries)); err != nil {
			return err
		}
		return report.unsound()
	}
	return c
}

func typeNames() []string {
	var names []string
	for _, t := range ledger.Types() {
		names = append(names, string(t))
	}
	return names
}

func (f *entryFilter) check(c *cobra.Command) error {
	for _, name := range f.types {
		if !slices.Contains(typeNames(), name) {
			return wrongUsage(c, fmt.Errorf("--type %q is not a type of entry, want %s", name, strings.Join(typeNames(), ", ")))
		}
	}
	return nil
}

// unsoundError says that a ledger does not hold, and what is printed does.
type unsoundError struct {
	problems int
	first    ledger.Problem
	folder   string
}

func (e *unsoundError) Error() string {
	return fmt.Sprintf("the ledger is not sound: %s, the first: %v", count(e.problems, "problem"), e.first)
}

// unsound returns an *unsoundError where the ledger is not sound.
func (r *auditReport) unsound() error {
	if r.Sound {
		return nil
	}
	return &unsoundError{len(r.Problems) + int(r.Omitted), r.Problems[0], r.Folder}
}

// namesOf returns the node names that machines had, by identity.
func namesOf(entries []audited) map[join.Identity]string {
	names := map[join.Identity]string{}
	for _, e := range entries {
		if intent := e.Entry.Intent; intent != nil {
			names[intent.Node] = string(intent.Name)
		}
	}
	return names
}

func (f *entryFilter) apply(entries []audited) []audited {
	names, kept := namesOf(entries), []audited{}
	for _, e := range entries {
		node := e.Entry.Node()
		ofType := len(f.types) == 0 || slices.Contains(f.types, string(e.Entry.Type))
		ofNode := f.node == "" || f.node == node.String() || f.node == names[node]
		if ofType && ofNode {
			kept = append(kept, e)
		}
	}
	return kept
}

// printEntries prints entries, in a table or whole.
func (s *System) printEntries(f *format, entries []audited, names map[join.Identity]string) error {
	if f.name != table {
		return f.write(s.Stdout, struct {
			Version string    `json:"version"`
			Entries []audited `json:"entries"`
		}{auditVersion, entries})
	}
	rows := [][]string{{"INDEX", "TIME", "TYPE", "NODE", "WHAT"}}
	for _, e := range entries {
		rows = append(rows, []string{
			strconv.FormatUint(e.Index, 10), e.Entry.Time.Format(time.RFC3339), string(e.Entry.Type), nodeText(e.Entry, names), what(e.Entry),
		})
	}
	widths, p := columnWidths(rows), newPage(s.width(), false)
	for _, row := range rows {
		var b strings.Builder
		for column, cell := range row[:len(row)-1] {
			b.WriteString(pad(safe(cell), widths[column]+2))
		}
		p.line(b.String() + safe(row[len(row)-1]))
	}
	return write(s.Stdout, []byte(p.String()))
}

// nodeText returns the name of the node that an entry is about, or the beginning
// of its identity.
func nodeText(e *ledger.Entry, names map[join.Identity]string) string {
	node := e.Node()
	if name := names[node]; name != "" || node.IsZero() {
		return name
	}
	return truncate(node.String(), 16)
}

// what says in a few words what an entry tells.
func what(e *ledger.Entry) string {
	switch {
	case e.Init != nil:
		return "cluster " + e.Init.Cluster.String()[:12] + "… begins"
	case e.Intent != nil:
		return whatIntent(e.Intent)
	case e.KeyRelease != nil:
		return whatRelease(e.KeyRelease)
	case e.Outcome != nil:
		return "has its ticket"
	case e.Directive != nil:
		return fmt.Sprintf("%s, serial %d", e.Directive.Kind, e.Directive.Serial)
	case e.Reattest != nil:
		return withCodes(string(e.Reattest.State), e.Reattest.Codes)
	case e.Refusals != nil:
		return withCodes(count(int(e.Refusals.Count), "refusal"), e.Refusals.Codes)
	case e.Recovery != nil:
		return fmt.Sprintf("recovered by %s, from %d entries on", e.Recovery.Means, e.Recovery.Size)
	case e.OtherKeys != nil:
		return fmt.Sprintf("%s for %s of %s", count(int(e.OtherKeys.Count), "key"), e.OtherKeys.Caller, e.OtherKeys.Purpose)
	default:
		return ""
	}
}

func whatIntent(b *ledger.IntentEntry) string {
	text := fmt.Sprintf("may %s as %s", b.Kind, b.Role)
	if b.Release != "" {
		text += " with " + b.Release
	}
	if b.Approval > 0 {
		text += fmt.Sprintf(", approved by directive %d", b.Approval)
	}
	return withCodes(text, b.Warnings)
}

func whatRelease(b *ledger.KeyReleaseEntry) string {
	text := count(len(b.Keys), "key") + " through " + b.Caller
	if b.KEK {
		text += ", and the KEK"
	}
	return text
}

func withCodes(text string, codes []policy.Code) string {
	if len(codes) == 0 {
		return text
	}
	var names []string
	for _, code := range codes {
		names = append(names, string(code))
	}
	return text + ": " + strings.Join(names, ", ")
}
