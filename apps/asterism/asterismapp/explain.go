package asterismapp

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/domain/policy"
)

// explainOptions are the flags of explain.
type explainOptions struct {
	policy string
	at     string
	format *format
}

func newExplain(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:   "explain CLAIMS --policy FILE",
		Short: "Say whether a policy admits a machine, and why not",
		Long: "Hold the claims of a machine against a policy, as a node that is asked to\n" +
			"admit it does, and print every finding: what was expected, what was seen, the\n" +
			"boot event at which the machine left the expected path, and what to do.\n\n" +
			"Not checked here is what only a live session knows: that the evidence is\n" +
			"fresh, and that the machine bears the mark of its cluster.\n\n" +
			"docs/findings.md explains each finding.\n\n" + exitHelp,
		Example: "  asterism explain claims.json --policy policy.yaml\n" +
			"  asterism explain claims.json --policy policy.yaml --at 2026-06-01T00:00:00Z\n" +
			"  asterism explain - --policy policy.yaml -o json < claims.json",
		Args:              files(1, 1, "one file of claims, or - for standard input"),
		ValidArgsFunction: completeFiles,
	}
	o := explainOptions{format: addFormat(c)}
	c.Flags().StringVarP(&o.policy, "policy", "p", "", "the policy's `file`, or - for standard input")
	c.Flags().StringVar(&o.at, "at", "", "judge as of this `time`, as in 2026-06-01T00:00:00Z (default now)")
	if err := c.RegisterFlagCompletionFunc("policy", completeFiles); err != nil {
		panic(err) // the flag is there: it was added above
	}
	c.RunE = func(c *cobra.Command, args []string) error { return s.explain(c, args[0], &o) }
	return c
}

func (s *System) explain(c *cobra.Command, claimsName string, o *explainOptions) error {
	now, err := o.check(c, claimsName, s.Now())
	if err != nil {
		return err
	}
	p, err := s.readPolicy(o.policy)
	if err != nil {
		return err
	}
	claims, err := s.readClaims(claimsName)
	if err != nil {
		return err
	}
	r, err := newExplanation(displayName(o.policy), p, claims, now)
	if err != nil {
		return err
	}
	if err := r.print(s, o.format); err != nil {
		return err
	}
	if !r.Admitted {
		return errRefused
	}
	return nil
}

// check returns the time to judge at.
func (o *explainOptions) check(c *cobra.Command, claimsName string, now time.Time) (time.Time, error) {
	switch {
	case o.policy == "":
		return now, wrongUsage(c, errors.New("--policy is missing: name the policy to hold the claims against"))
	case o.policy == stdinName && claimsName == stdinName:
		return now, wrongUsage(c, errors.New("claims and policy cannot both come from standard input"))
	case o.at == "":
		return now, nil
	}
	at, err := time.Parse(time.RFC3339, o.at)
	if err != nil {
		return now, wrongUsage(c, fmt.Errorf("--at %q is not a time, want one as in 2026-06-01T00:00:00Z", o.at))
	}
	return at, nil
}

// explanationVersion names the form of an explanation for programs.
const explanationVersion = "asterism/explanation/v1"

// explanation is a verdict and what it is about.
type explanation struct {
	Version  string      `json:"version"`
	Platform string      `json:"platform"`
	At       time.Time   `json:"at"`
	Policy   policyTitle `json:"policy"`
	policy.Verdict

	claims   *policy.Claims
	document *policy.Document
}

// policyTitle names a policy.
type policyTitle struct {
	File   string `json:"file"`
	Serial uint64 `json:"serial"`
	Hash   string `json:"hash"` // SHA-256 of the canonical form
}

func newExplanation(file string, p *policy.Policy, claims *policy.Claims, now time.Time) (*explanation, error) {
	document, err := p.Document()
	if err != nil {
		return nil, fmt.Errorf("explaining a verdict: %w", err)
	}
	return &explanation{
		Version:  explanationVersion,
		Platform: string(claims.Platform),
		At:       now.UTC().Truncate(time.Second),
		Policy:   policyTitle{file, p.Serial(), hash(p)},
		Verdict:  policy.Appraise(claims, p, now),
		claims:   claims,
		document: &document,
	}, nil
}

func (e *explanation) print(s *System, f *format) error {
	if f.name != table {
		return f.write(s.Stdout, e)
	}
	page := newPage(s.width(), s.colours())
	e.writeTo(page)
	return write(s.Stdout, []byte(page.String()))
}

// counted returns the numbers of refusals and warnings.
func (e *explanation) counted() (refusals, warnings int) {
	for i := range e.Findings {
		if e.Findings[i].Severity == policy.Warn {
			warnings++
		} else {
			refusals++
		}
	}
	return refusals, warnings
}
