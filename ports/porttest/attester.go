package porttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// patience is how long a call may go on after its context is done.
const patience = 5 * time.Second

// AttesterFixture is an attester under test and what is known about its machine.
type AttesterFixture struct {
	Attester ports.Attester
	// Verifier trusts the machine, and the one of Other.
	Verifier ports.Verifier
	// ReportData returns what claims hold for report data: SHA-256 of it from a
	// TPM, all of it from a TEE.
	ReportData func(evidence.ReportData) []byte
	// Other is the identity of another machine of the platform. It is nil where
	// identities hold no keys.
	Other *ports.Identity
	// Serves are the purposes that the attester serves, all where it is empty.
	Serves []evidence.Purpose
}

// TestAttester is the contract of ports.Attester. newFixture makes an attester
// that no other test uses.
func TestAttester(t *testing.T, newFixture func(*testing.T) AttesterFixture) {
	t.Helper()
	tests := map[string]func(*attesterCase){
		"Identity":         (*attesterCase).testIdentity,
		"Activate":         (*attesterCase).testActivate,
		"ForeignChallenge": (*attesterCase).testForeignChallenge,
		"NoChallenge":      (*attesterCase).testNoChallenge,
		"Attest":           (*attesterCase).testAttest,
		"Sessions":         (*attesterCase).testSessions,
		"NotServed":        (*attesterCase).testNotServed,
		"BrokenSessions":   (*attesterCase).testBrokenSessions,
		"Concurrency":      (*attesterCase).testConcurrency,
		"Cancelled":        (*attesterCase).testCancelled,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test(&attesterCase{t, newFixture(t)})
		})
	}
}

// attesterCase is one test of the suite.
type attesterCase struct {
	*testing.T
	AttesterFixture
}

// sessions are those that the attester serves, or does not.
func (c *attesterCase) sessions(served bool) []sessionKind {
	return slices.DeleteFunc(allSessions(), func(k sessionKind) bool {
		return (len(c.Serves) == 0 || slices.Contains(c.Serves, k.purpose)) != served
	})
}

func (c *attesterCase) freshness() *freshness { return &freshness{c.Verifier, c.ReportData} }

// first is some session that the attester serves.
func (c *attesterCase) first() *evidence.Session { return c.sessions(true)[0].session(0) }

func (c *attesterCase) identity() *ports.Identity {
	c.Helper()
	id, err := c.Attester.Identity(c.Context())
	if err != nil {
		c.Fatalf("Identity: %v", err)
	}
	return id
}

func equalIdentities(a, b *ports.Identity) bool {
	return a.Platform == b.Platform && bytes.Equal(a.EKCertificate, b.EKCertificate) && bytes.Equal(a.EKPublic, b.EKPublic) &&
		bytes.Equal(a.AKPublic, b.AKPublic) && bytes.Equal(a.AKCertificate, b.AKCertificate)
}

func (c *attesterCase) testIdentity() {
	first := c.identity()
	if _, err := first.Platform.Traits(); err != nil {
		c.Errorf("the platform is unknown: %v", err)
	}
	if n := len(first.EKCertificate) + len(first.EKPublic) + len(first.AKPublic) + len(first.AKCertificate); n > ports.MaxIdentitySize {
		c.Errorf("it has %d bytes", n)
	}
	if _, err := c.Attester.Attest(c.Context(), c.first()); err != nil {
		c.Fatalf("Attest: %v", err)
	}
	second := c.identity()
	if !equalIdentities(first, second) {
		c.Error("it changed")
	}
	for _, part := range [][]byte{second.EKCertificate, second.EKPublic, second.AKPublic, second.AKCertificate} {
		clear(part)
	}
	if !equalIdentities(first, c.identity()) {
		c.Error("what a caller does to its copy changes that of others")
	}
}

// challenge is what the verifier wants to be answered, nil where it wants nothing.
func (c *attesterCase) challenge(id *ports.Identity) *ports.Challenge {
	c.Helper()
	made, err := c.Verifier.Challenge(c.Context(), id)
	if err != nil {
		c.Fatalf("Challenge: %v", err)
	}
	if made == nil && c.Other != nil {
		c.Fatal("the verifier challenges nobody, although identities hold keys")
	}
	return made
}

func (c *attesterCase) testActivate() {
	challenge := c.challenge(c.identity())
	if challenge == nil {
		return // testNoChallenge has what holds then
	}
	for _, kind := range c.sessions(true) {
		s, other := kind.session(1), kind.session(2)
		proof, err := c.Attester.Activate(c.Context(), s, challenge.Blob)
		if err != nil {
			c.Errorf("%v: Activate: %v", kind, err)
			continue
		}
		if proof != prove(c.T, challenge.Secret.Reveal(), s) {
			c.Errorf("%v: the proof is not that of this session and secret", kind)
		}
		if proof == prove(c.T, challenge.Secret.Reveal(), other) {
			c.Errorf("%v: the proof is that of another session", kind)
		}
	}
}

// testForeignChallenge: a challenge for any other pair of keys is not
// answered.
func (c *attesterCase) testForeignChallenge() {
	if c.Other == nil {
		return
	}
	own := c.identity()
	swap := func(ek, ak *ports.Identity) *ports.Identity {
		return &ports.Identity{Platform: own.Platform, EKCertificate: ek.EKCertificate, EKPublic: ek.EKPublic, AKPublic: ak.AKPublic}
	}
	for name, id := range map[string]*ports.Identity{
		"of another machine":               c.Other,
		"with another AK":                  swap(own, c.Other),
		"for another EK, with this one AK": swap(c.Other, own),
	} {
		challenge := c.challenge(id)
		if proof, err := c.Attester.Activate(c.Context(), c.first(), challenge.Blob); !errors.Is(err, ports.ErrChallenge) || proof != (ports.Proof{}) {
			c.Errorf("a challenge %s gave %v", name, err)
		}
	}
	challenge := c.challenge(own)
	if proof, err := c.Attester.Activate(c.Context(), c.first(), challenge.Blob); err != nil || proof != prove(c.T, challenge.Secret.Reveal(), c.first()) {
		c.Errorf("a right challenge after wrong ones: %v", err)
	}
}

// testNoChallenge: what is no challenge is refused as such.
func (c *attesterCase) testNoChallenge() {
	blobs := map[string][]byte{
		"nothing":    nil,
		"zeros":      make([]byte, 300),
		"the bound":  make([]byte, ports.MaxChallengeSize),
		"over bound": make([]byte, ports.MaxChallengeSize+1),
	}
	if c.Other != nil {
		challenge := c.challenge(c.identity())
		blobs["one cut off"] = challenge.Blob[:len(challenge.Blob)-1]
		blobs["one that goes on"] = append(bytes.Clone(challenge.Blob), 0)
		for _, at := range []int{0, len(challenge.Blob) / 8, len(challenge.Blob) - 1} {
			changed := bytes.Clone(challenge.Blob)
			changed[at] ^= 1
			blobs[fmt.Sprintf("one changed at %d", at)] = changed
		}
	}
	for name, blob := range blobs {
		if _, err := c.Attester.Activate(c.Context(), c.first(), blob); !errors.Is(err, ports.ErrChallenge) {
			c.Errorf("%s gave %v", name, err)
		}
	}
}

func (c *attesterCase) testAttest() {
	for _, kind := range c.sessions(true) {
		s := kind.session(0)
		a, err := c.Attester.Attest(c.Context(), s)
		if err != nil {
			c.Errorf("%v: Attest: %v", kind, err)
			continue
		}
		if seen, want := c.freshness().reportData(c.T, a, leafOf(c.T, s)); !bytes.Equal(seen, want) {
			c.Errorf("%v: the evidence is for %x, want %x", kind, seen, want)
		}
		if platform := c.identity().Platform; a.Evidence.Platform != platform {
			c.Errorf("%v: the evidence is of %q, the identity of %q", kind, a.Evidence.Platform, platform)
		}
	}
}

// testSessions: evidence for one session is none for a session of which any
// part differs.
func (c *attesterCase) testSessions() {
	kind := c.sessions(true)[0]
	a, err := c.Attester.Attest(c.Context(), kind.session(0))
	if err != nil {
		c.Fatalf("Attest: %v", err)
	}
	for name, change := range map[string]func(s, other *evidence.Session){
		"exporter":         func(s, other *evidence.Session) { s.Exporter = other.Exporter },
		"attester's key":   func(s, other *evidence.Session) { s.AttesterSPKI = other.AttesterSPKI },
		"verifier's key":   func(s, other *evidence.Session) { s.VerifierSPKI = other.VerifierSPKI },
		"attester's hello": func(s, other *evidence.Session) { s.AttesterHello = other.AttesterHello },
		"verifier's hello": func(s, other *evidence.Session) { s.VerifierHello = other.VerifierHello },
	} {
		s := kind.session(0)
		change(s, kind.session(1))
		if seen, want := c.freshness().reportData(c.T, a, leafOf(c.T, s)); bytes.Equal(seen, want) {
			c.Errorf("the evidence holds for another %s", name)
		}
	}
}

func (c *attesterCase) testNotServed() {
	for _, kind := range c.sessions(false) {
		if _, err := c.Attester.Attest(c.Context(), kind.session(0)); !errors.Is(err, ports.ErrNotServed) {
			c.Errorf("%v: Attest = %v", kind, err)
		}
		if _, err := c.Attester.Activate(c.Context(), kind.session(0), make([]byte, 300)); !errors.Is(err, ports.ErrNotServed) {
			c.Errorf("%v: Activate = %v", kind, err)
		}
	}
}

func (c *attesterCase) testBrokenSessions() {
	tooLong := make([]byte, evidence.MaxHelloSize+1)
	for name, breakIt := range map[string]func(*evidence.Session){
		"no role":            func(s *evidence.Session) { s.AttesterRole = "" },
		"owner attests":      func(s *evidence.Session) { s.AttesterRole = evidence.Owner },
		"no exporter":        func(s *evidence.Session) { s.Exporter = [evidence.ExporterSize]byte{} },
		"no attester's key":  func(s *evidence.Session) { s.AttesterSPKI = evidence.SPKIHash{} },
		"no verifier's key":  func(s *evidence.Session) { s.VerifierSPKI = evidence.SPKIHash{} },
		"reflected":          func(s *evidence.Session) { s.VerifierSPKI = s.AttesterSPKI },
		"no hello":           func(s *evidence.Session) { s.AttesterHello = nil },
		"no verifier hello":  func(s *evidence.Session) { s.VerifierHello = nil },
		"hello too long":     func(s *evidence.Session) { s.AttesterHello = tooLong },
		"verifier hello too": func(s *evidence.Session) { s.VerifierHello = tooLong },
	} {
		s := c.first()
		breakIt(s)
		if a, err := c.Attester.Attest(c.Context(), s); !errors.Is(err, evidence.ErrBinding) || a != nil {
			c.Errorf("%s: Attest = %v", name, err)
		}
		if p, err := c.Attester.Activate(c.Context(), s, nil); !errors.Is(err, evidence.ErrBinding) || p != (ports.Proof{}) {
			c.Errorf("%s: Activate = %v", name, err)
		}
	}
}

// testConcurrency: of many sessions at once, each gets evidence that is its
// own, whatever else it shares.
func (c *attesterCase) testConcurrency() {
	const sessions = 64
	kinds := c.sessions(true)
	made := make([]*ports.Attestation, sessions)
	var wg sync.WaitGroup
	for n := range sessions {
		wg.Go(func() {
			a, err := c.Attester.Attest(c.Context(), kinds[n%len(kinds)].session(n))
			if err != nil {
				c.Errorf("Attest %d: %v", n, err)
			}
			made[n] = a
		})
	}
	wg.Wait()
	for n, a := range made {
		if a == nil {
			continue
		}
		leaf := leafOf(c.T, kinds[n%len(kinds)].session(n))
		if seen, want := c.freshness().reportData(c.T, a, leaf); !bytes.Equal(seen, want) {
			c.Errorf("session %d has evidence for another one", n)
		}
	}
}

func (c *attesterCase) testCancelled() {
	blob := make([]byte, 300)
	if challenge := c.challenge(c.identity()); challenge != nil {
		blob = challenge.Blob
	}
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Identity": func() error { _, err := c.Attester.Identity(ctx); return err },
		"Attest":   func() error { _, err := c.Attester.Attest(ctx, c.first()); return err },
		"Activate": func() error { _, err := c.Attester.Activate(ctx, c.first(), blob); return err },
	} {
		start := time.Now()
		err := call()
		if !errors.Is(err, context.Canceled) && !(name == "Activate" && c.Other == nil && errors.Is(err, ports.ErrChallenge)) {
			c.Errorf("%s = %v", name, err)
		}
		if took := time.Since(start); took > patience {
			c.Errorf("%s returned after %v", name, took)
		}
	}
	if _, err := c.Attester.Attest(c.Context(), c.first()); err != nil {
		c.Errorf("afterwards, Attest = %v", err)
	}
}
