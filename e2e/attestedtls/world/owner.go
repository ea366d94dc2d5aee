package world

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// Owner is somebody with one Ed25519 key and the first document of a chain.
type Owner struct {
	ID keys.OwnerID

	key      ed25519.PrivateKey
	document []byte
}

// NewOwner makes an owner with a new key.
func NewOwner() (*Owner, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making an owner's key: %w", err)
	}
	document := &owner.Document{Threshold: 1, Keys: []owner.PublicKey{owner.PublicKey(public)}}
	id, err := document.ID()
	if err != nil {
		return nil, fmt.Errorf("naming an owner: %w", err)
	}
	encoded, err := document.Encode()
	if err != nil {
		return nil, fmt.Errorf("encoding an owner's document: %w", err)
	}
	return &Owner{ID: id, key: private, document: encoded}, nil
}

// Document returns the owner's newest document, whose threshold verifies what the
// owner signed.
func (o *Owner) Document() (*owner.Document, error) { return owner.DecodeDocument(o.document) }

// Sign returns the owner's signatures over a payload.
func (o *Owner) Sign(p owner.Payload) []owner.Signature {
	signature := owner.Signature{Key: owner.PublicKey(o.key.Public().(ed25519.PublicKey))} //nolint:errcheck,forcetypeassert // an ed25519.PrivateKey has no other
	copy(signature.Value[:], ed25519.Sign(o.key, p.Bytes()))
	return []owner.Signature{signature}
}

// SignStatement checks a statement, signs it and returns what travels.
func (o *Owner) SignStatement(s owner.Statement) ([]byte, error) {
	checked, err := owner.NewStatement(s)
	if err != nil {
		return nil, fmt.Errorf("making a statement: %w", err)
	}
	encoded, err := checked.Encode()
	if err != nil {
		return nil, fmt.Errorf("encoding a statement: %w", err)
	}
	payload, err := owner.StatementPayload(checked)
	if err != nil {
		return nil, fmt.Errorf("making a statement's payload: %w", err)
	}
	signed := &owner.SignedStatement{
		Statement:  encoded,
		Chain:      []owner.Link{{Document: o.document}},
		Signatures: o.Sign(payload),
	}
	return signed.Encode()
}
