package owner_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/owner"
)

// What follows writes the encoding again from its definition.

func field(data, f []byte) []byte {
	return append(binary.BigEndian.AppendUint32(data, uint32(len(f))), f...)
}

func wireSignatures(data []byte, count uint32, set []owner.Signature) []byte {
	data = binary.BigEndian.AppendUint32(data, count)
	for _, s := range set {
		data = field(field(data, s.Key[:]), s.Value[:])
	}
	return data
}

// wireSigned builds an encoding with the counts as given.
func wireSigned(s *owner.SignedStatement, links, signatures uint32) []byte {
	data := field([]byte("asterism/signed-statement/v1"), s.Statement)
	data = binary.BigEndian.AppendUint32(data, links)
	for _, l := range s.Chain {
		data = wireSignatures(field(data, l.Document), uint32(len(l.Signatures)), l.Signatures)
	}
	return wireSignatures(data, signatures, s.Signatures)
}

// statementPayloadOf makes a payload over what no statement would be.
func statementPayloadOf(encoded []byte) owner.Payload {
	return owner.NewPayload(field([]byte("asterism/cluster-statement/v1"), encoded))
}

func sampleSigned(t testing.TB) *owner.SignedStatement {
	t.Helper()
	one := next(t, sampleOwner(), 2, 3, 4)
	chain := []owner.Link{{Document: encoded(t, sampleOwner())}, link(t, one, 1, 2)}
	return signedAfter(t, newStatement(t), chain, 3, 4)
}

func TestSignedStatementIsTheDocumentedEncoding(t *testing.T) {
	s := sampleSigned(t)
	data := encodedStatement(t, s)
	if want := wireSigned(s, 2, 2); !bytes.Equal(data, want) {
		t.Errorf("Encode = %x, want %x", data, want)
	}
	if hash, err := s.Hash(); err != nil || hash != sha256.Sum256(data) {
		t.Errorf("Hash = %v, %v; want SHA-256 of the encoding", hash, err)
	}
	payload, err := owner.StatementPayload(newStatement(t))
	if err != nil || !bytes.Equal(payload.Bytes(), statementPayloadOf(s.Statement).Bytes()) {
		t.Errorf("payload = %x, %v", payload.Bytes(), err)
	}
}

func TestSignedStatementRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) owner.Signature {
			return owner.Signature{Key: owner.PublicKey{rapid.Byte().Draw(t, "key")}, Value: [64]byte{63: rapid.Byte().Draw(t, "value")}}
		}), 0, owner.MaxKeys)
		orNil := func(set []owner.Signature) []owner.Signature {
			if len(set) == 0 {
				return nil
			}
			return set
		}
		want := &owner.SignedStatement{Statement: rapid.SliceOf(rapid.Byte()).Draw(t, "statement"), Signatures: orNil(sets.Draw(t, "signatures"))}
		for range rapid.IntRange(0, 5).Draw(t, "links") {
			document := rapid.SliceOfN(rapid.Byte(), 0, owner.MaxDocumentSize).Draw(t, "document")
			want.Chain = append(want.Chain, owner.Link{Document: document, Signatures: orNil(sets.Draw(t, "of link"))})
		}
		data, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := owner.DecodeSignedStatement(data)
		if err != nil || !reflect.DeepEqual(want, got) {
			t.Fatalf("DecodeSignedStatement = %+v, %v; want %+v", got, err, want)
		}
		if s, err := owner.DecodeSignedStatement(data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")]); err == nil {
			t.Fatalf("a cut encoding was read as %+v", s)
		}
	})
}

func TestDecodeSignedStatementRefuses(t *testing.T) {
	s := sampleSigned(t)
	data := encodedStatement(t, s)
	large := &owner.SignedStatement{Statement: make([]byte, owner.MaxStatementSize+1)}
	document := &owner.SignedStatement{Chain: []owner.Link{{Document: make([]byte, owner.MaxDocumentSize+1)}}}
	short := bytes.Replace(data, append([]byte{0, 0, 0, 64}, s.Signatures[1].Value[:]...), append([]byte{0, 0, 0, 63}, s.Signatures[1].Value[1:]...), 1)
	texts := map[string]error{}
	for name, data := range map[string][]byte{
		"empty":                  nil,
		"another label":          bytes.Replace(data, []byte("statement/v1"), []byte("statement/v2"), 1),
		"label only":             []byte("asterism/signed-statement/v1"),
		"a byte less":            data[:len(data)-1],
		"a byte more":            append(bytes.Clone(data), 0),
		"a link too few":         wireSigned(s, 3, 2),
		"a link too many":        wireSigned(s, 1, 2),
		"huge number of links":   wireSigned(s, 1<<32-1, 2),
		"a signature too few":    wireSigned(s, 2, 3),
		"a signature too many":   wireSigned(s, 2, 1),
		"huge number of them":    wireSigned(s, 2, 1<<32-1),
		"a short signature":      short,
		"a large statement":      wireSigned(large, 0, 0),
		"a large document":       wireSigned(document, 1, 0),
		"too large as a whole":   make([]byte, owner.MaxSignedStatementSize+1),
		"too many links":         wireSigned(&owner.SignedStatement{Chain: make([]owner.Link, owner.MaxChain+1)}, owner.MaxChain+1, 0),
		"too many signatures":    wireSigned(&owner.SignedStatement{Signatures: make([]owner.Signature, owner.MaxKeys+1)}, 0, owner.MaxKeys+1),
		"too many signatures of": wireSigned(&owner.SignedStatement{Chain: []owner.Link{{Signatures: make([]owner.Signature, owner.MaxKeys+1)}}}, 1, 0),
	} {
		s, err := owner.DecodeSignedStatement(data)
		if !errors.Is(err, owner.ErrStatement) || s != nil {
			t.Errorf("%s: %v, %v; want ErrStatement and nothing", name, s, err)
		}
		texts[name] = err
	}
	checkTexts(t, "decode-signed-statement", texts)
}

func TestSignedStatementBounds(t *testing.T) {
	largest := &owner.SignedStatement{
		Statement: make([]byte, owner.MaxStatementSize), Chain: make([]owner.Link, owner.MaxChain),
		Signatures: make([]owner.Signature, owner.MaxKeys),
	}
	largest.Chain[0] = owner.Link{Document: make([]byte, owner.MaxDocumentSize), Signatures: make([]owner.Signature, owner.MaxKeys)}
	data := encodedStatement(t, largest)
	if _, err := owner.DecodeSignedStatement(data); err != nil {
		t.Errorf("the bounds themselves: %v", err)
	}
	tests := map[string]func(*owner.SignedStatement){
		"statement":  func(s *owner.SignedStatement) { s.Statement = append(s.Statement, 0) },
		"chain":      func(s *owner.SignedStatement) { s.Chain = append(s.Chain, owner.Link{}) },
		"document":   func(s *owner.SignedStatement) { s.Chain[0].Document = append(s.Chain[0].Document, 0) },
		"signatures": func(s *owner.SignedStatement) { s.Signatures = append(s.Signatures, owner.Signature{}) },
		"signatures of a link": func(s *owner.SignedStatement) {
			s.Chain[0].Signatures = append(s.Chain[0].Signatures, owner.Signature{})
		},
		"the whole": func(s *owner.SignedStatement) {
			for i := range s.Chain {
				s.Chain[i] = s.Chain[0]
			}
		},
	}
	for name, change := range tests {
		s := *largest
		s.Chain = append([]owner.Link(nil), largest.Chain...)
		change(&s)
		if data, err := s.Encode(); !errors.Is(err, owner.ErrStatement) || data != nil {
			t.Errorf("%s over its bound: %d bytes, %v; want ErrStatement", name, len(data), err)
		}
		if _, err := s.Hash(); !errors.Is(err, owner.ErrStatement) {
			t.Errorf("%s over its bound has a hash: %v", name, err)
		}
	}
}

// The largest that fits as a whole is read, and a byte more is not.
func TestSignedStatementSize(t *testing.T) {
	filled := func(n int) *owner.SignedStatement {
		s := &owner.SignedStatement{Statement: make([]byte, owner.MaxStatementSize), Chain: []owner.Link{}}
		rest := n - len("asterism/signed-statement/v1") - 4 - len(s.Statement) - 4 - 4
		for rest > 0 {
			size := min(rest-8, owner.MaxDocumentSize)
			if left := rest - 8 - size; left > 0 && left < 8 {
				size -= 8
			}
			s.Chain = append(s.Chain, owner.Link{Document: make([]byte, size)})
			rest -= 8 + size
		}
		return s
	}
	data, err := filled(owner.MaxSignedStatementSize).Encode()
	if err != nil || len(data) != owner.MaxSignedStatementSize {
		t.Fatalf("Encode = %d bytes, %v", len(data), err)
	}
	if _, err := owner.DecodeSignedStatement(data); err != nil {
		t.Error(err)
	}
	if _, err := filled(owner.MaxSignedStatementSize + 1).Encode(); !errors.Is(err, owner.ErrStatement) {
		t.Errorf("a byte more: %v", err)
	}
}

func FuzzDecodeSignedStatement(f *testing.F) {
	f.Add(encodedStatement(f, sampleSigned(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := owner.DecodeSignedStatement(data)
		if err != nil {
			if !errors.Is(err, owner.ErrStatement) || s != nil {
				t.Fatalf("DecodeSignedStatement = %v, %v", s, err)
			}
			return
		}
		if again, err := s.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x decodes, but encodes to %x, %v", data, again, err)
		}
		if _, _, err := s.Open(anchor(t), now); err != nil && !errors.Is(err, owner.ErrStatement) {
			t.Fatalf("Open = %v", err)
		}
	})
}
