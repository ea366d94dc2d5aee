package attester_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/attester"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

func credential(t *testing.T, ek, ak *ports.Identity, secret []byte) []byte {
	t.Helper()
	c, err := profile.MakeCredential(rand.Reader, ek.EKPublic, nameOf(ak.AKPublic), secret)
	if err != nil {
		t.Fatal(err)
	}
	return c.Encode()
}

// The TPM itself refuses a secret that was meant for another attestation key
// beside this endorsement key, or for another endorsement key.
func TestThreat09KeysOfAnotherTPM(t *testing.T) {
	own, other := openTPM(t, swtpmtest.New(t)), openTPM(t, swtpmtest.New(t))
	ours, theirs := identity(t, own), identity(t, other)
	secret := bytes.Repeat([]byte{7}, profile.SecretSize)
	for name, test := range map[string]struct {
		ek, ak *ports.Identity
		want   error
	}{
		"own keys":   {ours, ours, nil},
		"another AK": {ours, theirs, ports.ErrChallenge},
		"another EK": {theirs, ours, ports.ErrChallenge},
		"both":       {theirs, theirs, ports.ErrChallenge},
	} {
		proof, err := own.Activate(t.Context(), session(1), credential(t, test.ek, test.ak, secret))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: Activate = %v, want %v", name, err, test.want)
		}
		if (proof == ports.Proof{}) != (test.want != nil) {
			t.Errorf("%s: a proof that does not fit the error %v", name, err)
		}
	}
}

// An answer that is relayed to another session proves nothing there: not with
// another exporter, key, role, purpose or hello.
func TestThreat09RelayedActivation(t *testing.T) {
	a := openTPM(t, swtpmtest.New(t))
	id := identity(t, a)
	secret := bytes.Repeat([]byte{7}, profile.SecretSize)
	challenge := credential(t, id, id, secret)
	seen := map[ports.Proof]string{}
	for name, change := range map[string]func(*evidence.Session){
		"this session": func(*evidence.Session) {},
		"exporter":     func(s *evidence.Session) { s.Exporter[0]++ },
		"own key":      func(s *evidence.Session) { s.AttesterSPKI[5]++ },
		"peer's key":   func(s *evidence.Session) { s.VerifierSPKI[5]++ },
		"role":         func(s *evidence.Session) { s.AttesterRole = evidence.JoinService },
		"purpose":      func(s *evidence.Session) { s.Purpose, s.AttesterRole = evidence.Init, evidence.Joiner },
		"own hello":    func(s *evidence.Session) { s.AttesterHello = []byte("other") },
		"peer's hello": func(s *evidence.Session) { s.VerifierHello = []byte("other") },
	} {
		s := session(1)
		change(s)
		proof, err := a.Activate(t.Context(), s, challenge)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if before, twice := seen[proof]; twice {
			t.Errorf("%q and %q have one proof", name, before)
		}
		seen[proof] = name
		binding, err := s.Binding()
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write(binding.Bytes())
		if !hmac.Equal(proof[:], mac.Sum(nil)) {
			t.Errorf("%s: the proof is not the HMAC of the session's binding", name)
		}
	}
}

// A TPM that takes 200 ms a quote serves 64 sessions within two quotes' time.
func TestManySessionsOnASlowTPM(t *testing.T) {
	const quoteTime = 200 * time.Millisecond
	p := newProxy(t, swtpmtest.New(t))
	a := open(t, attester.Config{Address: p.address})
	quotes := 0
	p.meddle(func(code tpm2.TPMCC) (tpm2.TPMRC, bool) {
		if code == tpm2.TPMCCQuote {
			quotes++
			<-time.After(quoteTime) // the hardware's time
		}
		return 0, false
	}, nil)
	done := make(chan error, 64)
	for n := range cap(done) {
		go func() { _, err := a.Attest(t.Context(), session(n)); done <- err }()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if quotes > 2 {
		t.Errorf("64 sessions took %d quotes", quotes)
	}
}

// A flood of activations has a bound, and does not keep quotes from the TPM.
func TestThreat23AFloodOfActivations(t *testing.T) {
	p := newProxy(t, swtpmtest.New(t))
	a := open(t, attester.Config{Address: p.address})
	challenge := challengeFor(t, identity(t, a))
	ctx, stop := context.WithCancel(t.Context())
	var turnedAway atomic.Int32
	var flood sync.WaitGroup
	defer flood.Wait()
	defer stop()
	for range 100 {
		flood.Go(func() {
			for ctx.Err() == nil {
				_, err := a.Activate(ctx, session(1), challenge)
				if errors.Is(err, ports.ErrUnavailable) {
					turnedAway.Add(1)
					<-time.After(time.Millisecond) // comes again at once
				} else if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("Activate: %v", err)
				}
			}
		})
	}
	for start := time.Now(); turnedAway.Load() == 0; runtime.Gosched() {
		if time.Since(start) > 10*time.Second {
			t.Fatal("nobody of 100 was turned away")
		}
	}
	var activations atomic.Int32
	p.meddle(func(code tpm2.TPMCC) (tpm2.TPMRC, bool) {
		if code == tpm2.TPMCCActivateCredential {
			activations.Add(1)
		}
		return 0, false
	}, nil)
	for n := range 10 {
		if _, err := a.Attest(t.Context(), session(n)); err != nil {
			t.Errorf("Attest: %v", err)
		}
	}
	if n := activations.Load(); n > 30 {
		t.Errorf("10 quotes waited for %d activations", n)
	}
}

func BenchmarkAttest(b *testing.B) {
	a := openTPM(b, swtpmtest.New(b))
	for n := 0; b.Loop(); n++ {
		if _, err := a.Attest(b.Context(), session(n)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkActivate(b *testing.B) {
	a := openTPM(b, swtpmtest.New(b))
	challenge := challengeFor(b, identity(b, a))
	for n := 0; b.Loop(); n++ {
		if _, err := a.Activate(b.Context(), session(n), challenge); err != nil {
			b.Fatal(err)
		}
	}
}
