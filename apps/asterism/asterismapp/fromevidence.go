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

// fromEvidenceOptions are the flags of policy from-evidence.
type fromEvidenceOptions struct {
	release   string
	profile   string
	nonce     *nonce
	trust     *endorsements
	registers registerList
}

func newFromEvidence(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:   "from-evidence EVIDENCE --release NAME",
		Short: "Draft a policy that admits a machine that you trust",
		Long: "Verify evidence of a machine that you trust and know to run a release, and print\n" +
			"a policy that admits what it booted. It is a draft: comments at its top say what\n" +
			"it was made from, and what a person has to check before it is signed. Evidence\n" +
			"that does not verify, that was made for another nonce than that of --nonce, or\n" +
			"that its own draft would not admit, gives none. Without --nonce the evidence may\n" +
			"be of any age.\n\n" +
			registersHelp + "\n\n" +
			"Where the event log leads to a register's value, its events go into the draft:\n" +
			"a refusal can then name the first that differs.\n\n" +
			"The endorsement key (EK) of the machine's TPM is listed, so that this machine\n" +
			"alone is admitted; where a root of --ek-roots vouches for it, all TPMs that the\n" +
			"roots vouch for are trusted instead.\n\n" + endorsementsHelp + "\n\n" + exitHelp,
		Example: "  asterism policy from-evidence node.evidence --release v1.0.0 \\\n" +
			"      --nonce 8c5f… > policy.yaml\n" +
			"  asterism policy from-evidence node.evidence --release v1.0.0 \\\n" +
			"      --ek-roots vendor.pem --registers 0,7",
		Args:              files(1, 1, "one file of evidence, or - for standard input"),
		ValidArgsFunction: completeAnyFile,
	}
	o := fromEvidenceOptions{trust: addEndorsements(c)}
	o.nonce = addNonce(c, "the nonce in `hex` that the evidence must be made for")
	c.Flags().StringVar(&o.release, "release", "", "the `name` of the release that the machine runs")
	c.Flags().StringVar(&o.profile, "profile", "release", "the `name` of the image's profile")
	c.Flags().Var(&o.registers, "registers", "PCRs beside those of the boot, as in 0,2,7, or none")
	completeNothing(c, "release")
	completeNothing(c, "profile")
	completeNothing(c, "registers")
	c.RunE = func(c *cobra.Command, args []string) error { return s.fromEvidence(c, args[0], &o) }
	return c
}

func (s *System) fromEvidence(c *cobra.Command, name string, o *fromEvidenceOptions) error {
	switch {
	case o.release == "":
		return wrongUsage(c, errors.New("--release is missing: name the release that the machine runs"))
	case countStdin(append([]string{name}, o.trust.roots...)) > 1:
		return wrongUsage(c, errors.New("two files cannot both come from standard input"))
	}
	x, err := s.examineFile(c, name, o.trust)
	if err != nil {
		return err
	}
	if x.verified == nil {
		return s.noDraft(unverified(x, displayName(name), s.Now()))
	}
	d, err := o.draft(x)
	if err != nil {
		return draftError(c, err)
	}
	return s.printDraft(displayName(name), x, d, *o.nonce)
}

// examineFile verifies a file of evidence as of now.
func (s *System) examineFile(c *cobra.Command, name string, trust *endorsements) (*examination, error) {
	data, err := s.read(name, evidence.MaxRecordSize)
	if err != nil {
		return nil, err
	}
	return s.examineRecord(c.Context(), name, data, trust, s.Now())
}

// draftError tells names that are none from failures.
func draftError(c *cobra.Command, err error) error {
	invalid, ok := errors.AsType[*policy.InvalidError](err)
	if !ok {
		return err
	}
	for _, p := range invalid.Problems {
		switch p.Path {
		case "releases[0].name":
			return wrongUsage(c, errors.New("--release "+p.Message))
		case "profiles[0]":
			return wrongUsage(c, errors.New("--profile "+p.Message))
		}
	}
	return fmt.Errorf("drafting a policy: %w", err)
}

// printDraft prints a draft that admits the evidence that it was made of, which
// must be for the nonce where one is wanted.
func (s *System) printDraft(name string, x *examination, d *draft, wanted nonce) error {
	r, err := explainEvidence("<draft>", d.policy, x, wanted, s.Now())
	if err != nil {
		return err
	}
	r.Evidence.File = name
	if !r.Admitted {
		return s.noDraft(r)
	}
	data, err := policyfile.EncodeYAML(&d.document)
	if err != nil {
		return fmt.Errorf("encoding the draft: %w", err)
	}
	return write(s.Stdout, append([]byte(d.header(name, s.Now())), data...))
}

// noDraft says why nothing is made of evidence. Standard output stays empty: it
// is where a policy was expected.
func (s *System) noDraft(r *explanation) error {
	fmt.Fprintf(s.Stderr, "asterism: no policy is made of this evidence.\n\n%s", r.table(s))
	return errRefused
}

// unverified explains evidence that no policy was asked about.
func unverified(x *examination, name string, at time.Time) *explanation {
	return &explanation{
		Version: explanationVersion, Platform: string(x.record.Evidence.Platform), At: at.UTC().Truncate(time.Second),
		Evidence: &evidenceTitle{File: name, Hash: x.hash, Nonce: x.record.Nonce, Statement: string(x.record.Statement)},
		Verdict:  policy.Verdict{Findings: x.refusals},
	}
}
