package asterismapp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Run runs the program with its arguments, the program's name aside, and returns
// its exit code.
func Run(s System, args []string) int {
	root := newRoot(&s)
	root.SetArgs(args)
	err := root.Execute()
	explainError(s.Stderr, err)
	return exitCode(err)
}

func newRoot(s *System) *cobra.Command {
	root := &cobra.Command{
		Use:   "asterism",
		Short: "Make evidence, check policies, explain verdicts and audit ledgers",
		Long: "asterism is the command line of a confidential Kubernetes engine. It has a TPM\n" +
			"sign what a machine booted, checks the policies that say what a node must\n" +
			"prove, explains what they admit, and verifies the ledger in which a cluster\n" +
			"records what it decided.\n\n" + exitHelp,
		Example: "  asterism attest --nonce $(openssl rand -hex 32) -o node.evidence\n" +
			"  asterism policy from-evidence node.evidence --release v1.0.0 > policy.yaml\n" +
			"  asterism policy lint policy.yaml\n" +
			"  asterism explain node.evidence --policy policy.yaml\n" +
			"  asterism explain claims.json --policy policy.yaml\n" +
			"  asterism audit verify ledger/ --statement cluster.statement --owner 5c1d…",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(s.Stdin)
	root.SetOut(s.Stdout)
	root.SetErr(s.Stderr)
	root.SetFlagErrorFunc(wrongUsage)
	root.AddCommand(newAttest(s), newAudit(s), newExplain(s), newPolicy(s), newVersion(s), newGenDocs(s))
	root.SetHelpCommand(newHelp(root))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion")
	makeGroups(root)
	return root
}

// makeGroups lets commands that only hold others refuse what they do not hold.
func makeGroups(c *cobra.Command) {
	for _, child := range c.Commands() {
		makeGroups(child)
	}
	if !c.Runnable() && c.HasSubCommands() {
		c.Args = cobra.ArbitraryArgs
		c.RunE = runGroup
	}
}

func runGroup(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	return unknownCommand(c, args[0])
}

func unknownCommand(c *cobra.Command, name string) error {
	text := fmt.Sprintf("unknown command %q for %q", name, c.CommandPath())
	c.SuggestionsMinimumDistance = 2
	if names := c.SuggestionsFor(name); len(names) > 0 {
		text += "; did you mean " + strings.Join(names, " or ") + "?"
	}
	return wrongUsage(c, errors.New(text))
}

func wrongUsage(c *cobra.Command, err error) error {
	return &usageError{c.CommandPath(), err}
}

// files checks that a command is given the files that it reads.
func files(least, most int, want string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return wrongUsage(c, fmt.Errorf("%d arguments given, want %s", len(args), want))
		}
		return nil
	}
}

func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Show help on a command",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return wrongUsage(c, fmt.Errorf("no help on %q", strings.Join(args, " ")))
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}
