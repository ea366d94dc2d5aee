package attester

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/asterism-k8s/asterism/adapters/attestation/batch"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// KernelEventLog is where Linux shows the firmware's event log of the first TPM,
// in the binary form of the TCG PC Client Platform Firmware Profile, section 10.
const KernelEventLog = "/sys/kernel/security/tpm0/binary_bios_measurements"

// statements is the class of what public verification asks for.
const statements batch.Class = "statement"

// Config says which TPM vouches for what.
type Config struct {
	// Platform is what the evidence says it is from: one with a TPM.
	Platform evidence.Platform
	// Address names the TPM, as tpm/device takes it.
	Address string
	// EventLog is the path of the firmware's event log, KernelEventLog on most
	// machines. Empty is none: a software TPM without firmware has no log.
	EventLog string
	// AKCertificate returns the attestation key's certificate of the engine's
	// CA, the CA's own after it, in DER, and nothing before there is one. It is
	// called often, and concurrently. It may be nil.
	AKCertificate func() []byte
	// Log gets what is odd but no error. It may be nil.
	Log *slog.Logger
}

// Attester proves the machine with its TPM. It may be used concurrently.
type Attester struct {
	config   Config
	tpm      *link
	queue    *batch.Queue
	eventLog []byte
	// activating holds one token: of all who want an activation, one competes
	// with the quotes for the TPM.
	activating chan struct{}
	// activations bounds who waits for that.
	activations chan struct{}
}

var (
	_ ports.Attester          = (*Attester)(nil)
	_ ports.StatementAttester = (*Attester)(nil)
)

// Open connects to the TPM and makes its keys, which takes a real one some
// seconds, and returns with an error only when the TPM is at rest again. The
// error wraps ports.ErrUnavailable where there is no TPM to talk to.
func Open(ctx context.Context, c Config) (*Attester, error) {
	if traits, err := c.Platform.Traits(); err != nil || !traits.TPM {
		return nil, fmt.Errorf("opening the TPM: %w", errors.Join(fmt.Errorf("platform %q has none", string(c.Platform)), err))
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	log, err := readEventLog(c.EventLog)
	if err != nil {
		return nil, err
	}
	tpm, err := openLink(ctx, c.Address, c.Log)
	if err != nil {
		return nil, err
	}
	a := &Attester{
		config: c, tpm: tpm, eventLog: log,
		activating: make(chan struct{}, 1), activations: make(chan struct{}, maxActivations),
	}
	a.queue = batch.New(batch.Config{
		Sign: a.sign, Key: evidence.HashAttestationKey(tpm.identity.akPublic), Classes: classes(),
	})
	return a, nil
}

// classes are the purposes and public statements: none can starve another.
func classes() []batch.Class {
	list := []batch.Class{statements}
	for _, p := range []evidence.Purpose{
		evidence.Init, evidence.Join, evidence.Rejoin, evidence.Recover, evidence.Attest, evidence.Admin, evidence.Unseal,
	} {
		list = append(list, batch.Class(p))
	}
	return list
}

// Close turns away who waits, flushes the attestation key and ends the
// connection.
func (a *Attester) Close() error {
	a.queue.Close()
	return a.tpm.close()
}

// Identity returns the keys of the TPM.
func (a *Attester) Identity(ctx context.Context) (*ports.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading the identity: %w", err)
	}
	akCertificate, err := a.akCertificate()
	if err != nil {
		return nil, fmt.Errorf("reading the identity: %w", err)
	}
	known := &a.tpm.identity
	return &ports.Identity{
		Platform:      a.config.Platform,
		EKCertificate: clone(known.ekCertificate),
		EKPublic:      clone(known.ekPublic),
		AKPublic:      clone(known.akPublic),
		AKCertificate: clone(akCertificate),
	}, nil
}

// Attest makes evidence for the session.
func (a *Attester) Attest(ctx context.Context, s *evidence.Session) (*ports.Attestation, error) {
	binding, err := s.Binding()
	if err != nil {
		return nil, fmt.Errorf("attesting a session: %w", err)
	}
	attestation, err := a.queue.Attest(ctx, batch.Class(s.Purpose), binding.Leaf())
	if err != nil {
		return nil, fmt.Errorf("attesting a session for %q: %w", string(s.Purpose), err)
	}
	return attestation, nil
}

// AttestStatement makes evidence for a public statement.
func (a *Attester) AttestStatement(ctx context.Context, nonce, statement []byte) (*ports.Attestation, error) {
	binding, err := evidence.NewVerificationBinding(nonce, statement)
	if err != nil {
		return nil, fmt.Errorf("attesting a statement: %w", err)
	}
	attestation, err := a.queue.Attest(ctx, statements, binding.Leaf())
	if err != nil {
		return nil, fmt.Errorf("attesting a statement: %w", err)
	}
	return attestation, nil
}

// ResetCount returns how often the TPM was reset, which is once a boot
// (TPMS_CLOCK_INFO, resetCount).
func (a *Attester) ResetCount(ctx context.Context) (uint32, error) {
	return query(ctx, a.tpm, "reading the reset counter", (*connection).resetCount)
}

// akCertificate returns the certificate that there is now. Its bound keeps
// identities and evidence within theirs.
func (a *Attester) akCertificate() ([]byte, error) {
	if a.config.AKCertificate == nil {
		return nil, nil
	}
	certificate := a.config.AKCertificate()
	if len(certificate) > maxCertificate {
		return nil, fmt.Errorf("the attestation key's certificates have %d bytes, at most %d", len(certificate), maxCertificate)
	}
	return certificate, nil
}

// clone keeps nil what is empty.
func clone(data []byte) []byte { return append([]byte(nil), data...) }
