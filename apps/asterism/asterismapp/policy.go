package asterismapp

import (
	"encoding/hex"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func newPolicy(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Draft, check, name and describe attestation policies",
		Long: "A policy says which machines may be admitted. It is a YAML or JSON file;\n" +
			"docs/policy.md explains its fields.\n\n" + exitHelp,
		Example: "  asterism policy lint policy.yaml\n  asterism policy hash policy.yaml",
	}
	c.AddCommand(newLint(s), newFromEvidence(s), newHash(s), newCanonical(s), newSchema(s))
	return c
}

func newHash(s *System) *cobra.Command {
	c := newPolicyReader(s, func(p *policy.Policy) []byte {
		return []byte(hash(p) + "\n")
	})
	c.Use = "hash FILE"
	c.Short = "Print the hash that names a policy"
	c.Long = "Print SHA-256 of a policy's canonical form. Two files that say the same in\n" +
		"another order or notation have one hash.\n\n" + exitHelp
	c.Example = "  asterism policy hash policy.yaml\n  asterism policy canonical policy.yaml | sha256sum"
	return c
}

func newCanonical(s *System) *cobra.Command {
	c := newPolicyReader(s, (*policy.Policy).JSON)
	c.Use = "canonical FILE"
	c.Short = "Print the form of a policy that is hashed and signed"
	c.Long = "Print a policy's one canonical form: JSON as RFC 8785 has it, sets sorted, no\n" +
		"newline at the end.\n\n" + exitHelp
	c.Example = "  asterism policy canonical policy.yaml > policy.json"
	return c
}

// newPolicyReader makes a command that reads one policy and prints something
// about it.
func newPolicyReader(s *System, show func(*policy.Policy) []byte) *cobra.Command {
	return &cobra.Command{
		Args:              files(1, 1, "one policy file, or - for standard input"),
		ValidArgsFunction: completeFiles,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := s.readPolicy(args[0])
			if err != nil {
				return err
			}
			return write(s.Stdout, show(p))
		},
	}
}

func newSchema(s *System) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of policies",
		Long: "Print the JSON schema (draft 2020-12) of policies. An editor that knows it\n" +
			"completes fields and marks mistakes.\n\n" + exitHelp,
		Example:           "  asterism policy schema > policy.schema.json",
		Args:              files(0, 0, "none"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return write(s.Stdout, policyfile.Schema()) },
	}
}

// completeFiles offers the files that policies and claims are in.
func completeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeAnyFile offers all files: evidence has no name of its own.
func completeAnyFile(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// readPolicy reads a policy. The error is an *inputError.
func (s *System) readPolicy(name string) (*policy.Policy, error) {
	data, err := s.read(name, policy.MaxSize)
	if err != nil {
		return nil, err
	}
	p, err := policyfile.ParsePolicy(displayName(name), data)
	if err != nil {
		return nil, &inputError{err, "Correct the file and try again; 'asterism policy schema' says what a policy may hold."}
	}
	return p, nil
}

// parseClaims reads claims. The error is an *inputError.
func parseClaims(name string, data []byte) (*policy.Claims, error) {
	claims, err := policyfile.ParseClaims(displayName(name), data)
	if err != nil {
		return nil, &inputError{err, "Check that the file holds claims, as a verifier wrote them, or evidence."}
	}
	return claims, nil
}

func hash(p *policy.Policy) string {
	sum := p.Hash()
	return hex.EncodeToString(sum[:])
}
