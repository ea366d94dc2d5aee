package owner

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/internal/lp"
)

// The labels keep what is signed for one use from standing for another.
const (
	rotationLabel  = "asterism/owner-rotation/v1"
	requestLabel   = "asterism/owner/v1"
	statementLabel = "asterism/cluster-statement/v1"
	directiveLabel = "asterism/directive/v1"
)

// ErrSignature is wrapped by every refusal of signatures.
var ErrSignature = errors.New("not signed by the owner")

// Payload is what an owner signs. Only this package makes payloads, each kind
// under a label of its own.
type Payload struct{ data []byte }

// Bytes returns the bytes that an Ed25519 key signs, not a copy. It is nil for
// the zero Payload, which nobody signs.
func (p Payload) Bytes() []byte { return p.data }

// RotationPayload returns what the owners of one document sign to make next the
// one after it: "asterism/owner-rotation/v1" ‖ lp(encoded next). The error wraps
// ErrDocument.
func RotationPayload(next *Document) (Payload, error) {
	data, err := next.Encode()
	if err != nil {
		return Payload{}, err
	}
	return rotationPayload(data), nil
}

func rotationPayload(encoded []byte) Payload {
	return Payload{lp.Append([]byte(rotationLabel), encoded)}
}

// RequestPayload returns what an owner signs to send a request over an attested
// session:
//
//	"asterism/owner/v1" ‖ lp(purpose) ‖ lp(exporter) ‖ lp(server's SPKI hash) ‖ lp(SHA-256 of the request)
//
// over the request's bytes as sent. The error wraps ErrSignature where the
// session exports nothing or the server's key is missing, and evidence.ErrPurpose
// where owners send no requests for the purpose.
func RequestPayload(purpose evidence.Purpose, exporter [evidence.ExporterSize]byte, server evidence.SPKIHash, request []byte) (Payload, error) {
	if !purpose.OwnerSigns() {
		return Payload{}, fmt.Errorf("%w: owners sign no request for %q", evidence.ErrPurpose, string(purpose))
	}
	if exporter == [evidence.ExporterSize]byte{} || server == (evidence.SPKIHash{}) {
		return Payload{}, fmt.Errorf("%w: the session exports no keying material, or the server's key is missing", ErrSignature)
	}
	hash := sha256.Sum256(request)
	data := lp.Append([]byte(requestLabel), string(purpose))
	return Payload{lp.Append(data, exporter[:], server[:], hash[:])}, nil
}

// StatementPayload returns what the owners sign to make a cluster statement:
// "asterism/cluster-statement/v1" ‖ lp(encoded statement). The error is
// Statement.Encode's.
func StatementPayload(s *Statement) (Payload, error) {
	data, err := s.Encode()
	if err != nil {
		return Payload{}, err
	}
	return statementPayload(data), nil
}

func statementPayload(encoded []byte) Payload {
	return Payload{lp.Append([]byte(statementLabel), encoded)}
}

// DirectivePayload returns what the owners, or an administrator whom the cluster
// statement names, sign to make a directive: "asterism/directive/v1" ‖
// lp(encoded directive), as authority.Directive encodes itself.
func DirectivePayload(encoded []byte) Payload {
	return Payload{lp.Append([]byte(directiveLabel), encoded)}
}

// Signature is one key's signature over a payload.
type Signature struct {
	Key   PublicKey
	Value [ed25519.SignatureSize]byte
}

// Verify says whether enough of the document's keys signed the payload. The set
// must be sorted by key, hold no key twice and no key that is not in the
// document, and every signature in it must hold (RFC 8032, section 5.1.7). The
// error wraps ErrSignature.
func (d *Document) Verify(p Payload, set []Signature) error {
	if err := d.validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if len(p.data) == 0 {
		return fmt.Errorf("%w: the payload is empty", ErrSignature)
	}
	if uint64(len(set)) < uint64(d.Threshold) {
		return fmt.Errorf("%w: %d signatures, want %d", ErrSignature, len(set), d.Threshold)
	}
	for i := range set {
		if i > 0 && bytes.Compare(set[i-1].Key[:], set[i].Key[:]) >= 0 {
			return fmt.Errorf("%w: signature %d is not sorted after signature %d", ErrSignature, i, i-1)
		}
		if !slices.Contains(d.Keys, set[i].Key) {
			return fmt.Errorf("%w: signature %d is of key %v, which is not the owner's", ErrSignature, i, set[i].Key)
		}
		if !ed25519.Verify(set[i].Key[:], p.data, set[i].Value[:]) {
			return fmt.Errorf("%w: the signature of key %v does not hold", ErrSignature, set[i].Key)
		}
	}
	return nil
}
