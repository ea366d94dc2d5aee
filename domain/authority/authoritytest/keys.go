package authoritytest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/owner"
)

// Key returns the key with which By(name) signs.
func (a *Author) Key(name string) ed25519.PrivateKey { return a.key("delegate "+name, 0, 0) }

// OwnerKeys returns the owner's newest keys, in the order in which they were made:
// the first Threshold of them sign.
func (a *Author) OwnerKeys() []ed25519.PrivateKey { return slices.Clone(a.newest().signers) }

// Document returns the owner's newest document.
func (a *Author) Document() owner.Document {
	d := a.newest().document
	d.Keys = slices.Clone(d.Keys)
	return d
}

func (a *Author) key(role string, generation, index int) ed25519.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d", a.config.Seed, role, generation, index))
	return ed25519.NewKeyFromSeed(seed[:])
}

// signers are the keys of whoever speaks.
func (a *Author) signers() []ed25519.PrivateKey {
	if a.by != "" {
		return []ed25519.PrivateKey{a.Key(a.by)}
	}
	return a.ownersKeys()
}

func (a *Author) newest() *generation { return &a.said.owners[len(a.said.owners)-1] }

func (a *Author) ownersKeys() []ed25519.PrivateKey {
	return a.newest().signers[:a.newest().document.Threshold]
}

func (a *Author) delegates(names []string) []owner.NamedKey {
	var list []owner.NamedKey
	for _, name := range names {
		list = append(list, owner.NamedKey{Name: name, Key: public(a.Key(name))})
	}
	return list
}

// Signature signs a payload with one key.
func Signature(p owner.Payload, key ed25519.PrivateKey) owner.Signature {
	return owner.Signature{Key: public(key), Value: [ed25519.SignatureSize]byte(ed25519.Sign(key, p.Bytes()))}
}

// Signatures returns what signs a payload with those keys, sorted as sets of
// signatures are.
func Signatures(with ...ed25519.PrivateKey) func(owner.Payload) []owner.Signature {
	return func(p owner.Payload) []owner.Signature { return sign(p, with) }
}

func sign(p owner.Payload, with []ed25519.PrivateKey) []owner.Signature {
	var set []owner.Signature
	for _, key := range with {
		set = append(set, Signature(p, key))
	}
	slices.SortFunc(set, func(a, b owner.Signature) int { return compareKeys(a.Key, b.Key) })
	return set
}

// public returns the public half, which RFC 8032 keeps behind the seed.
func public(key ed25519.PrivateKey) owner.PublicKey {
	return owner.PublicKey(key[ed25519.SeedSize:])
}

func compareKeys(a, b owner.PublicKey) int { return bytes.Compare(a[:], b[:]) }
