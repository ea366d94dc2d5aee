package owner

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/internal/lp"
)

const signedStatementLabel = "asterism/signed-statement/v1"

// MaxSignedStatementSize is the size of the largest encoded signed statement in
// bytes.
const MaxSignedStatementSize = 256 << 10

// SignedStatement is a cluster statement as it travels: beside it what shows that
// it is the owner's. Nothing in it is checked; Open does that.
type SignedStatement struct {
	Statement  []byte      // as Statement.Encode writes it
	Chain      []Link      // from the owner's first document to the newest
	Signatures []Signature // of the newest document's threshold
}

// Encode returns
//
//	"asterism/signed-statement/v1" ‖ lp(statement) ‖ uint32(links) ‖ link… ‖ signatures
//	link       = lp(document) ‖ signatures
//	signatures = uint32(signatures) ‖ (lp(key) ‖ lp(signature))…
//
// The error wraps ErrStatement where it would be too large, or what it holds is
// over its own bound.
func (s *SignedStatement) Encode() ([]byte, error) {
	if err := s.bounded(); err != nil {
		return nil, err
	}
	data := lp.Append([]byte(signedStatementLabel), s.Statement)
	data = binary.BigEndian.AppendUint32(data, uint32(len(s.Chain)))
	for i := range s.Chain {
		data = lp.Append(data, s.Chain[i].Document)
		data = appendSignatures(data, s.Chain[i].Signatures)
	}
	data = appendSignatures(data, s.Signatures)
	if len(data) > MaxSignedStatementSize {
		return nil, fmt.Errorf("%w: %d bytes with the owner's chain, at most %d", ErrStatement, len(data), MaxSignedStatementSize)
	}
	return data, nil
}

func (s *SignedStatement) bounded() error {
	within := len(s.Statement) <= MaxStatementSize && len(s.Chain) <= MaxChain && len(s.Signatures) <= MaxKeys
	for i := range s.Chain {
		within = within && len(s.Chain[i].Document) <= MaxDocumentSize && len(s.Chain[i].Signatures) <= MaxKeys
	}
	if !within {
		return fmt.Errorf("%w: the statement, its chain, a document or the signatures are over their bounds", ErrStatement)
	}
	return nil
}

func appendSignatures(data []byte, set []Signature) []byte {
	data = binary.BigEndian.AppendUint32(data, uint32(len(set)))
	for i := range set {
		data = lp.Append(data, set[i].Key[:], set[i].Value[:])
	}
	return data
}

// Hash returns SHA-256 of the encoding, which a server's hello states. The error
// is Encode's.
func (s *SignedStatement) Hash() (Hash, error) {
	data, err := s.Encode()
	if err != nil {
		return Hash{}, err
	}
	return sha256.Sum256(data), nil
}

// DecodeSignedStatement reads what Encode writes, and nothing else. What it
// returns aliases data, and is not checked. The error wraps ErrStatement.
func DecodeSignedStatement(data []byte) (*SignedStatement, error) {
	if len(data) > MaxSignedStatementSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrStatement, len(data), MaxSignedStatementSize)
	}
	s, err := readSigned(lp.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	return s, nil
}

func readSigned(r *lp.Reader) (*SignedStatement, error) {
	if err := r.Literal(signedStatementLabel); err != nil {
		return nil, fmt.Errorf("reading the label: %w", err)
	}
	s := &SignedStatement{}
	var err error
	if s.Statement, err = r.Field(MaxStatementSize); err != nil {
		return nil, fmt.Errorf("reading the statement: %w", err)
	}
	if s.Chain, err = readChain(r); err != nil {
		return nil, err
	}
	if s.Signatures, err = readSignatures(r); err != nil {
		return nil, err
	}
	return s, r.End()
}

func readChain(r *lp.Reader) ([]Link, error) {
	count, err := readCount(r, MaxChain)
	if err != nil {
		return nil, fmt.Errorf("reading the number of documents: %w", err)
	}
	var chain []Link
	for i := range count {
		var link Link
		if link.Document, err = r.Field(MaxDocumentSize); err != nil {
			return nil, fmt.Errorf("reading document %d: %w", i, err)
		}
		if link.Signatures, err = readSignatures(r); err != nil {
			return nil, fmt.Errorf("reading document %d: %w", i, err)
		}
		chain = append(chain, link)
	}
	return chain, nil
}

func readSignatures(r *lp.Reader) ([]Signature, error) {
	count, err := readCount(r, MaxKeys)
	if err != nil {
		return nil, fmt.Errorf("reading the number of signatures: %w", err)
	}
	var set []Signature
	for i := range count {
		var s Signature
		if err := readFixed(r, s.Key[:]); err != nil {
			return nil, fmt.Errorf("reading the key of signature %d: %w", i, err)
		}
		if err := readFixed(r, s.Value[:]); err != nil {
			return nil, fmt.Errorf("reading signature %d of %d bytes: %w", i, ed25519.SignatureSize, err)
		}
		set = append(set, s)
	}
	return set, nil
}

func readCount(r *lp.Reader, limit int) (uint32, error) {
	count, err := r.Uint32()
	if err != nil {
		return 0, err
	}
	if uint64(count) > uint64(limit) {
		return 0, fmt.Errorf("%d, at most %d", count, limit)
	}
	return count, nil
}
