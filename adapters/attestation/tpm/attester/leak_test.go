package attester_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/attester"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// session returns one that is like no other.
func session(n int) *evidence.Session {
	s := &evidence.Session{Purpose: evidence.Join, AttesterRole: evidence.Joiner}
	copy(s.Exporter[:], fmt.Sprintf("exporter %d", n))
	s.AttesterSPKI, s.VerifierSPKI = evidence.SPKIHash{1}, evidence.SPKIHash{2}
	s.AttesterHello, s.VerifierHello = []byte("hello"), []byte("hello")
	return s
}

// challengeFor makes one for the keys of an identity.
func challengeFor(t testing.TB, id *ports.Identity) []byte {
	t.Helper()
	c, err := profile.MakeCredential(rand.Reader, id.EKPublic, nameOf(id.AKPublic), make([]byte, profile.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	return c.Encode()
}

// inUse lists the handles of transient objects, loaded and saved sessions.
func inUse(t testing.TB, tpm transport.TPM) string {
	t.Helper()
	var all []string
	for _, first := range []uint32{0x80000000, 0x02000000, 0x03000000} {
		r, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: first, PropertyCount: 32}.Execute(tpm)
		if err != nil {
			t.Fatal(err)
		}
		list, err := r.CapabilityData.Data.Handles()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%#x", list.Handle))
	}
	return strings.Join(all, " ")
}

const nothingInUse = "[] [] []"

// Thousands of quotes, activations, and attempts at both that fail, leave behind
// what was there after the first: the attestation key.
func TestNothingLeaks(t *testing.T) {
	const quotes, activations = 2000, 300
	tpm := swtpmtest.New(t)
	p := newProxy(t, tpm)
	a := open(t, attester.Config{Address: p.address})
	id := identity(t, a)
	before := inUse(t, p.tpm)
	if before != "[0x80000000] [] []" {
		t.Errorf("after opening, in use: %s", before)
	}
	right, wrong := challengeFor(t, id), challengeFor(t, id)
	wrong[20] ^= 1
	for n := range activations {
		if _, err := a.Activate(t.Context(), session(n), right); err != nil {
			t.Fatalf("activation %d: %v", n, err)
		}
		if _, err := a.Activate(t.Context(), session(n), wrong); !errors.Is(err, ports.ErrChallenge) {
			t.Fatalf("wrong activation %d: %v", n, err)
		}
	}
	for n := range quotes {
		if _, err := a.Attest(t.Context(), session(n)); err != nil {
			t.Fatalf("quote %d: %v", n, err)
		}
	}
	if after := inUse(t, p.tpm); after != before {
		t.Errorf("in use: %s, before: %s", after, before)
	}
	if err := a.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if after := inUse(t, p.tpm); after != nothingInUse {
		t.Errorf("after closing, in use: %s", after)
	}
}

// Each command of an activation in turn is refused by the TPM: what was made
// before it is taken away again.
func TestFailuresLeakNothing(t *testing.T) {
	p := newProxy(t, swtpmtest.New(t))
	a := open(t, attester.Config{Address: p.address})
	challenge := challengeFor(t, identity(t, a))
	before := inUse(t, p.tpm)
	for _, failing := range []tpm2.TPMCC{
		tpm2.TPMCCReadPublic, tpm2.TPMCCContextLoad, tpm2.TPMCCStartAuthSession, tpm2.TPMCCPolicySecret, tpm2.TPMCCActivateCredential,
	} {
		p.meddle(func(code tpm2.TPMCC) (tpm2.TPMRC, bool) { return tpm2.TPMRCLockout, code == failing }, nil)
		_, err := a.Activate(t.Context(), session(0), challenge)
		if !errors.Is(err, ports.ErrUnavailable) || errors.Is(err, ports.ErrChallenge) || !strings.Contains(err.Error(), "lockout") {
			t.Errorf("command %#x: Activate = %v", uint32(failing), err)
		}
		p.meddle(nil, nil)
		if after := inUse(t, p.tpm); after != before {
			t.Errorf("command %#x: in use: %s, before: %s", uint32(failing), after, before)
		}
	}
	if _, err := a.Activate(t.Context(), session(0), challenge); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// An earlier process died and left the TPM full.
func TestLeftoversAreFlushed(t *testing.T) {
	tpm := swtpmtest.New(t)
	d := tpm.Open(t)
	for range 2 {
		if _, err := profile.CreateAK(d); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := tpm2.PolicySession(d, tpm2.TPMAlgSHA256, 16); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	a := openTPM(t, tpm)
	if _, err := a.Activate(t.Context(), session(0), challengeFor(t, identity(t, a))); err != nil {
		t.Errorf("Activate: %v", err)
	}
}

// Somebody else flushed the attestation key, or put one of their own in its
// place: it is loaded again.
func TestEvictedKeysComeBack(t *testing.T) {
	const own, next = tpm2.TPMHandle(0x80000000), tpm2.TPMHandle(0x80000001)
	for name, use := range map[string]func(*testing.T, *attester.Attester, ports.Verifier){
		"Attest": func(t *testing.T, a *attester.Attester, v ports.Verifier) {
			t.Helper()
			attestation, err := a.Attest(t.Context(), session(1))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(t.Context(), &ports.Submission{Evidence: attestation.Evidence}); err != nil {
				t.Error(err)
			}
		},
		"Activate": func(t *testing.T, a *attester.Attester, _ ports.Verifier) {
			t.Helper()
			if _, err := a.Activate(t.Context(), session(1), challengeFor(t, identity(t, a))); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tpm := swtpmtest.New(t)
			p := newProxy(t, tpm)
			a := open(t, attester.Config{Address: p.address})
			v := trusting(t, tpm.CA.Certificate())
			evict(t, p.tpm, own)
			use(t, a, v)
			if got := inUse(t, p.tpm); got != "[0x80000000] [] []" {
				t.Errorf("in use: %s", got)
			}
			evict(t, p.tpm, own)
			if got := foreignKey(t, p.tpm); got != own {
				t.Fatalf("the foreign key got handle %#x", got)
			}
			use(t, a, v)
			evict(t, p.tpm, next)
			evict(t, p.tpm, own)
		})
	}
}

func evict(t *testing.T, tpm transport.TPM, handle tpm2.TPMHandle) {
	t.Helper()
	if _, err := (tpm2.FlushContext{FlushHandle: handle}).Execute(tpm); err != nil {
		t.Fatal(err)
	}
}

// foreignKey makes a key of another program, that signs quotes just as well.
func foreignKey(t *testing.T, tpm transport.TPM) tpm2.TPMHandle {
	t.Helper()
	r, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(profile.AKTemplate())}.Execute(tpm)
	if err != nil {
		t.Fatal(err)
	}
	return r.ObjectHandle
}

func TestATPMThatComesAndGoes(t *testing.T) {
	tpm := swtpmtest.New(t)
	a := openTPM(t, tpm)
	before := identity(t, a)
	challenge := challengeFor(t, before)
	tpm.Kill()
	for name, use := range map[string]func() error{
		"Attest":     func() error { _, err := a.Attest(t.Context(), session(1)); return err },
		"Activate":   func() error { _, err := a.Activate(t.Context(), session(1), challenge); return err },
		"ResetCount": func() error { _, err := a.ResetCount(t.Context()); return err },
	} {
		if err := use(); !errors.Is(err, ports.ErrUnavailable) || !strings.Contains(err.Error(), "is the software TPM running") {
			t.Errorf("without a TPM, %s = %v", name, err)
		}
	}
	tpm.Start(t)
	if _, err := a.Attest(t.Context(), session(2)); err != nil {
		t.Errorf("after it came back, Attest = %v", err)
	}
	if _, err := a.Activate(t.Context(), session(2), challenge); err != nil {
		t.Errorf("after it came back, Activate = %v", err)
	}
	if !bytes.Equal(before.AKPublic, identity(t, a).AKPublic) {
		t.Error("the identity changed")
	}
	tpm.Kill()
	tpm.Start(t) // while nobody looked
	if _, err := a.Attest(t.Context(), session(3)); err != nil {
		t.Errorf("after it was replaced unseen, Attest = %v", err)
	}
}

// Power cuts after activations are no attack on the keys: the TPM does not lock
// itself.
func TestPowerCutsLockNothing(t *testing.T) {
	tpm := swtpmtest.New(t)
	a := openTPM(t, tpm)
	challenge := challengeFor(t, identity(t, a))
	for n := range 12 {
		if _, err := a.Activate(t.Context(), session(n), challenge); err != nil {
			t.Fatalf("after %d power cuts, Activate: %v", n, err)
		}
		tpm.Kill()
		tpm.Start(t)
	}
}

// Kill the TPM while 32 sessions want something of it.
func TestATPMThatDiesAtWork(t *testing.T) {
	tpm := swtpmtest.New(t)
	a := openTPM(t, tpm)
	challenge := challengeFor(t, identity(t, a))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := a.Attest(ctx, session(n)); err != nil && !errors.Is(err, ports.ErrUnavailable) && !errors.Is(err, context.Canceled) {
					t.Errorf("Attest: %v", err)
				}
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := a.Activate(ctx, session(n), challenge); err != nil && !errors.Is(err, ports.ErrUnavailable) && !errors.Is(err, context.Canceled) {
					t.Errorf("Activate: %v", err)
				}
			}
		})
	}
	for range 3 {
		if _, err := a.Attest(t.Context(), session(-1)); err != nil {
			t.Errorf("Attest: %v", err)
		}
		tpm.Kill()
		tpm.Start(t)
	}
	stop()
	wg.Wait()
	if _, err := a.Attest(t.Context(), session(-1)); err != nil {
		t.Errorf("in the end, Attest: %v", err)
	}
}

func TestAnotherTPMIsNotBelieved(t *testing.T) {
	one, two := newProxy(t, swtpmtest.New(t)), swtpmtest.New(t).Open(t)
	a := open(t, attester.Config{Address: one.address})
	one.replace(two)
	a.DropConnection()
	_, err := a.Attest(t.Context(), session(0))
	if !errors.Is(err, attester.ErrReplaced) || !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("Attest = %v", err)
	}
}

// The context ends the waiting, although the TPM works on.
func TestCallsEndWithTheirContext(t *testing.T) {
	p := newProxy(t, swtpmtest.New(t))
	a := open(t, attester.Config{Address: p.address})
	challenge := challengeFor(t, identity(t, a))
	release := make(chan struct{})
	p.meddle(func(tpm2.TPMCC) (tpm2.TPMRC, bool) { <-release; return 0, false }, nil)
	for name, use := range map[string]func(context.Context) error{
		"Attest":     func(ctx context.Context) error { _, err := a.Attest(ctx, session(1)); return err },
		"Activate":   func(ctx context.Context) error { _, err := a.Activate(ctx, session(1), challenge); return err },
		"ResetCount": func(ctx context.Context) error { _, err := a.ResetCount(ctx); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := use(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s = %v", name, err)
		}
		cancel()
	}
	close(release)
	if _, err := a.Attest(t.Context(), session(1)); err != nil {
		t.Errorf("afterwards, Attest = %v", err)
	}
}

func TestOpenExplains(t *testing.T) {
	tpm := swtpmtest.New(t)
	for name, test := range map[string]struct {
		config attester.Config
		want   error
	}{
		"no TPM":           {attester.Config{Platform: evidence.TPM, Address: "unix:/nonexistent"}, ports.ErrUnavailable},
		"no address":       {attester.Config{Platform: evidence.TPM}, device.ErrAddress},
		"platform unknown": {attester.Config{Platform: "x", Address: tpm.Address()}, evidence.ErrPlatform},
	} {
		if _, err := attester.Open(t.Context(), test.config); !errors.Is(err, test.want) {
			t.Errorf("%s: Open = %v", name, err)
		}
	}
	for name, config := range map[string]attester.Config{
		"platform without TPM": {Platform: evidence.QEMUSNP, Address: tpm.Address()},
		"no log":               {Platform: evidence.TPM, Address: tpm.Address(), EventLog: "/nonexistent"},
	} {
		if _, err := attester.Open(t.Context(), config); err == nil {
			t.Errorf("%s: Open succeeded", name)
		}
	}
}

func nameOf(public []byte) []byte {
	area, err := tpm2.Unmarshal[tpm2.TPMTPublic](public)
	if err != nil {
		return nil
	}
	name, err := tpm2.ObjectName(area)
	if err != nil {
		return nil
	}
	return name.Buffer
}
