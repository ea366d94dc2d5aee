package store

import (
	"testing"

	"github.com/asterism-k8s/asterism/adapters/folder"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// copyLedger mirrors the store's ledger into a folder, which verifies it against
// the head, and returns its entries.
func copyLedger(t *testing.T, n *node) []*ledger.Entry {
	t.Helper()
	tiles, err := folder.OpenTiles(t.TempDir())
	if err != nil {
		t.Fatalf("opening a folder for tiles: %v", err)
	}
	t.Cleanup(func() { _ = tiles.Close() })
	mirror, err := sequencing.NewMirror(sequencing.MirrorConfig{Store: n.store, Tiles: tiles, Identity: identity(t, 0)})
	if err != nil {
		t.Fatal(err)
	}
	head, err := mirror.Catch(t.Context())
	if err != nil {
		t.Fatalf("copying the ledger: %v", err)
	}
	var entries []*ledger.Entry
	for tile := range ledger.TilesOf(head.Size) {
		if !tile.IsBundle() {
			continue
		}
		data, err := tiles.ReadTile(t.Context(), tile.Path())
		if err != nil {
			t.Fatalf("reading %s: %v", tile.Path(), err)
		}
		encoded, err := ledger.DecodeBundle(tile, data)
		if err != nil {
			t.Fatalf("%s: %v", tile.Path(), err)
		}
		for _, e := range encoded {
			decoded, err := ledger.DecodeEntry(e)
			if err != nil {
				t.Fatalf("entry %d: %v", len(entries), err)
			}
			entries = append(entries, decoded)
		}
	}
	if uint64(len(entries)) != head.Size {
		t.Fatalf("%d entries in the tiles of a ledger of %d", len(entries), head.Size)
	}
	return entries
}

// demandRecorded fails unless what the clients were told is what the ledger says:
// each acknowledged entry where its receipt names it, none twice, and none of
// which a client was told that it was not written. It returns how many there are.
func demandRecorded(t *testing.T, n *node, clients []*client) int {
	t.Helper()
	entries := copyLedger(t, n)
	seen := map[acknowledged]bool{}
	for _, e := range entries {
		told := acknowledged{client: e.OtherKeys.Caller, count: e.OtherKeys.Count}
		if seen[told] {
			t.Errorf("proposal %d of %s is in the ledger twice", told.count, told.client)
		}
		seen[told] = true
	}
	for _, c := range clients {
		for _, a := range c.acked {
			if a.index >= uint64(len(entries)) {
				t.Errorf("proposal %d of %s was acknowledged at %d of %d entries", a.count, a.client, a.index, len(entries))
				continue
			}
			if at := entries[a.index].OtherKeys; at.Caller != a.client || at.Count != a.count {
				t.Errorf("at %d is proposal %d of %s, acknowledged was %d of %s", a.index, at.Count, at.Caller, a.count, a.client)
			}
		}
		for count := range c.undone {
			if seen[acknowledged{client: c.name, count: count}] {
				t.Errorf("proposal %d of %s is in the ledger, which was told that nothing was written", count, c.name)
			}
		}
	}
	return len(entries)
}

// demandShared fails if no two of so many entries came in one transaction.
func demandShared(t *testing.T, n *node, entries int) {
	t.Helper()
	batches := 0
	for after, more := "", true; more; {
		l, err := n.store.List(t.Context(), ports.LedgerBatches, after, ports.MaxListing)
		if err != nil {
			t.Fatalf("listing the batches: %v", err)
		}
		if batches, more = batches+len(l.Items), l.More && len(l.Items) > 0; more {
			after = l.Items[len(l.Items)-1].Key.Name
		}
	}
	t.Logf("%d entries in %d batches", entries, batches)
	if batches >= entries {
		t.Errorf("%d entries in %d batches: none was shared", entries, batches)
	}
}
