package owner

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/keys"
)

// MaxChain is how many documents a chain may have.
const MaxChain = 256

// ErrChain is wrapped by every refusal of a chain.
var ErrChain = errors.New("not the owner's chain of documents")

// Link is one document of a chain as it travels, with the signatures of the
// document before. The first has none.
type Link struct {
	Document   []byte
	Signatures []Signature
}

// Follow leads from an owner ID along the chain to the owner's newest document.
// The first document must hash to the ID, and each later one must have the next
// number, name the hash of the one before, and be signed by its threshold. The
// error wraps ErrChain, and says which link does not hold.
//
// A chain that was cut at its end leads to older keys: callers keep the number
// of the newest document that they have seen, and refuse lower ones.
func Follow(id keys.OwnerID, chain []Link) (*Document, error) {
	if len(chain) == 0 || len(chain) > MaxChain {
		return nil, fmt.Errorf("%w: %d documents, want 1 to %d", ErrChain, len(chain), MaxChain)
	}
	newest, err := chain[0].first(id)
	if err != nil {
		return nil, fmt.Errorf("%w: document 0: %w", ErrChain, err)
	}
	for i := range chain[1:] {
		if newest, err = chain[i+1].after(newest, sha256.Sum256(chain[i].Document)); err != nil {
			return nil, fmt.Errorf("%w: document %d: %w", ErrChain, i+1, err)
		}
	}
	return newest, nil
}

func (l *Link) first(id keys.OwnerID) (*Document, error) {
	if len(l.Signatures) != 0 {
		return nil, fmt.Errorf("%w: nobody signs an owner's first document", ErrSignature)
	}
	d, err := DecodeDocument(l.Document)
	if err != nil {
		return nil, err
	}
	if got, err := d.ID(); err != nil || got != id {
		return nil, fmt.Errorf("%w: it is not the first of owner %v", ErrDocument, id)
	}
	return d, nil
}

func (l *Link) after(previous *Document, hash Hash) (*Document, error) {
	d, err := DecodeDocument(l.Document)
	if err != nil {
		return nil, err
	}
	if uint64(d.Number) != uint64(previous.Number)+1 || d.Previous != hash {
		return nil, fmt.Errorf("%w: number %d after %v does not follow number %d, %v", ErrDocument, d.Number, d.Previous, previous.Number, hash)
	}
	if err := previous.Verify(rotationPayload(l.Document), l.Signatures); err != nil {
		return nil, err
	}
	return d, nil
}
