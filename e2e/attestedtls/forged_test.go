package attestedtls_test

import (
	"context"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// forged is the attester of a machine whose software lies: each part of what it
// says may come from elsewhere. Parts that are nil are the machine's own.
type forged struct {
	ports.Attester

	identity func(context.Context) (*ports.Identity, error)
	activate func(context.Context, *evidence.Session, []byte) (ports.Proof, error)
	attest   func(context.Context, *evidence.Session) (*ports.Attestation, error)
}

func (f *forged) Identity(ctx context.Context) (*ports.Identity, error) {
	if f.identity == nil {
		return f.Attester.Identity(ctx)
	}
	return f.identity(ctx)
}

func (f *forged) Activate(ctx context.Context, s *evidence.Session, challenge []byte) (ports.Proof, error) {
	if f.activate == nil {
		return f.Attester.Activate(ctx, s, challenge)
	}
	return f.activate(ctx, s, challenge)
}

func (f *forged) Attest(ctx context.Context, s *evidence.Session) (*ports.Attestation, error) {
	if f.attest == nil {
		return f.Attester.Attest(ctx, s)
	}
	return f.attest(ctx, s)
}

// guessed answers every challenge with what comes to mind.
func guessed(context.Context, *evidence.Session, []byte) (ports.Proof, error) {
	return ports.Proof{1, 2, 3}, nil
}
