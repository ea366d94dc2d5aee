package swtpm_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
)

func resetCount(t *testing.T, tpm transport.TPM) uint32 {
	t.Helper()
	clock, err := tpm2.ReadClock{}.Execute(tpm)
	if err != nil {
		t.Fatalf("reading the clock: %v", err)
	}
	return clock.CurrentTime.ClockInfo.ResetCount
}

func ekPublic(t *testing.T, tpm transport.TPM) *rsa.PublicKey {
	t.Helper()
	ek, err := profile.CreateEK(tpm)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (tpm2.FlushContext{FlushHandle: ek.Handle}).Execute(tpm); err != nil {
		t.Fatal(err)
	}
	public, err := profile.RSAPublicKey(ek.Public)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestReboot(t *testing.T) {
	for name, opts := range map[string][]swtpmtest.Option{
		"unix": {swtpmtest.WithoutCertificate()},
		"tcp":  {swtpmtest.WithoutCertificate(), swtpmtest.OverTCP()},
	} {
		t.Run(name, func(t *testing.T) {
			tpm := swtpmtest.New(t, opts...)
			d := tpm.Open(t)
			before := resetCount(t, d)
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			tpm.Reboot(t)
			d = tpm.Open(t)
			if after := resetCount(t, d); after != before+1 {
				t.Errorf("reset counter %d after a reboot, was %d", after, before)
			}
			tpm.Reboot(t) // while the connection is held: a power cut
			if after := resetCount(t, tpm.Open(t)); after != before+2 {
				t.Errorf("reset counter %d after two reboots, was %d", after, before)
			}
		})
	}
}

func TestManufacture(t *testing.T) {
	root := swtpmtest.NewCA(t)
	intermediate, err := root.Intermediate()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	tpm := swtpmtest.New(t, swtpmtest.WithCA(intermediate))
	t.Logf("a TPM with a certificate took %v", time.Since(start))
	certificate, err := x509.ParseCertificate(tpm.EKCertificate)
	if err != nil {
		t.Fatal(err)
	}
	if !ekPublic(t, tpm.Open(t)).Equal(certificate.PublicKey) {
		t.Error("the certificate is for another key")
	}
	san := asn1.ObjectIdentifier{2, 5, 29, 17}
	if len(certificate.UnhandledCriticalExtensions) != 1 || !certificate.UnhandledCriticalExtensions[0].Equal(san) {
		t.Errorf("critical extensions that crypto/x509 does not know: %v, want %v", certificate.UnhandledCriticalExtensions, san)
	}
	if len(certificate.UnknownExtKeyUsage) != 1 || certificate.UnknownExtKeyUsage[0].String() != "2.23.133.8.1" {
		t.Errorf("extended key usages %v", certificate.UnknownExtKeyUsage)
	}
	certificate.UnhandledCriticalExtensions = nil
	verify := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	verify.Roots.AddCert(root.Certificate())
	verify.Intermediates.AddCert(intermediate.Certificate())
	if _, err := certificate.Verify(verify); err != nil {
		t.Errorf("the chain does not hold: %v", err)
	}
	if len(intermediate.Chain()) != 2 {
		t.Errorf("the chain has %d certificates, want 2", len(intermediate.Chain()))
	}
}

func TestTPMsAreDifferent(t *testing.T) {
	a := swtpmtest.New(t, swtpmtest.WithoutCertificate())
	b := swtpmtest.New(t, swtpmtest.WithoutCertificate())
	if ekPublic(t, a.Open(t)).Equal(ekPublic(t, b.Open(t))) {
		t.Error("two TPMs have one endorsement key")
	}
}

func TestStartExplains(t *testing.T) {
	occupied := t.TempDir() + "/file"
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		config swtpm.Config
		want   string
	}{
		{"state is a file", swtpm.Config{StateDir: occupied}, "state folder"},
		{"no address", swtpm.Config{StateDir: t.TempDir(), Address: "pipe:x"}, "cannot listen"},
		{"socket path too long", swtpm.Config{StateDir: t.TempDir(), Address: "unix:/tmp/" + strings.Repeat("a", 120)}, "swtpm ended"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := swtpm.Start(t.Context(), test.config)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Start = %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := swtpm.Start(ctx, swtpm.Config{StateDir: t.TempDir(), Address: "tcp:127.0.0.1:1"})
	if !errors.Is(err, context.Canceled) && (err == nil || !strings.Contains(err.Error(), "swtpm ended")) {
		t.Errorf("Start = %v", err)
	}
}

func TestEndedTellsOfACrash(t *testing.T) {
	p, err := swtpm.Start(t.Context(), swtpm.Config{StateDir: swtpmtest.ShortDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	select {
	case <-p.Ended():
	case <-time.After(5 * time.Second):
		t.Fatal("the process was killed and Ended does not say so")
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stopping a TPM that is gone: %v", err)
	}
}

// A process that starts a TPM and dies without a word takes it along.
func TestTheTPMEndsWithItsParent(t *testing.T) {
	const dirVariable = "SWTPM_TEST_DIR"
	if dir := os.Getenv(dirVariable); dir != "" {
		if _, err := swtpm.Start(t.Context(), swtpm.Config{StateDir: dir}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("it runs")
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	dir := swtpmtest.ShortDir(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestTheTPMEndsWithItsParent$")
	cmd.Env = append(os.Environ(), dirVariable+"="+dir)
	output, err := cmd.Output()
	if err == nil || !strings.Contains(string(output), "it runs") {
		t.Fatalf("the parent should have started a TPM and died: %v: %s", err, output)
	}
	socket := &net.UnixAddr{Name: dir + "/socket", Net: "unix"}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.DialUnix("unix", nil, socket)
		if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) {
			return
		}
		if err == nil && time.Now().After(deadline) {
			endListener(t, conn)
			t.Fatal("the TPM outlived its parent")
		}
		if err == nil {
			err = conn.Close()
		}
		if err != nil && time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// endListener ends the process at the other end, which nobody else knows.
func endListener(t *testing.T, conn *net.UnixConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		peer, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		if err == nil {
			err = syscall.Kill(int(peer.Pid), syscall.SIGKILL)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		swtpmtest.New(b)
	}
}
