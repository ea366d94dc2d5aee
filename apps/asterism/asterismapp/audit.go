package asterismapp

import (
	"github.com/spf13/cobra"
)

func newAudit(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Verify an exported ledger, and show what it tells",
		Long: "A ledger is a cluster's record of what it decided: who was admitted and on what\n" +
			"evidence, whose keys were released, what the owner directed. It is exported as\n" +
			"a folder: checkpoint, tile/ (C2SP tlog-tiles), and evidence/ by SHA-256.\n" +
			"docs/auditing.md leads through an audit.\n\n" + exitHelp,
		Example: "  asterism audit verify ledger/ --statement cluster.statement --owner 5c1d…\n" +
			"  asterism audit list ledger/ --statement cluster.statement --owner 5c1d…",
	}
	c.AddCommand(newAuditVerify(s), newAuditList(s))
	return c
}

// trustHelp says what both commands trust.
const trustHelp = "What is trusted is the ledger's key and the cluster's ID: those of a cluster\n" +
	"statement that the owner signed (--statement, --owner), or given as they are\n" +
	"(--ledger-key, --cluster)."
