package world

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/attester"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/ports"
)

// Machine is a software TPM that has booted a release, the attester on it, and
// the TLS key of the process that uses both.
type Machine struct {
	Name string // as Kubernetes names the node
	Keys *attestedtls.Keys

	folder        string
	address, log  string // of the TPM, and of what was measured
	tpm           *swtpm.Process
	attester      *attester.Attester
	ekCertificate []byte
	ek            measurement.Digest
	member        *Membership            // nil where it bears no mark
	certificate   atomic.Pointer[[]byte] // of the attestation key, once the cluster has admitted it
}

// NewMachine makes a machine and boots it. Close ends it.
func NewMachine(ctx context.Context, name string, m *Maker, r Release, clock *Clock) (*Machine, error) {
	folder, err := os.MkdirTemp("/tmp", "a") // short, for the socket's name
	if err != nil {
		return nil, fmt.Errorf("making the machine's folder: %w", err)
	}
	machine := &Machine{Name: name, folder: folder}
	if err := machine.start(ctx, m, r, clock); err != nil {
		return nil, errors.Join(fmt.Errorf("starting machine %s: %w", name, err), machine.Close())
	}
	return machine, nil
}

func (m *Machine) start(ctx context.Context, maker *Maker, r Release, clock *Clock) error {
	var err error
	if m.Keys, err = attestedtls.NewKeys(clock.Now); err != nil {
		return err
	}
	if m.tpm, err = swtpm.Start(ctx, swtpm.Config{StateDir: m.folder}); err != nil {
		return err
	}
	if err := m.boot(ctx, maker, r); err != nil {
		return err
	}
	m.address, m.log = m.tpm.Address(), filepath.Join(m.folder, "binary_bios_measurements")
	if err := os.WriteFile(m.log, eventLog(bootPCR, r.digest(), r.event()), 0o600); err != nil {
		return fmt.Errorf("writing the event log: %w", err)
	}
	return m.open(ctx)
}

func (m *Machine) open(ctx context.Context) error {
	var err error
	m.attester, err = attester.Open(ctx, attester.Config{
		Platform: Platform, Address: m.address, EventLog: m.log, AKCertificate: m.akCertificate,
	})
	return err
}

// boot does what a factory and then a firmware do.
func (m *Machine) boot(ctx context.Context, maker *Maker, r Release) error {
	d, err := device.Open(ctx, m.tpm.Address())
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // what matters was answered
	der, err := swtpm.Manufacture(d, maker.intermediate)
	if err != nil {
		return err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("reading the endorsement key's certificate: %w", err)
	}
	m.ekCertificate = der
	m.ek = measurement.DigestSHA256(sha256.Sum256(certificate.RawSubjectPublicKeyInfo))
	return extend(d, bootPCR, r.digest())
}

func extend(d *device.Device, register uint32, event measurement.Digest) error {
	_, err := tpm2.PCRExtend{
		PCRHandle: tpm2.AuthHandle{Handle: tpm2.TPMHandle(register), Auth: tpm2.PasswordAuth(nil)},
		Digests: tpm2.TPMLDigestValues{
			Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: event.Bytes()}},
		},
	}.Execute(d)
	if err != nil {
		return fmt.Errorf("extending PCR %d: %w", register, err)
	}
	return nil
}

// Attester makes the machine's evidence.
func (m *Machine) Attester() ports.Attester { return m.attester }

func (m *Machine) akCertificate() []byte {
	if certificate := m.certificate.Load(); certificate != nil {
		return *certificate
	}
	return nil
}

// Enrol does what follows an admission: the machine is marked as the cluster's,
// and the engine's CA certifies its attestation key.
func (m *Machine) Enrol(ctx context.Context, c *Cluster) error {
	if err := m.attester.Mark(ctx, c.ID, c.Owner.ID); err != nil {
		return fmt.Errorf("marking %s: %w", m.Name, err)
	}
	m.member = &Membership{c.ID, c.Owner.ID}
	return m.Certify(ctx, c)
}

// Certify has the cluster's engine CA certify the machine's attestation key.
func (m *Machine) Certify(ctx context.Context, c *Cluster) error {
	identity, err := m.attester.Identity(ctx)
	if err != nil {
		return err
	}
	certificate, err := verifier.IssueAKCertificate(rand.Reader, c.engine.certificate, c.engine.key, &verifier.AKCertificateRequest{
		AKPublic:  identity.AKPublic,
		EK:        m.ek,
		NotBefore: time.Now().Add(-caAge),
		NotAfter:  time.Now().Add(caAge),
	})
	if err != nil {
		return fmt.Errorf("certifying the attestation key of %s: %w", m.Name, err)
	}
	m.certificate.Store(&certificate)
	return nil
}

// Close ends the machine and removes all that it left.
func (m *Machine) Close() error {
	var failed []error
	if m.attester != nil {
		failed = append(failed, m.attester.Close())
	}
	if m.tpm != nil {
		m.tpm.Kill()
		failed = append(failed, os.RemoveAll(m.folder))
	}
	return errors.Join(failed...)
}

// Seize ends the machine's attester and connects to its TPM, as whoever has taken
// the machine over can. The caller closes the connection.
func (m *Machine) Seize(ctx context.Context) (*device.Device, error) {
	err := m.attester.Close()
	m.attester = nil
	if err != nil {
		return nil, err
	}
	return device.Open(ctx, m.address)
}

// EKCertificate returns the certificate of the machine's endorsement key in DER.
func (m *Machine) EKCertificate() []byte { return m.ekCertificate }

// Statements makes the machine's evidence for public statements.
func (m *Machine) Statements() ports.StatementAttester { return m.attester }
