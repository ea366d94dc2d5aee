package asterismapp

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
)

// newGenDocs makes the hidden command that writes what is published in docs/.
func newGenDocs(s *System) *cobra.Command {
	return &cobra.Command{
		Use:    "gen-docs DIR",
		Short:  "Write the manual pages and the schema of policies into a folder",
		Hidden: true,
		Args:   files(1, 1, "the folder to write to"),
		RunE: func(c *cobra.Command, args []string) error {
			return writeDocs(s.resolve(args[0]), c.Root())
		},
	}
}

// writeDocs writes policy.schema.json, and man/ with a page a command.
func writeDocs(folder string, root *cobra.Command) error {
	pages := filepath.Join(folder, "man")
	if err := os.MkdirAll(pages, 0o755); err != nil {
		return fmt.Errorf("writing documentation: %w", err)
	}
	if err := writeDoc(filepath.Join(folder, "policy.schema.json"), policyfile.Schema()); err != nil {
		return err
	}
	for _, c := range documented(root) {
		if err := writeDoc(filepath.Join(pages, pageName(c)+".1"), []byte(manPage(c))); err != nil {
			return err
		}
	}
	return nil
}

func writeDoc(name string, data []byte) error {
	if err := os.WriteFile(name, data, 0o644); err != nil { //nolint:gosec // documentation is for everybody
		return fmt.Errorf("writing documentation: %w", err)
	}
	return nil
}

// documented returns a command and all below it that help lists. One page is
// enough for the shells that there is completion for.
func documented(c *cobra.Command) []*cobra.Command {
	c.InitDefaultHelpFlag()
	list := []*cobra.Command{c}
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() && child.Name() != "help" && c.Name() != "completion" {
			list = append(list, documented(child)...)
		}
	}
	return list
}
