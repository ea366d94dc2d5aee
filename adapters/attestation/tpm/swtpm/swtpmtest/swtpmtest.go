package swtpmtest

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm"
)

// TPM is a running software TPM.
type TPM struct {
	CA            *swtpm.CA // nil where the TPM has no certificate
	EKCertificate []byte    // in DER, as in NV memory; nil where there is none

	config  swtpm.Config
	process *swtpm.Process
}

type options struct {
	ca          *swtpm.CA
	certificate bool
	tcp         bool
}

// Option changes what New makes.
type Option func(*options)

// WithCA has the TPM certified by that CA instead of a new one.
func WithCA(ca *swtpm.CA) Option { return func(o *options) { o.ca = ca } }

// WithoutCertificate leaves NV memory empty, as some machines have it.
func WithoutCertificate() Option { return func(o *options) { o.certificate = false } }

// OverTCP has the TPM listen on a port of the loopback interface instead of a
// unix socket.
func OverTCP() Option { return func(o *options) { o.tcp = true } }

// New starts a TPM that ends with the test.
func New(t testing.TB, opts ...Option) *TPM {
	t.Helper()
	o := options{certificate: true}
	for _, opt := range opts {
		opt(&o)
	}
	tpm := &TPM{config: swtpm.Config{StateDir: ShortDir(t)}}
	if o.tcp {
		tpm.config.Address = freePort(t)
	}
	tpm.start(t)
	t.Cleanup(func() { tpm.process.Kill() })
	if o.certificate {
		tpm.manufacture(t, o.ca)
	}
	return tpm
}

// NewCA makes a root of which the clock is the machine's.
func NewCA(t testing.TB) *swtpm.CA {
	t.Helper()
	ca, err := swtpm.NewCA(time.Now)
	if err != nil {
		t.Fatalf("making a CA: %v", err)
	}
	return ca
}

// Address returns where the TPM listens, as tpm/device takes it. It stays the
// same across reboots. One connection at a time is served.
func (tpm *TPM) Address() string { return tpm.process.Address() }

// Open connects to the TPM until the test ends, or the caller closes it.
func (tpm *TPM) Open(t testing.TB) *device.Device {
	t.Helper()
	d, err := device.Open(t.Context(), tpm.Address())
	if err != nil {
		t.Fatalf("opening the TPM: %v", err)
	}
	t.Cleanup(func() { closeDevice(t, d) })
	return d
}

// WriteNV makes an NV index with that content, unwritten where it is empty. No
// connection may be open.
func (tpm *TPM) WriteNV(t testing.TB, index tpm2.TPMHandle, content []byte) {
	t.Helper()
	d := tpm.Open(t)
	defer closeDevice(t, d)
	if err := swtpm.WriteNV(d, index, content); err != nil {
		t.Fatal(err)
	}
}

// Reboot turns the TPM off and on: registers are reset, what was loaded is gone,
// and the reset counter grows. Close connections before, or it is a power cut.
func (tpm *TPM) Reboot(t testing.TB) {
	t.Helper()
	tpm.Stop(t)
	tpm.start(t)
}

// Stop turns the TPM off.
func (tpm *TPM) Stop(t testing.TB) {
	t.Helper()
	if err := tpm.process.Stop(); err != nil {
		t.Fatalf("stopping the TPM: %v", err)
	}
}

// Start turns a TPM on that was stopped or killed.
func (tpm *TPM) Start(t testing.TB) {
	t.Helper()
	tpm.start(t)
}

// Kill ends the TPM's process at once, as a crash would.
func (tpm *TPM) Kill() { tpm.process.Kill() }

func (tpm *TPM) start(t testing.TB) {
	t.Helper()
	process, err := swtpm.Start(t.Context(), tpm.config)
	if err != nil {
		t.Fatalf("starting a TPM: %v", err)
	}
	tpm.process = process
}

func (tpm *TPM) manufacture(t testing.TB, ca *swtpm.CA) {
	t.Helper()
	if ca == nil {
		ca = NewCA(t)
	}
	d := tpm.Open(t)
	defer closeDevice(t, d)
	certificate, err := swtpm.Manufacture(d, ca)
	if err != nil {
		t.Fatalf("manufacturing the TPM: %v", err)
	}
	tpm.CA, tpm.EKCertificate = ca, certificate
}

func closeDevice(t testing.TB, d *device.Device) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Errorf("closing the TPM: %v", err)
	}
}

// ShortDir makes a folder whose name leaves room for a socket's, unlike
// t.TempDir. It is removed with the test.
func ShortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "a")
	if err != nil {
		t.Fatalf("making a folder: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing a folder: %v", err)
		}
	})
	return dir
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatalf("freeing a port: %v", err)
	}
	return "tcp:" + l.Addr().String()
}
