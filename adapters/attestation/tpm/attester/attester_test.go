package attester_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"log/slog"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/attester"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
)

func open(t testing.TB, c attester.Config) *attester.Attester {
	t.Helper()
	if c.Platform == "" {
		c.Platform = evidence.QEMUVTPM
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	a, err := attester.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return a
}

func openTPM(t testing.TB, tpm *swtpmtest.TPM) *attester.Attester {
	t.Helper()
	return open(t, attester.Config{Address: tpm.Address()})
}

// trusting returns a verifier that believes in the CA of the TPM.
func trusting(t testing.TB, root *x509.Certificate) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{
		Platform: evidence.QEMUVTPM,
		Trust: &ports.Trust{
			EndorsementRoots: []evidence.SPKIHash{sha256.Sum256(root.RawSubjectPublicKeyInfo)},
			Certificates:     [][]byte{root.Raw},
		},
		Now: time.Now,
	})
	if err != nil {
		t.Fatalf("making a verifier: %v", err)
	}
	return v
}

func qualifying(d evidence.ReportData) []byte {
	q := d.Qualifying()
	return q[:]
}

func identity(t testing.TB, a *attester.Attester) *ports.Identity {
	t.Helper()
	id, err := a.Identity(t.Context())
	if err != nil {
		t.Fatalf("Identity: %v", err)
	}
	return id
}

func TestAttesterContract(t *testing.T) {
	ca := swtpmtest.NewCA(t)
	v := trusting(t, ca.Certificate())
	other := identity(t, openTPM(t, swtpmtest.New(t, swtpmtest.WithCA(ca))))
	porttest.TestAttester(t, func(t *testing.T) porttest.AttesterFixture {
		t.Helper()
		return porttest.AttesterFixture{
			Attester:   openTPM(t, swtpmtest.New(t, swtpmtest.WithCA(ca))),
			Verifier:   v,
			ReportData: qualifying,
			Other:      other,
		}
	})
}

func TestStatementAttesterContract(t *testing.T) {
	porttest.TestStatementAttester(t, func(t *testing.T) porttest.StatementAttesterFixture {
		t.Helper()
		tpm := swtpmtest.New(t)
		return porttest.StatementAttesterFixture{
			Attester: openTPM(t, tpm), Verifier: trusting(t, tpm.CA.Certificate()), ReportData: qualifying,
		}
	})
}

// One TPM has one identity, for whoever opens it and at every boot.
func TestIdentityOutlivesReboots(t *testing.T) {
	tpm := swtpmtest.New(t, swtpmtest.OverTCP())
	a := openTPM(t, tpm)
	before, count := identity(t, a), resetCount(t, a)
	if !bytes.Equal(before.EKCertificate, tpm.EKCertificate) {
		t.Error("the certificate is not the one in NV memory")
	}
	if err := a.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	tpm.Reboot(t)
	b := openTPM(t, tpm)
	after := identity(t, b)
	if !bytes.Equal(before.EKPublic, after.EKPublic) || !bytes.Equal(before.AKPublic, after.AKPublic) {
		t.Error("the keys changed with a reboot")
	}
	if got := resetCount(t, b); got != count+1 {
		t.Errorf("the reset counter went from %d to %d", count, got)
	}
}

func resetCount(t testing.TB, a *attester.Attester) uint32 {
	t.Helper()
	count, err := a.ResetCount(t.Context())
	if err != nil {
		t.Fatalf("ResetCount: %v", err)
	}
	return count
}
