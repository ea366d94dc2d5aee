package authority

import (
	"encoding/binary"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
	"github.com/asterism-k8s/asterism/domain/owner"
)

const signedLabel = "asterism/signed-directive/v1"

// Bounds of signed directives, in bytes, encoded.
const (
	MaxSignedSize   = 512 << 10
	MaxAttachedSize = 440 << 10
)

// SignedDirective is a directive as it travels. Nothing in it is checked;
// Authority.Apply does that.
type SignedDirective struct {
	Directive []byte // as Directive.Encode writes it
	// Signatures are over owner.DirectivePayload of it, sorted by key: those of the
	// owner's threshold, or one administrator's.
	Signatures []owner.Signature
	// Attached is what the directive is about: for a Statement the encoded
	// owner.SignedStatement, for an AttestationPolicy its canonical form, else
	// nothing.
	Attached []byte
}

// Encode returns
//
//	"asterism/signed-directive/v1" ‖ lp(directive) ‖ uint32(signatures) ‖ (lp(key) ‖ lp(signature))… ‖ lp(attached)
//
// The error wraps ErrDirective where a part is over its bound.
func (s *SignedDirective) Encode() ([]byte, error) {
	if len(s.Directive) > MaxDirectiveSize || len(s.Signatures) > owner.MaxKeys || len(s.Attached) > MaxAttachedSize {
		return nil, fmt.Errorf("%w: a directive of %d bytes with %d signatures and a document of %d bytes, at most %d, %d and %d",
			ErrDirective, len(s.Directive), len(s.Signatures), len(s.Attached), MaxDirectiveSize, owner.MaxKeys, MaxAttachedSize)
	}
	data := lp.Append([]byte(signedLabel), s.Directive)
	data = binary.BigEndian.AppendUint32(data, uint32(len(s.Signatures)))
	for i := range s.Signatures {
		data = lp.Append(data, s.Signatures[i].Key[:], s.Signatures[i].Value[:])
	}
	return lp.Append(data, s.Attached), nil
}

// DecodeSigned reads what SignedDirective.Encode writes, and nothing else. What it
// returns aliases data, and is not checked. The error wraps ErrDirective.
func DecodeSigned(data []byte) (*SignedDirective, error) {
	if len(data) > MaxSignedSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrDirective, len(data), MaxSignedSize)
	}
	s, err := readSigned(lp.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirective, err)
	}
	return s, nil
}

func readSigned(r *lp.Reader) (*SignedDirective, error) {
	if err := r.Literal(signedLabel); err != nil {
		return nil, fmt.Errorf("reading the label: %w", err)
	}
	s := &SignedDirective{}
	var err error
	if s.Directive, err = r.Field(MaxDirectiveSize); err != nil {
		return nil, fmt.Errorf("reading the directive: %w", err)
	}
	if s.Signatures, err = readSignatures(r); err != nil {
		return nil, err
	}
	if s.Attached, err = r.Field(MaxAttachedSize); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	return s, r.End()
}

func readSignatures(r *lp.Reader) ([]owner.Signature, error) {
	count, err := r.Uint32()
	if err != nil {
		return nil, fmt.Errorf("reading the number of signatures: %w", err)
	}
	if count > owner.MaxKeys {
		return nil, fmt.Errorf("%d signatures, at most %d", count, owner.MaxKeys)
	}
	set := make([]owner.Signature, count)
	for i := range set {
		if err := readFixed(r, set[i].Key[:]); err != nil {
			return nil, fmt.Errorf("reading the key of signature %d: %w", i, err)
		}
		if err := readFixed(r, set[i].Value[:]); err != nil {
			return nil, fmt.Errorf("reading signature %d: %w", i, err)
		}
	}
	return set, nil
}

// readFixed reads a field that must fill dst exactly.
func readFixed(r *lp.Reader, dst []byte) error {
	field, err := r.Field(len(dst))
	if err != nil {
		return err
	}
	if len(field) != len(dst) {
		return fmt.Errorf("%d bytes, want %d", len(field), len(dst))
	}
	copy(dst, field)
	return nil
}
