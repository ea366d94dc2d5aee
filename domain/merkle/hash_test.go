package merkle_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

func TestLeafHashOfEveryLengthHashesPrefixAndData(t *testing.T) {
	for length := range 300 {
		data := bytes.Repeat([]byte{0xa5}, length)
		want := merkle.Hash(sha256.Sum256(append([]byte{0}, data...)))
		if got := merkle.LeafHash(data); got != want {
			t.Errorf("LeafHash of %d bytes = %v, want %v", length, got, want)
		}
	}
}

func TestNodeHashHashesPrefixAndBothSides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left := merkle.LeafHash(rapid.SliceOf(rapid.Byte()).Draw(t, "left"))
		right := merkle.LeafHash(rapid.SliceOf(rapid.Byte()).Draw(t, "right"))
		want := merkle.Hash(sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:])))
		if got := merkle.NodeHash(left, right); got != want {
			t.Fatalf("NodeHash(%v, %v) = %v, want %v", left, right, got, want)
		}
	})
}

func TestANodeIsNoLeaf(t *testing.T) {
	left, right := merkle.LeafHash([]byte("left")), merkle.LeafHash([]byte("right"))
	if merkle.LeafHash(slices.Concat(left[:], right[:])) == merkle.NodeHash(left, right) {
		t.Error("a leaf that holds two hashes has the hash of the node above them")
	}
}

func TestEmptyRootIsTheHashOfNothing(t *testing.T) {
	const want = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := merkle.EmptyRoot().String(); got != want {
		t.Errorf("EmptyRoot() = %s, want %s", got, want)
	}
}
