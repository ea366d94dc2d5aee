package ports

import (
	"context"
	"errors"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

// Errors of attesters.
var (
	// ErrUnavailable is wrapped where the attester cannot work now and may later:
	// the device is gone, busy or locked out.
	ErrUnavailable = errors.New("attestation is unavailable")
	// ErrChallenge is wrapped where a challenge was not made for this machine.
	ErrChallenge = errors.New("the challenge is not for this machine")
	// ErrNotServed is wrapped where an attester serves other purposes than the
	// one that it was asked for.
	ErrNotServed = errors.New("the purpose is not served here")
)

// Attestation is evidence for one session or statement, and the way from its
// leaf to what the hardware signed.
type Attestation struct {
	Evidence *evidence.Evidence
	Path     evidence.Path
}

// Attester makes evidence for attested sessions on the machine it runs on. It
// computes what is signed from the session itself: nobody can hand it a label.
// All methods may be called concurrently, and return once the context is done.
// An Attestation is the caller's to keep and not to change: others may share
// its evidence.
type Attester interface {
	// Identity returns the machine's keys. It does not change until the machine
	// reboots, but for the AK certificate.
	Identity(ctx context.Context) (*Identity, error)
	// Activate answers a challenge within a session (TPM2_ActivateCredential).
	// The error wraps ErrChallenge where it is for other keys, and what
	// evidence.Session.Binding refuses.
	Activate(ctx context.Context, s *evidence.Session, challenge []byte) (Proof, error)
	// Attest makes evidence for the session. The error wraps what
	// evidence.Session.Binding refuses.
	Attest(ctx context.Context, s *evidence.Session) (*Attestation, error)
}

// StatementAttester makes evidence for public statements, and by its type for
// nothing else. It may be called concurrently.
type StatementAttester interface {
	// AttestStatement makes evidence for the verification binding of a nonce and
	// a statement, within the bounds of evidence.NewVerificationBinding.
	AttestStatement(ctx context.Context, nonce, statement []byte) (*Attestation, error)
}
