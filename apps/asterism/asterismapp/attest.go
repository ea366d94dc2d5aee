package asterismapp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

const (
	// attestStatement is what evidence of this command is a statement of, in
	// canonical JSON (RFC 8785): that somebody asked this machine, and no more.
	attestStatement = `{"type":"asterism/attest/v1"}`
	// attestLimit bounds the whole. Making an RSA key takes some TPMs a minute.
	attestLimit = 4 * time.Minute
)

// attestOptions are the flags of attest.
type attestOptions struct {
	nonce    *nonce
	out      string
	tpm      string
	platform string
	eventLog string
}

func newAttest(s *System) *cobra.Command {
	c := &cobra.Command{
		Use:   "attest --nonce HEX [-o FILE]",
		Short: "Make evidence from this machine's TPM",
		Long: "Have this machine's TPM sign what was booted, for a nonce that the one who will\n" +
			"check it has chosen, and write the evidence to a file. 'asterism explain' holds\n" +
			"it against a policy, 'asterism policy from-evidence' makes a policy of it.\n\n" +
			tpmHelp + "\n\n" + platformHelp + "\n\n" + eventLogHelp + "\n\n" +
			"The evidence is verified before it is written, and a summary of it goes to\n" +
			"standard error. Nothing of it is secret. The file is written whole or not at\n" +
			"all; it replaces regular files only.\n\n" + exitHelp,
		Example: "  asterism attest --nonce $(openssl rand -hex 32) -o node.evidence\n" +
			"  asterism attest --nonce 8c5f… --tpm unix:/tmp/tpm/sock -o node.evidence\n" +
			"  ssh node asterism attest --nonce 8c5f… > node.evidence",
		Args:              files(0, 0, "none"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o := attestOptions{nonce: addNonce(c, "16 to 64 random bytes in `hex`")}
	c.Flags().StringVarP(&o.out, "output", "o", stdoutName, "the `file` to write, or - for stdout")
	c.Flags().StringVar(&o.tpm, "tpm", autoTPM, "the TPM's `address`")
	c.Flags().StringVar(&o.platform, "platform", "", "the machine's `platform`")
	c.Flags().StringVar(&o.eventLog, "event-log", "", "the firmware's event log: a `file`, or none")
	completeNothing(c, "tpm")
	complete(c, "platform", cobra.FixedCompletions(attestable(), cobra.ShellCompDirectiveNoFileComp))
	c.RunE = func(c *cobra.Command, _ []string) error { return s.attest(c, &o) }
	return c
}

func (s *System) attest(c *cobra.Command, o *attestOptions) error {
	source, err := o.source(c, s)
	if err != nil {
		return err
	}
	if err := s.checkOutput(o.out); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	ctx, cancel := context.WithTimeout(ctx, attestLimit)
	defer cancel()
	made, err := source.attest(ctx, *o.nonce)
	if err != nil {
		return source.explain(err)
	}
	return s.deliver(ctx, o.out, made)
}

// deliver writes evidence that holds, and says what it is.
func (s *System) deliver(ctx context.Context, out string, m *made) error {
	data, err := m.record.Encode()
	if err != nil {
		return fmt.Errorf("encoding the evidence: %w", err)
	}
	summary, err := summarise(ctx, data, m, s.Now())
	if err != nil {
		return err
	}
	if err := s.writeOutput(out, data); err != nil {
		return err
	}
	page := newPage(s.width(), false)
	summary.writeTo(page, displayOutput(out))
	fmt.Fprint(s.Stderr, page.String())
	return nil
}

// source checks the flags and returns where evidence is made.
func (o *attestOptions) source(c *cobra.Command, s *System) (*evidenceSource, error) {
	if len(*o.nonce) == 0 {
		return nil, wrongUsage(c, errors.New("--nonce is missing: whoever will check the evidence chooses it, as in $(openssl rand -hex 32)"))
	}
	address, err := s.tpmAddress(o.tpm)
	if err != nil {
		return nil, wrongUsage(c, err)
	}
	source := &evidenceSource{address: address}
	if source.platform, err = o.platformOf(address); err != nil {
		return nil, wrongUsage(c, err)
	}
	if source.eventLog, err = s.eventLogOf(o.eventLog, address); err != nil {
		return nil, err
	}
	return source, nil
}

// evidenceSource is a TPM and what is to be known beside it.
type evidenceSource struct {
	address  string
	platform evidence.Platform
	eventLog string // a path, empty for none
}

// made is evidence and the keys of the TPM that made it.
type made struct {
	record   *evidence.Record
	identity *ports.Identity
}

// attest makes evidence for a nonce. The TPM holds nothing of it afterwards.
func (e *evidenceSource) attest(ctx context.Context, n nonce) (m *made, err error) {
	attester, err := openAttester(ctx, e)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, attester.Close()) }()
	identity, err := attester.Identity(ctx)
	if err != nil {
		return nil, err
	}
	a, err := attester.AttestStatement(ctx, n, []byte(attestStatement))
	if err != nil {
		return nil, err
	}
	record := &evidence.Record{Nonce: n, Statement: []byte(attestStatement), Path: a.Path, Evidence: a.Evidence}
	return &made{record, identity}, nil
}
