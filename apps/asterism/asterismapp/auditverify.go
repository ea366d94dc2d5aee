package asterismapp

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/domain/ledger"
)

func newAuditVerify(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:   "verify FOLDER",
		Short: "Verify an exported ledger, and name what is damaged",
		Long: "Verify a ledger offline: the checkpoint's signature, every tile up to the root\n" +
			"that was signed, every entry, and whether each entry follows from those before\n" +
			"it. The first bad file is named, and then everything else that does not hold.\n\n" +
			trustHelp + "\n\n" +
			"A ledger that was forked or cut short verifies by itself. Keep the checkpoint of\n" +
			"each ledger that you verified, and name it with --known when you verify the\n" +
			"next: it must continue the one that you saw.\n\n" +
			"An export may leave evidence out, so evidence that entries name and that is not\n" +
			"there is counted and is no problem, unless --require-evidence says so. Evidence\n" +
			"that is there must be what its name says.\n\n" + exitHelp,
		Example: "  asterism audit verify ledger/ --statement cluster.statement --owner 5c1d…\n" +
			"  asterism audit verify ledger/ --ledger-key 9f02… --cluster 77ab… --known last\n" +
			"  asterism audit verify ledger/ --ledger-key 9f02… --cluster 77ab… -o json",
		Args:              files(1, 1, "the folder of an exported ledger"),
		ValidArgsFunction: completeFolders,
	}
	f, trust := addFormat(c), addLedgerTrust(c)
	require := c.Flags().Bool("require-evidence", false, "evidence that is missing is a problem")
	c.RunE = func(c *cobra.Command, args []string) error {
		report, _, err := s.auditLedger(c, args[0], trust)
		if err != nil {
			return err
		}
		if *require {
			report.requireEvidence()
		}
		if err := report.print(s, f); err != nil {
			return err
		}
		if !report.Sound {
			return errRefused
		}
		return nil
	}
	return c
}

// completeFolders offers folders.
func completeFolders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// auditLedger verifies the ledger in a folder.
func (s *System) auditLedger(c *cobra.Command, name string, trust *ledgerTrust) (*auditReport, []audited, error) {
	a, err := trust.open(s, c)
	if err != nil {
		return nil, nil, err
	}
	f, err := s.openLedger(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.close()
	report, entries := f.audit(name, a)
	return report, entries, nil
}

// requireEvidence makes problems of evidence that is missing.
func (r *auditReport) requireEvidence() {
	for _, hash := range r.Evidence.Missing {
		r.Problems = append(r.Problems, ledger.Problem{Kind: ledger.Missing, Path: evidencePath(hash), Message: "an entry rests on it, and it is not there"})
	}
	if r.Sound = len(r.Problems) == 0; !r.Sound {
		r.FirstBad = r.Problems[0].Path
	}
}

func (r *auditReport) print(s *System, f *format) error {
	if f.name != table {
		return f.write(s.Stdout, r)
	}
	p := newPage(s.width(), s.colours())
	r.writeTo(p)
	return write(s.Stdout, []byte(p.String()))
}

// writeTo writes the report for people: the verdict, what the ledger is, and what
// is wrong with it.
func (r *auditReport) writeTo(p *page) {
	r.writeVerdict(p)
	p.blank()
	r.writeFacts(p)
	if r.Entries > 0 {
		p.blank()
		p.line(pad("TYPE", 16) + "ENTRIES")
		for _, c := range r.Counts {
			p.line(pad(string(c.Type), 16) + strconv.FormatUint(c.Entries, 10))
		}
	}
	for i := range r.Problems {
		p.blank()
		writeProblem(p, i+1, &r.Problems[i])
	}
	if r.Omitted > 0 {
		p.blank()
		p.text("", fmt.Sprintf("And %d more problems.", r.Omitted))
	}
	for i := range r.Warnings {
		p.blank()
		writeProblem(p, len(r.Problems)+i+1, &r.Warnings[i])
	}
}

func (r *auditReport) writeVerdict(p *page) {
	if r.Sound {
		p.text(green, fmt.Sprintf("SOUND: the %d entries in %s are what the checkpoint stands for, and each follows from those before it.", r.Entries, r.Folder))
		return
	}
	first := &r.Problems[0]
	problems := count(len(r.Problems)+int(r.Omitted), "problem")
	switch first.Kind {
	case ledger.Forked:
		p.text(red, fmt.Sprintf("FORKED: the ledger in %s does not continue the one that is known; %s.", r.Folder, problems))
	case ledger.RolledBack:
		p.text(red, fmt.Sprintf("ROLLED-BACK: the ledger in %s is older than the one that is known; %s.", r.Folder, problems))
	case ledger.Untrusted:
		p.text(red, fmt.Sprintf("UNTRUSTED: the checkpoint in %s is not one to trust; %s.", r.Folder, problems))
	case ledger.BadEntry, ledger.BadHistory:
		p.text(red, fmt.Sprintf("UNSOUND: the ledger in %s is what was signed, and tells what must not be; first in %s; %s.", r.Folder, r.FirstBad, problems))
	default:
		p.text(red, fmt.Sprintf("DAMAGED: the first bad file in %s is %s; %s.", r.Folder, r.FirstBad, problems))
	}
}

func (r *auditReport) writeFacts(p *page) {
	row := func(name, text string) { p.field(0, 12, name, text) }
	row("cluster", r.Cluster)
	if r.Checkpoint != nil {
		row("checkpoint", fmt.Sprintf("%d entries, root %s", r.Checkpoint.Size, r.Checkpoint.Root))
	}
	if r.Known != nil {
		row("known", fmt.Sprintf("%d entries, root %s", r.Known.Size, r.Known.Root))
	}
	if r.Checkpoint == nil {
		return
	}
	row("verified", r.verified())
	row("evidence", r.Evidence.text())
	if r.Known == nil {
		row("open", "Whether this is the ledger that others see: no checkpoint is named with --known.")
	}
	if len(r.Warnings) > 0 {
		row("warnings", count(len(r.Warnings), "warning")+": to be looked into, and no proof that anything is wrong")
	}
	if len(r.Extra) > 0 {
		row("extra", fmt.Sprintf("%s that no ledger of this size has, the first %s", count(len(r.Extra), "file"), shortText(r.Extra[0])))
	}
}

func (r *auditReport) verified() string {
	if r.Entries == 0 {
		return "no entry"
	}
	return fmt.Sprintf("%d of %d entries, from %s to %s", r.Entries, r.Checkpoint.Size, r.From.Format(time.RFC3339Nano), r.To.Format(time.RFC3339Nano))
}

func (e *evidenceReport) text() string {
	text := fmt.Sprintf("%d of the %d pieces that entries name are in the folder", e.Present, e.Named)
	if missing := e.Named - e.Present; missing > 0 {
		text += fmt.Sprintf("; left out of the export, or lost: %d", missing)
	}
	if e.Unnamed > 0 {
		text += fmt.Sprintf("; named by no entry: %d", e.Unnamed)
	}
	return text
}

func writeProblem(p *page, number int, problem *ledger.Problem) {
	head := fmt.Sprintf("%d. %s: %s", number, problem.Kind, problem.Path)
	p.line(p.paint(bold, truncate(safe(head), p.width)))
	if text := entriesText(problem); text != "" {
		p.field(detailIndent, detailLabel, "entries", text)
	}
	p.field(detailIndent, detailLabel, "what", truncate(problem.Message, 2*maxText))
}

func entriesText(problem *ledger.Problem) string {
	switch problem.End - problem.First {
	case 0:
		return ""
	case 1:
		return strconv.FormatUint(problem.First, 10)
	default:
		return fmt.Sprintf("%d to %d", problem.First, problem.End-1)
	}
}
