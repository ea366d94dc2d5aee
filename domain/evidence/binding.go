package evidence

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

// The labels keep what is signed for one use from standing for another.
const (
	sessionLabel      = "asterism/attested-tls/v1"
	verificationLabel = "asterism/verification/v1"
)

// Lengths in bytes.
const (
	ExporterSize     = 64 // RFC 8446, section 7.5
	SPKIHashSize     = sha256.Size
	MaxHelloSize     = 4 << 10
	MinNonceSize     = 16
	MaxNonceSize     = 64
	MaxStatementSize = 64 << 10
	BindingSize      = sha512.Size
)

// ErrBinding is wrapped by every refusal to compute a binding.
var ErrBinding = errors.New("cannot bind evidence")

// Session is everything that evidence for one direction of one attested-TLS
// session is bound to. Both ends fill it in from what they saw themselves.
type Session struct {
	Purpose      Purpose
	AttesterRole Role
	// Exporter is keying material exported from the TLS 1.3 session under the
	// label EXPORTER-asterism-attestation, 64 bytes. It does not cover the
	// client's certificate, which is why both key hashes are beside it.
	Exporter      [ExporterSize]byte
	AttesterSPKI  SPKIHash
	VerifierSPKI  SPKIHash
	AttesterHello []byte // as received, at most MaxHelloSize bytes
	VerifierHello []byte // as received, at most MaxHelloSize bytes
}

// Binding is what evidence for one direction of one session is fresh for.
type Binding struct{ sum [BindingSize]byte }

// Bytes returns a copy of the 64 bytes, as an HMAC over the binding takes them.
func (b Binding) Bytes() []byte { return bytes.Clone(b.sum[:]) }

// Leaf returns the binding's place in a batch.
func (b Binding) Leaf() Leaf { return Leaf{merkle.LeafHash(b.sum[:])} }

// Binding computes
//
//	SHA-512("asterism/attested-tls/v1" ‖ lp(purpose) ‖ lp(attester's role) ‖ lp(exporter)
//	  ‖ lp(attester's SPKI hash) ‖ lp(verifier's SPKI hash)
//	  ‖ lp(attester's hello) ‖ lp(verifier's hello))
//
// and refuses, with an error that wraps ErrBinding, a session in which the role
// does not attest for the purpose, or of which a part is missing: a session
// without an exporter is bound to nothing.
func (s *Session) Binding() (Binding, error) {
	if err := s.validate(); err != nil {
		return Binding{}, fmt.Errorf("%w: %w", ErrBinding, err)
	}
	data := lp.Append([]byte(sessionLabel), string(s.Purpose), string(s.AttesterRole))
	data = lp.Append(data, s.Exporter[:], s.AttesterSPKI[:], s.VerifierSPKI[:], s.AttesterHello, s.VerifierHello)
	return Binding{sha512.Sum512(data)}, nil
}

func (s *Session) validate() error {
	if err := s.Purpose.checkAttester(s.AttesterRole); err != nil {
		return err
	}
	switch {
	case s.Exporter == [ExporterSize]byte{}:
		return errors.New("the session exports no keying material")
	case s.AttesterSPKI == SPKIHash{}:
		return errors.New("the attester's key is missing")
	case s.VerifierSPKI == SPKIHash{}:
		return errors.New("the verifier's key is missing")
	case s.AttesterSPKI == s.VerifierSPKI:
		return errors.New("both ends hold the same key: the session is reflected")
	}
	if err := checkHello("attester", s.AttesterHello); err != nil {
		return err
	}
	return checkHello("verifier", s.VerifierHello)
}

func checkHello(whose string, hello []byte) error {
	if len(hello) == 0 || len(hello) > MaxHelloSize {
		return fmt.Errorf("the %s's hello has %d bytes, want 1 to %d", whose, len(hello), MaxHelloSize)
	}
	return nil
}

// VerificationBinding is what the answer to a public request for verification
// is fresh for. It is a type of its own: whoever signs these cannot be made to
// sign a Binding.
type VerificationBinding struct{ sum [BindingSize]byte }

// Leaf returns the binding's place in a batch.
func (b VerificationBinding) Leaf() Leaf { return Leaf{merkle.LeafHash(b.sum[:])} }

// NewVerificationBinding computes
//
//	SHA-512("asterism/verification/v1" ‖ lp(nonce) ‖ lp(statement))
//
// over the caller's nonce of 16 to 64 bytes and the node's own statement (which names
// the cluster statement by its serial and does not contain it) of at most
// MaxStatementSize bytes. The error wraps ErrBinding.
func NewVerificationBinding(nonce, statement []byte) (VerificationBinding, error) {
	if len(nonce) < MinNonceSize || len(nonce) > MaxNonceSize {
		return VerificationBinding{}, fmt.Errorf("%w: the nonce has %d bytes, want %d to %d", ErrBinding, len(nonce), MinNonceSize, MaxNonceSize)
	}
	if len(statement) == 0 || len(statement) > MaxStatementSize {
		return VerificationBinding{}, fmt.Errorf("%w: the statement has %d bytes, want 1 to %d", ErrBinding, len(statement), MaxStatementSize)
	}
	data := lp.Append([]byte(verificationLabel), nonce, statement)
	return VerificationBinding{sha512.Sum512(data)}, nil
}
