package owner_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// signer is a key pair from a seed.
func signer(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(seed byte) owner.PublicKey {
	return owner.PublicKey(signer(seed).Public().(ed25519.PublicKey))
}

// publics returns the keys of the seeds, sorted.
func publics(seeds ...byte) []owner.PublicKey {
	var list []owner.PublicKey
	for _, seed := range seeds {
		list = append(list, public(seed))
	}
	slices.SortFunc(list, func(a, b owner.PublicKey) int { return bytes.Compare(a[:], b[:]) })
	return list
}

// sign returns the signatures of the seeds' keys, sorted by key.
func sign(p owner.Payload, seeds ...byte) []owner.Signature {
	var set []owner.Signature
	for _, seed := range seeds {
		value := ed25519.Sign(signer(seed), p.Bytes())
		set = append(set, owner.Signature{Key: public(seed), Value: [ed25519.SignatureSize]byte(value)})
	}
	slices.SortFunc(set, func(a, b owner.Signature) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return set
}

func first(threshold uint32, seeds ...byte) *owner.Document {
	return &owner.Document{Threshold: threshold, Keys: publics(seeds...)}
}

func encoded(t testing.TB, d *owner.Document) []byte {
	t.Helper()
	data, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func idOf(t testing.TB, d *owner.Document) keys.OwnerID {
	t.Helper()
	id, err := d.ID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// next returns the document after d.
func next(t testing.TB, d *owner.Document, threshold uint32, seeds ...byte) *owner.Document {
	t.Helper()
	hash, err := d.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return &owner.Document{Number: d.Number + 1, Previous: hash, Threshold: threshold, Keys: publics(seeds...)}
}

// link returns d with the signatures of the seeds' keys.
func link(t testing.TB, d *owner.Document, seeds ...byte) owner.Link {
	t.Helper()
	payload, err := owner.RotationPayload(d)
	if err != nil {
		t.Fatal(err)
	}
	return owner.Link{Document: encoded(t, d), Signatures: sign(payload, seeds...)}
}

// wire builds an encoding from its parts, written again from the definition.
func wire(number uint32, previous []byte, threshold, count uint32, keyList ...owner.PublicKey) []byte {
	field := func(data, f []byte) []byte {
		return append(binary.BigEndian.AppendUint32(data, uint32(len(f))), f...)
	}
	data := binary.BigEndian.AppendUint32([]byte("asterism/owner-document/v1"), number)
	data = field(data, previous)
	data = binary.BigEndian.AppendUint32(data, threshold)
	data = binary.BigEndian.AppendUint32(data, count)
	for _, key := range keyList {
		data = field(data, key[:])
	}
	return data
}

func hashOf(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}
