package sequencing_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// start is when all clocks of the tests start, and stand.
func start() time.Time { return ledgertest.Start() }

// counting is a reader of numbers, so that each batch has an ID and tests repeat.
type counting struct {
	mu   sync.Mutex
	next uint64
}

func (c *counting) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	clear(b)
	binary.BigEndian.PutUint64(b, c.next)
	return len(b), nil
}

// newSequencer returns one over the store.
func newSequencer(t testing.TB, store ports.Store, random *counting) *sequencing.Sequencer {
	t.Helper()
	s, err := sequencing.New(sequencing.Config{Store: store, Now: start, Random: random, By: ledgertest.Node(0).String()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entry is one that is told from others by its count.
func entry(n uint64) ledger.Entry {
	return ledger.Entry{Type: ledger.OtherKeys, OtherKeys: &ledger.OtherKeysEntry{
		Caller: "tests", Purpose: keys.Volume, Minute: start(), Count: n + 1,
	}}
}

// item is a key of the tests.
func item(format string, args ...any) ports.Key {
	return ports.Key{Collection: ports.Records, Name: fmt.Sprintf(format, args...)}
}

// proposal has one entry, and an item that must not be there and then is.
func proposal(n uint64) *sequencing.Proposal {
	key := item("record-%d", n)
	return &sequencing.Proposal{
		Entries: []ledger.Entry{entry(n)},
		If:      []ports.Condition{{Key: key}},
		Then:    []ports.Write{{Key: key, Value: fmt.Append(nil, n)}},
	}
}

// replay returns the entries that the store's batches hold, in order. They have to
// follow each other up to the head, which has to be theirs.
func replay(t testing.TB, store ports.Store) []ledger.Entry {
	t.Helper()
	var entries []ledger.Entry
	var frontier merkle.Frontier
	for after := ""; ; {
		listing, err := store.List(context.Background(), ports.LedgerBatches, after, ports.MaxListing)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range listing.Items {
			if item.Key != sequencing.BatchKey(frontier.Size()) {
				t.Fatalf("%v after %d entries", item.Key, frontier.Size())
			}
			batch, err := sequencing.OpenBatch(item.Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, data := range batch {
				e, err := ledger.DecodeEntry(data)
				if err != nil {
					t.Fatal(err)
				}
				entries = append(entries, *e)
				frontier.Append(merkle.LeafHash(data))
			}
			after = item.Key.Name
		}
		if !listing.More {
			break
		}
	}
	if head := headOf(t, store); head.Tree() != frontier.Head() {
		t.Fatalf("the head is %v, the batches lead to %v", head.Tree(), frontier.Head())
	}
	return entries
}

func headOf(t testing.TB, store ports.Store) *ledger.Head {
	t.Helper()
	item, err := store.Get(context.Background(), ports.Key{Collection: ports.Heads, Name: "ledger"})
	if errors.Is(err, ports.ErrNoItem) {
		return &ledger.Head{}
	}
	if err != nil {
		t.Fatal(err)
	}
	head, err := ledger.DecodeHead(item.Value)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// appended returns a store with a ledger of the story's first n entries, a few in
// each batch.
func appended(t testing.TB, n int) *memstore.Store {
	t.Helper()
	store := memstore.New(start)
	appendStory(t, store, 0, n)
	return store
}

// appendStory appends the entries of the story from one index up to another.
func appendStory(t testing.TB, store ports.Store, from, to int) {
	t.Helper()
	s := newSequencer(t, store, &counting{next: uint64(from)})
	story := ledgertest.Story(to)
	span := 5
	if to > 1000 {
		span = 97
	}
	for at := from; at < to; {
		end := min(at+1+at%span, to)
		if _, err := s.Append(t.Context(), &sequencing.Proposal{Entries: story[at:end]}); err != nil {
			t.Fatal(err)
		}
		at = end
	}
}

// node is a control-plane node's part of the ledger.
type node struct {
	store  *memstore.Store
	tiles  *porttest.MemoryTiles
	mirror *sequencing.Mirror
}

// newNode returns the node of that number with what it has on its disk.
func newNode(t testing.TB, store *memstore.Store, number int, tiles *porttest.MemoryTiles, source sequencing.Source) *node {
	t.Helper()
	m, err := sequencing.NewMirror(sequencing.MirrorConfig{
		Store: store, Tiles: tiles, Identity: ledgertest.Node(number), Source: source, Keep: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &node{store, tiles, m}
}

// catches demands that the node's copy becomes the store's ledger.
func (n *node) catches(t testing.TB) {
	t.Helper()
	head, err := n.mirror.Catch(t.Context())
	if err != nil {
		t.Fatalf("Catch: %v", err)
	}
	if want := headOf(t, n.store).Tree(); head != want {
		t.Fatalf("the copy has %v, the store %v", head, want)
	}
	n.whole(t, head.Size)
}

// whole demands that the node has every tile of a ledger of that size, and that
// they lead to its root.
func (n *node) whole(t testing.TB, size uint64) {
	t.Helper()
	files := map[string][]byte{}
	for tile := range ledger.TilesOf(size) {
		data, err := n.tiles.ReadTile(t.Context(), tile.Path())
		if err != nil {
			t.Fatal(err)
		}
		files[tile.Path()] = data
	}
	head, err := ledger.OpenTree(size, fileMap(files)).Head(size)
	if err != nil || size == headOf(t, n.store).Size() && head != headOf(t, n.store).Tree() {
		t.Fatalf("the tiles lead to %v (%v), the store's head is %v", head, err, headOf(t, n.store).Tree())
	}
}

// fileMap is ledger.Tiles.
type fileMap map[string][]byte

func (m fileMap) Tile(path string) ([]byte, error) {
	if data, found := m[path]; found {
		return data, nil
	}
	return nil, ledger.ErrNoTile
}

// keyManager derives data keys of one KEK.
type keyManager struct{ kek keys.KEK }

func newKeyManager(t testing.TB, name string) *keyManager {
	t.Helper()
	secret := sha256.Sum256([]byte(name))
	kek, err := keys.NewKEK(keys.NewSecret(secret[:]), keys.FirstGeneration)
	if err != nil {
		t.Fatal(err)
	}
	return &keyManager{kek}
}

// DataKey implements ports.KeyManager.
func (m *keyManager) DataKey(_ context.Context, id keys.ID, length int) (keys.Secret, error) {
	return m.kek.DataKey(id, length)
}
