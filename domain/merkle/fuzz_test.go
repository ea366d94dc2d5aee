package merkle_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// split cuts data into hashes and drops what is left over.
func split(data []byte) []merkle.Hash {
	var hashes []merkle.Hash
	for ; len(data) >= merkle.HashSize; data = data[merkle.HashSize:] {
		hashes = append(hashes, merkle.Hash(data[:merkle.HashSize]))
	}
	return hashes
}

func hashFrom(data []byte) (h merkle.Hash) {
	copy(h[:], data)
	return h
}

// Accepts what the peer accepts and nothing else, and one path only.
func FuzzVerifyInclusion(f *testing.F) {
	f.Fuzz(func(t *testing.T, leafData []byte, index, size uint64, pathData, rootData []byte) {
		leaf, path, root := merkle.LeafHash(leafData), split(pathData), hashFrom(rootData)
		err := merkle.VerifyInclusion(leaf, index, size, path, root)
		theirs := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], slicesOf(path), root[:])
		if (err == nil) != (theirs == nil) {
			t.Fatalf("ours %v, theirs %v", err, theirs)
		}
		computed, err := merkle.RootFromInclusion(leaf, index, size, path)
		if err != nil {
			return
		}
		if err := merkle.VerifyInclusion(leaf, index, size, path, computed); err != nil {
			t.Fatalf("refused under the root it leads to: %v", err)
		}
		for i := range path {
			spoilt := slices.Clone(path)
			spoilt[i][0] ^= 1
			if merkle.VerifyInclusion(leaf, index, size, spoilt, computed) == nil {
				t.Fatalf("accepted with hash %d changed", i)
			}
		}
	})
}

// As above; the empty older tree aside, which the peer accepts.
func FuzzVerifyConsistency(f *testing.F) {
	f.Fuzz(func(t *testing.T, olderSize, newerSize uint64, olderRoot, newerRoot, pathData []byte) {
		older := merkle.Head{Size: olderSize, Root: hashFrom(olderRoot)}
		newer := merkle.Head{Size: newerSize, Root: hashFrom(newerRoot)}
		path := split(pathData)
		err := merkle.VerifyConsistency(older, newer, path)
		if olderSize == 0 {
			if err == nil {
				t.Fatal("consistency with nothing accepted")
			}
			return
		}
		theirs := proof.VerifyConsistency(rfc6962.DefaultHasher, olderSize, newerSize,
			slicesOf(path), older.Root[:], newer.Root[:])
		if (err == nil) != (theirs == nil) {
			t.Fatalf("ours %v, theirs %v", err, theirs)
		}
		if err == nil && len(path) > 0 && bytes.Equal(older.Root[:], newer.Root[:]) {
			t.Fatal("two sizes with one root")
		}
	})
}
