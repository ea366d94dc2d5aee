package sequencing_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

func TestSigner(t *testing.T) {
	porttest.TestCheckpointSigner(t, func(t *testing.T) *porttest.SigningFixture {
		t.Helper()
		store := memstore.New(start)
		for n := range 12 {
			appendStory(t, store, n, n+1)
		}
		signer, key := newSigner(t, store, "cluster", nil)
		listing, err := store.List(t.Context(), ports.LedgerBatches, "", ports.MaxListing)
		if err != nil {
			t.Fatal(err)
		}
		f := &porttest.SigningFixture{Signer: signer, Origin: origin(), Key: key}
		for _, item := range listing.Items {
			entries, err := sequencing.OpenBatch(item.Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				f.Leaves = append(f.Leaves, merkle.LeafHash(entry))
			}
		}
		return f
	})
}

// TestKeyManager holds the key manager of these tests to its contract.
func TestKeyManager(t *testing.T) {
	porttest.TestKeyManager(t, func(t *testing.T) ports.KeyManager {
		t.Helper()
		return newKeyManager(t, "cluster")
	})
}
