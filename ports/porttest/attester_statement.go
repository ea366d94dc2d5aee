package porttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// StatementAttesterFixture is a statement attester under test and what is known
// about its machine.
type StatementAttesterFixture struct {
	Attester ports.StatementAttester
	Verifier ports.Verifier // trusts the machine
	// ReportData is as in AttesterFixture.
	ReportData func(evidence.ReportData) []byte
}

// TestStatementAttester is the contract of ports.StatementAttester. newFixture
// makes an attester that no other test uses.
func TestStatementAttester(t *testing.T, newFixture func(*testing.T) StatementAttesterFixture) {
	t.Helper()
	tests := map[string]func(*statementCase){
		"Statements":  (*statementCase).testStatements,
		"Bounds":      (*statementCase).testBounds,
		"Concurrency": (*statementCase).testConcurrency,
		"Cancelled":   (*statementCase).testCancelled,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test(&statementCase{t, newFixture(t)})
		})
	}
}

// statementCase is one test of the suite.
type statementCase struct {
	*testing.T
	StatementAttesterFixture
}

// fresh says whether the attestation is one for the nonce and the statement.
func (c *statementCase) fresh(a *ports.Attestation, nonce, statement []byte) bool {
	c.Helper()
	binding, err := evidence.NewVerificationBinding(nonce, statement)
	if err != nil {
		c.Fatalf("NewVerificationBinding: %v", err)
	}
	seen, want := (&freshness{c.Verifier, c.ReportData}).reportData(c.T, a, binding.Leaf())
	return bytes.Equal(seen, want)
}

func (c *statementCase) testStatements() {
	for _, size := range []int{1, evidence.MaxStatementSize} {
		nonce, statement := bytes.Repeat([]byte{7}, evidence.MinNonceSize), bytes.Repeat([]byte{8}, size)
		a, err := c.Attester.AttestStatement(c.Context(), nonce, statement)
		if err != nil {
			c.Fatalf("AttestStatement of %d bytes: %v", size, err)
		}
		if !c.fresh(a, nonce, statement) {
			c.Error("the evidence is for something else")
		}
		if c.fresh(a, append(bytes.Clone(nonce), 0), statement) {
			c.Error("the evidence holds for another nonce")
		}
		if c.fresh(a, nonce, bytes.Repeat([]byte{9}, size)) {
			c.Error("the evidence holds for another statement")
		}
	}
}

func (c *statementCase) testBounds() {
	nonce, statement := make([]byte, evidence.MinNonceSize), []byte("statement")
	for name, call := range map[string]func() (*ports.Attestation, error){
		"short nonce": func() (*ports.Attestation, error) {
			return c.Attester.AttestStatement(c.Context(), nonce[1:], statement)
		},
		"long nonce": func() (*ports.Attestation, error) {
			return c.Attester.AttestStatement(c.Context(), make([]byte, evidence.MaxNonceSize+1), statement)
		},
		"no statement": func() (*ports.Attestation, error) {
			return c.Attester.AttestStatement(c.Context(), nonce, nil)
		},
		"long statement": func() (*ports.Attestation, error) {
			return c.Attester.AttestStatement(c.Context(), nonce, make([]byte, evidence.MaxStatementSize+1))
		},
	} {
		if a, err := call(); !errors.Is(err, evidence.ErrBinding) || a != nil {
			c.Errorf("%s: AttestStatement = %v", name, err)
		}
	}
}

func (c *statementCase) testConcurrency() {
	nonce := make([]byte, evidence.MaxNonceSize)
	made := make([]*ports.Attestation, 16)
	var wg sync.WaitGroup
	for n := range made {
		wg.Go(func() {
			a, err := c.Attester.AttestStatement(c.Context(), nonce, fmt.Append(nil, n))
			if err != nil {
				c.Errorf("AttestStatement %d: %v", n, err)
			}
			made[n] = a
		})
	}
	wg.Wait()
	for n, a := range made {
		if a != nil && !c.fresh(a, nonce, fmt.Append(nil, n)) {
			c.Errorf("statement %d has evidence for another one", n)
		}
	}
}

func (c *statementCase) testCancelled() {
	nonce := make([]byte, evidence.MinNonceSize)
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	if _, err := c.Attester.AttestStatement(ctx, nonce, []byte("statement")); !errors.Is(err, context.Canceled) {
		c.Errorf("AttestStatement = %v", err)
	}
	if _, err := c.Attester.AttestStatement(c.Context(), nonce, []byte("statement")); err != nil {
		c.Errorf("afterwards, AttestStatement = %v", err)
	}
}
