package keys_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/asterism-k8s/asterism/domain/keys"
)

func TestMarkContent(t *testing.T) {
	cluster, owner := keys.ClusterID{1, 2}, keys.OwnerID{3, 4}
	content := keys.MarkContent(cluster, owner)
	if sha256.Sum256(content) != keys.MarkSHA256(cluster, owner) {
		t.Error("the mark is not the hash of its content")
	}
	if c, o, ok := keys.ParseMarkContent(content); !ok || c != cluster || o != owner {
		t.Errorf("ParseMarkContent = %v, %v, %t", c, o, ok)
	}
	ids := map[int]bool{} // where the IDs stand, any byte will do
	for _, start := range []int{len(content) - 68, len(content) - 32} {
		for i := range 32 {
			ids[start+i] = true
		}
	}
	for i := range content {
		changed := bytes.Clone(content)
		changed[i] ^= 1
		if _, _, ok := keys.ParseMarkContent(changed); ok != ids[i] {
			t.Errorf("with byte %d changed, ok = %t", i, ok)
		}
		if _, _, ok := keys.ParseMarkContent(content[:i]); ok {
			t.Errorf("%d bytes are taken", i)
		}
	}
	if _, _, ok := keys.ParseMarkContent(append(content, 0)); ok {
		t.Error("a byte more is taken")
	}
}
