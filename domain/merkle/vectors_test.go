package merkle_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/merkle"
)

// vectors is the shape of testdata/rfc6962.json.
type vectors struct {
	Origin     []string `json:"origin"`
	Leaves     []string `json:"leaves"`
	LeafHashes []string `json:"leaf_hashes"`
	Roots      []string `json:"roots"`
	Inclusion  []struct {
		Index uint64   `json:"index"`
		Size  uint64   `json:"size"`
		Path  []string `json:"path"`
	} `json:"inclusion"`
	Consistency []struct {
		Older uint64   `json:"older"`
		Newer uint64   `json:"newer"`
		Path  []string `json:"path"`
	} `json:"consistency"`
}

func loadVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/rfc6962.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Leaves) != 8 || len(v.Roots) != 9 || len(v.Inclusion) != 5 || len(v.Consistency) != 4 {
		t.Fatalf("vector file is incomplete: %+v", v)
	}
	return v
}

func (v vectors) leafHashes(t *testing.T) []merkle.Hash {
	t.Helper()
	leaves := make([]merkle.Hash, len(v.Leaves))
	for i, leaf := range v.Leaves {
		data, err := hex.DecodeString(leaf)
		if err != nil {
			t.Fatal(err)
		}
		leaves[i] = merkle.LeafHash(data)
	}
	return leaves
}

func hexOf(hashes []merkle.Hash) []string {
	text := make([]string, len(hashes))
	for i, h := range hashes {
		text[i] = h.String()
	}
	return text
}

func TestPublishedLeafHashesAndRoots(t *testing.T) {
	v := loadVectors(t)
	leaves := v.leafHashes(t)
	if diff := cmp.Diff(v.LeafHashes, hexOf(leaves)); diff != "" {
		t.Errorf("leaf hashes (-published +computed):\n%s", diff)
	}
	for size, want := range v.Roots {
		if got := merkle.Root(leaves[:size]).String(); got != want {
			t.Errorf("Root of %d leaves = %s, published %s", size, got, want)
		}
		if got := merkle.NewTree(leaves[:size]).Root().String(); got != want {
			t.Errorf("Tree.Root of %d leaves = %s, published %s", size, got, want)
		}
	}
}

func TestPublishedInclusionPaths(t *testing.T) {
	v := loadVectors(t)
	leaves := v.leafHashes(t)
	for _, c := range v.Inclusion {
		path, err := merkle.InclusionPath(leaves[:c.Size], c.Index)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.Path, hexOf(path)); diff != "" {
			t.Errorf("path of leaf %d of %d (-published +computed):\n%s", c.Index, c.Size, diff)
		}
		root := merkle.Root(leaves[:c.Size])
		if err := merkle.VerifyInclusion(leaves[c.Index], c.Index, c.Size, path, root); err != nil {
			t.Error(err)
		}
	}
}

func TestPublishedConsistencyPaths(t *testing.T) {
	v := loadVectors(t)
	leaves := v.leafHashes(t)
	for _, c := range v.Consistency {
		path, err := merkle.ConsistencyPath(leaves[:c.Newer], c.Older)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.Path, hexOf(path)); diff != "" {
			t.Errorf("path from %d to %d (-published +computed):\n%s", c.Older, c.Newer, diff)
		}
		if err := merkle.VerifyConsistency(headOf(leaves[:c.Older]), headOf(leaves[:c.Newer]), path); err != nil {
			t.Error(err)
		}
	}
}
