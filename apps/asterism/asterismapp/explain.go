package asterismapp

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/adapters/policyfile"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// explainOptions are the flags of explain.
type explainOptions struct {
	policy string
	at     string
	nonce  *nonce
	trust  *endorsements
	format *format
}

func newExplain(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:   "explain EVIDENCE|CLAIMS --policy FILE",
		Short: "Say whether a policy admits a machine, and why not",
		Long: "Hold a machine against a policy, as a node that is asked to admit it does, and\n" +
			"print every finding: what was expected, what was seen, the boot event at which\n" +
			"the machine left the expected path, and what to do. The file is evidence, as\n" +
			"'asterism attest' makes it, or claims, as a verifier writes them.\n\n" +
			"Evidence is verified first. What a verifier refuses is never held against a\n" +
			"policy. Evidence carries the nonce that it was made for: name yours with\n" +
			"--nonce, and evidence that was made for another is refused. Without --nonce,\n" +
			"how old the evidence is remains open, and the output says so.\n\n" +
			endorsementsHelp + "\n\n" +
			"Not checked here is what only a live session knows: that the machine bears the\n" +
			"mark of its cluster, and for claims that they are fresh. Nor is revocation: a\n" +
			"certificate that its issuer has revoked counts here. Where nothing shows that\n" +
			"the attestation key lives in the TPM of the endorsement key, that is a warning\n" +
			"here, and a refusal in a session.\n\n" +
			"docs/findings.md explains each finding, docs/attesting.md shows how to find out\n" +
			"why a machine is refused.\n\n" + exitHelp,
		Example: "  asterism explain node.evidence --policy policy.yaml --nonce 8c5f…\n" +
			"  asterism explain node.evidence --policy policy.yaml --ek-roots vendor.pem\n" +
			"  asterism explain claims.json --policy policy.yaml --at 2026-06-01T00:00:00Z\n" +
			"  asterism explain - --policy policy.yaml -o json < claims.json",
		Args:              files(1, 1, "one file of evidence or claims, or - for standard input"),
		ValidArgsFunction: completeAnyFile,
	}
	o := explainOptions{format: addFormat(c), trust: addEndorsements(c)}
	o.nonce = addNonce(c, "the nonce in `hex` that the evidence must be made for")
	c.Flags().StringVarP(&o.policy, "policy", "p", "", "the policy's `file`, or - for standard input")
	c.Flags().StringVar(&o.at, "at", "", "judge as of this `time` in RFC 3339 (default now)")
	complete(c, "policy", completeFiles)
	completeNothing(c, "at")
	c.RunE = func(c *cobra.Command, args []string) error { return s.explain(c, args[0], &o) }
	return c
}

func (s *System) explain(c *cobra.Command, name string, o *explainOptions) error {
	at, err := o.check(c, name, s.Now())
	if err != nil {
		return err
	}
	p, err := s.readPolicy(o.policy)
	if err != nil {
		return err
	}
	r, err := s.explanationOf(c, name, p, o, at)
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

// explanationOf tells evidence from claims.
func (s *System) explanationOf(c *cobra.Command, name string, p *policy.Policy, o *explainOptions, at time.Time) (*explanation, error) {
	data, err := s.read(name, max(policyfile.MaxClaimsSize, evidence.MaxRecordSize))
	if err != nil {
		return nil, err
	}
	if !isRecord(data) {
		return o.claims(c, name, data, p, at)
	}
	x, err := s.examineRecord(c.Context(), name, data, o.trust, at)
	if err != nil {
		return nil, err
	}
	r, err := explainEvidence(displayName(o.policy), p, x, *o.nonce, at)
	if err != nil {
		return nil, err
	}
	r.Evidence.File = displayName(name)
	return r, nil
}

// claims explains claims, which carry neither a nonce nor certificates.
func (o *explainOptions) claims(c *cobra.Command, name string, data []byte, p *policy.Policy, at time.Time) (*explanation, error) {
	for _, flag := range []string{"nonce", "ek-roots", "ek"} {
		if c.Flags().Changed(flag) {
			return nil, wrongUsage(c, fmt.Errorf("--%s is for evidence, and %s holds none", flag, displayName(name)))
		}
	}
	claims, err := parseClaims(name, data)
	if err != nil {
		return nil, err
	}
	return explainClaims(displayName(o.policy), p, claims, at)
}

// check returns the time to judge at.
func (o *explainOptions) check(c *cobra.Command, name string, now time.Time) (time.Time, error) {
	switch {
	case o.policy == "":
		return now, wrongUsage(c, errors.New("--policy is missing: name the policy to hold the machine against"))
	case countStdin(append([]string{name, o.policy}, o.trust.roots...)) > 1:
		return now, wrongUsage(c, errors.New("two files cannot both come from standard input"))
	case o.at == "":
		return now, nil
	}
	at, err := time.Parse(time.RFC3339, o.at)
	if err != nil {
		return now, wrongUsage(c, fmt.Errorf("--at %q is not a time, want one as in 2026-06-01T00:00:00Z", o.at))
	}
	return at, nil
}

// countStdin returns how many of the files are standard input.
func countStdin(names []string) int {
	n := 0
	for _, name := range names {
		if name == stdinName {
			n++
		}
	}
	return n
}
