package merkle_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// A batch holds at most this many bindings.
const largestBatch = 4096

func BenchmarkVerifyInclusion(b *testing.B) {
	leaves := numbered(largestBatch)
	tree := merkle.NewTree(leaves)
	path, err := tree.Path(2741)
	if err != nil {
		b.Fatal(err)
	}
	root := tree.Root()
	b.ReportAllocs()
	for b.Loop() {
		if err := merkle.VerifyInclusion(leaves[2741], 2741, largestBatch, path, root); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyConsistency(b *testing.B) {
	leaves := numbered(largestBatch)
	path, err := merkle.ConsistencyPath(leaves, 2741)
	if err != nil {
		b.Fatal(err)
	}
	older, newer := headOf(leaves[:2741]), headOf(leaves)
	b.ReportAllocs()
	for b.Loop() {
		if err := merkle.VerifyConsistency(older, newer, path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRoot(b *testing.B) {
	leaves := numbered(largestBatch)
	b.ReportAllocs()
	for b.Loop() {
		merkle.Root(leaves)
	}
}

// BenchmarkBatch builds the largest batch and makes the path of every leaf.
func BenchmarkBatch(b *testing.B) {
	leaves := numbered(largestBatch)
	b.ReportAllocs()
	for b.Loop() {
		tree := merkle.NewTree(leaves)
		for index := range tree.Size() {
			if _, err := tree.Path(index); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkLeafHash(b *testing.B) {
	binding := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		merkle.LeafHash(binding)
	}
}
