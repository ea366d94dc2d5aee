package sequencing_test

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// trims demands that the node can trim, and returns the index of the first entry
// that the store still has.
func (n *node) trims(t *testing.T, live ...int) uint64 {
	t.Helper()
	if _, err := n.mirror.Trim(t.Context(), nodes(live...)); err != nil {
		t.Fatalf("Trim: %v", err)
	}
	return firstKept(t, n.store)
}

func firstKept(t testing.TB, store *memstore.Store) uint64 {
	t.Helper()
	listing, err := store.List(t.Context(), ports.LedgerBatches, "", 1)
	if err != nil || len(listing.Items) == 0 {
		t.Fatalf("no batch is left: %v", err)
	}
	first, err := ledger.ParseBatchName(listing.Items[0].Key.Name)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func TestTrim(t *testing.T) {
	store := appended(t, 400)
	a, b := newNode(t, store, 1, &porttest.MemoryTiles{}, nil), newNode(t, store, 2, &porttest.MemoryTiles{}, nil)
	a.catches(t)
	if first := a.trims(t, 1, 2); first != 0 {
		t.Errorf("the store begins at %d, and node 2 has acknowledged nothing", first)
	}
	b.catches(t)
	appendStory(t, store, 400, 500)
	a.catches(t)
	if first := a.trims(t, 1, 2); first < 380 || first > 400 {
		t.Errorf("the store begins at %d, and both nodes have 400", first)
	}
	if first := b.trims(t, 1, 2); first < 380 || first > 400 {
		t.Errorf("the store begins at %d, and both nodes have 400", first)
	}
	b.catches(t)
	if first := a.trims(t, 1); first < 480 || first >= 500 {
		t.Errorf("the store begins at %d, and node 1 has 500, the last of which is kept", first)
	}
	for _, n := range []*node{a, b} {
		n.catches(t)
	}
	for _, live := range [][]int{{}, make([]int, ports.MaxOperations+1)} {
		if _, err := a.mirror.Trim(t.Context(), nodes(live...)); err == nil {
			t.Errorf("trimmed for %d nodes", len(live))
		}
	}
}

// TestTrimmedIsFetched: what the store has no more comes from another node.
func TestTrimmedIsFetched(t *testing.T) {
	for _, size := range []int{2, 255, 256, 257, 4200} {
		store := appended(t, size)
		old := newNode(t, store, 1, &porttest.MemoryTiles{}, nil)
		late := &porttest.MemoryTiles{}
		newNode(t, appended(t, size/3), 2, late, nil).catches(t)
		old.catches(t)
		old.trims(t, 1)
		alone := newNode(t, store, 2, &porttest.MemoryTiles{}, nil)
		if firstKept(t, store) > 0 {
			_, err := alone.mirror.Catch(t.Context())
			wantTrouble(t, err, sequencing.Incomplete)
		}
		for _, tiles := range []*porttest.MemoryTiles{{}, late} {
			n := newNode(t, store, 2, tiles, old.tiles)
			n.catches(t)
			appendStory(t, store, int(headOf(t, store).Size()), int(headOf(t, store).Size())+3)
			n.catches(t)
			old.catches(t)
		}
	}
}

// TestTheSourceIsVerified: whatever file of it is wrong, the copy that comes of it
// is right, or there is none.
func TestTheSourceIsVerified(t *testing.T) {
	store := appended(t, 600)
	old := newNode(t, store, 1, &porttest.MemoryTiles{}, nil)
	old.catches(t)
	old.trims(t, 1)
	refused := 0
	for path, content := range old.tiles.Files() {
		for _, spoilt := range [][]byte{nil, content[:len(content)-1], flipped(content, 5), flipped(content, len(content)-1)} {
			source := &porttest.MemoryTiles{}
			for other, content := range old.tiles.Files() {
				source.Put(other, content)
			}
			source.Put(path, spoilt)
			n := newNode(t, store, 2, &porttest.MemoryTiles{}, source)
			head, err := n.mirror.Catch(t.Context())
			for kept, content := range n.tiles.Files() {
				if kept == ports.HeadPath {
					continue
				}
				if right, err := old.tiles.ReadTile(t.Context(), kept); err != nil || !bytes.Equal(content, right) {
					t.Errorf("with another %s it kept a wrong %s", path, kept)
				}
			}
			if err != nil {
				refused++
				continue
			}
			if head != headOf(t, store).Tree() {
				t.Errorf("with another %s: %v", path, head)
			}
			n.whole(t, head.Size)
		}
	}
	if refused < 4*3 {
		t.Errorf("only %d refusals", refused)
	}
	fork := newNode(t, forkAt(t, 600), 3, &porttest.MemoryTiles{}, nil)
	fork.catches(t)
	n := newNode(t, store, 2, &porttest.MemoryTiles{}, fork.tiles)
	if _, err := n.mirror.Catch(t.Context()); err == nil && len(n.tiles.Files()) == 0 {
		t.Error("caught up from another ledger, and kept nothing")
	}
}

func flipped(content []byte, at int) []byte {
	other := append([]byte{}, content...)
	other[at%len(other)] ^= 1
	return other
}

// TestALostDiskIsHeard: a node that has lost its disk takes back what it has
// acknowledged before it does anything else, and a Trim that rests on it fails.
func TestALostDiskIsHeard(t *testing.T) {
	store := appended(t, 100)
	a, b := newNode(t, store, 1, &porttest.MemoryTiles{}, nil), newNode(t, store, 2, &porttest.MemoryTiles{}, nil)
	a.catches(t)
	b.catches(t)
	lost := newNode(t, store, 2, &porttest.MemoryTiles{}, nil)
	client := store.Client(once(memstore.Before, func() error {
		lost.tiles.Fault = func(string) error { return errPower }
		if _, err := lost.mirror.Catch(t.Context()); !errors.Is(err, errPower) {
			t.Errorf("the lost disk: %v", err)
		}
		return nil
	}))
	m, err := sequencing.NewMirror(sequencing.MirrorConfig{Store: client, Tiles: a.tiles, Identity: ledgertest.Node(1), Keep: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := m.Trim(t.Context(), nodes(1, 2)); !errors.Is(err, ports.ErrStoreConflict) || n != 0 {
		t.Errorf("trimmed %d, %v; want a conflict", n, err)
	}
	wantAck(t, store, 2, 0)
	lost.tiles.Fault = nil
	lost.catches(t)
}

// TestADamagedCopyIsRebuilt: it is damaged for good and holds back everybody's
// trimming, until its node begins anew. It takes back what it has acknowledged
// before it writes anything, and heals from the store and another's tiles.
func TestADamagedCopyIsRebuilt(t *testing.T) {
	for name, damage := range map[string]func(disk *porttest.MemoryTiles){
		"its head cannot be read":  func(disk *porttest.MemoryTiles) { disk.Put(ports.HeadPath, []byte("x")) },
		"its head is another":      func(disk *porttest.MemoryTiles) { disk.Put(ports.HeadPath, encodedHead(t, forkAt(t, 50))) },
		"a tile at its edge":       func(disk *porttest.MemoryTiles) { disk.Put(edgeOf(100), flipped(disk.Files()[edgeOf(100)], 9)) },
		"no tile at its edge":      func(disk *porttest.MemoryTiles) { disk.Put(edgeOf(100), nil) },
		"nothing that it knows of": func(*porttest.MemoryTiles) {},
	} {
		t.Run(name, func(t *testing.T) {
			store := appended(t, 100)
			a := newNode(t, store, 1, &porttest.MemoryTiles{}, nil)
			b := newNode(t, store, 2, &porttest.MemoryTiles{}, a.tiles)
			a.catches(t)
			b.catches(t)
			a.trims(t, 1, 2)
			damage(b.tiles)
			appendStory(t, store, 100, 160)
			a.catches(t)
			b = newNode(t, store, 2, b.tiles, a.tiles)
			spoilt := b.tiles.Files()
			if _, err := b.mirror.Catch(t.Context()); name != "nothing that it knows of" {
				wantTrouble(t, err, sequencing.Damaged)
				if kept := a.trims(t, 1, 2); kept > 100 {
					t.Errorf("the store keeps from %d on", kept)
				}
				if !maps.EqualFunc(spoilt, b.tiles.Files(), bytes.Equal) {
					t.Error("the damaged copy is another")
				}
			}
			fresh := &porttest.MemoryTiles{Fault: func(string) error { return errPower }}
			if _, err := b.mirror.Rebuild(t.Context(), fresh); !errors.Is(err, errPower) {
				t.Fatalf("Rebuild: %v", err)
			}
			wantAck(t, store, 2, 0)
			fresh.Fault = nil
			if head, err := b.mirror.Rebuild(t.Context(), fresh); err != nil || head != headOf(t, store).Tree() {
				t.Fatalf("Rebuild: %v, %v", head, err)
			}
			wantAck(t, store, 2, 160)
			b.tiles = fresh
			appendStory(t, store, 160, 170)
			b.catches(t)
			a.catches(t)
			if kept := a.trims(t, 1, 2); kept <= 100 {
				t.Errorf("the store keeps from %d on", kept)
			}
		})
	}
}

// edgeOf is a file at the edge of a ledger.
func edgeOf(size uint64) string { return ledger.Edge(size)[0].Path() }

// TestRebuildKeepsWhatMayBeTrue: a copy that says more than the store, or something
// else, is not given up for it.
func TestRebuildKeepsWhatMayBeTrue(t *testing.T) {
	for name, test := range map[string]struct {
		store func() *memstore.Store
		want  sequencing.Trouble
	}{
		"a store that went back": {func() *memstore.Store { return appended(t, 90) }, sequencing.RolledBack},
		"a store without ledger": {func() *memstore.Store { return memstore.New(start) }, sequencing.RolledBack},
		"a store of another":     {func() *memstore.Store { s := forkAt(t, 50); appendStory(t, s, 50, 100); return s }, sequencing.Forked},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, appended(t, 100), 1, &porttest.MemoryTiles{}, nil)
			n.catches(t)
			other, fresh := newNode(t, test.store(), 1, n.tiles, nil), &porttest.MemoryTiles{}
			before := other.store.Revision()
			_, err := other.mirror.Rebuild(t.Context(), fresh)
			wantTrouble(t, err, test.want)
			if len(fresh.Files()) > 0 || other.store.Revision() != before {
				t.Error("something was written")
			}
			if _, err := other.mirror.Catch(t.Context()); err == nil {
				t.Error("the copy was given up")
			}
		})
	}
}

// TestTrimRefusesAnotherLedger: who acknowledged something else is named, and
// nothing is deleted.
func TestTrimRefusesAnotherLedger(t *testing.T) {
	store := appended(t, 100)
	a := newNode(t, store, 1, &porttest.MemoryTiles{}, nil)
	a.catches(t)
	write := ports.Write{Key: ackKey(2), Value: sequencing.EncodeAck(merkle.Head{Size: 90, Root: merkle.Hash{1}})}
	if _, err := store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{write}}); err != nil {
		t.Fatal(err)
	}
	_, err := a.mirror.Trim(t.Context(), nodes(1, 2))
	wantTrouble(t, err, sequencing.Forked)
	if firstKept(t, store) != 0 {
		t.Error("it deleted something")
	}
}

// TestMirrorsNeverLoseAnything: nodes append, catch up, trim, lose their disks and
// crash in any order; as long as one of them has its disk or the store has the
// entries, every node can have the whole ledger.
func TestMirrorsNeverLoseAnything(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		store := memstore.New(start)
		disks := []*porttest.MemoryTiles{{}, {}, {}}
		open := func(i int) *node {
			return newNode(t, store, i+1, disks[i], disks[(i+1)%3])
		}
		size := 0
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			i := rapid.IntRange(0, 2).Draw(r, "node")
			switch rapid.SampledFrom([]string{"append", "append", "catch", "catch", "trim", "lose", "crash"}).Draw(r, "step") {
			case "append":
				next := size + rapid.IntRange(1, 60).Draw(r, "entries")
				appendStory(t, store, size, next)
				size = next
			case "catch":
				_, _ = open(i).mirror.Catch(t.Context()) // its source may be behind
			case "trim":
				if _, err := open(i).mirror.Trim(t.Context(), nodes(1, 2, 3)); err != nil {
					r.Fatal(err)
				}
			case "lose":
				if whole(t, store, disks[(i+1)%3]) {
					disks[i] = &porttest.MemoryTiles{}
					_, _ = open(i).mirror.Catch(t.Context())
				}
			case "crash":
				left := rapid.IntRange(0, 4).Draw(r, "writes")
				disks[i].Fault = func(string) error {
					left--
					if left < 0 {
						return errPower
					}
					return nil
				}
				_, _ = open(i).mirror.Catch(t.Context())
				disks[i].Fault = nil
			}
		}
		for range 3 { // each may need its neighbour's
			for i := range 3 {
				_, _ = open(2 - i).mirror.Catch(t.Context())
			}
		}
		for i := range 3 {
			open(i).catches(t)
		}
	})
}

// whole says whether a disk has all of the ledger.
func whole(t *testing.T, store *memstore.Store, tiles *porttest.MemoryTiles) bool {
	t.Helper()
	data, err := tiles.ReadTile(t.Context(), ports.HeadPath)
	if err != nil {
		return false
	}
	head, err := ledger.DecodeHead(data)
	return err == nil && head.Size() == headOf(t, store).Size()
}

func FuzzDecodeAck(f *testing.F) {
	f.Add(sequencing.EncodeAck(merkle.Head{Root: merkle.EmptyRoot()}))
	f.Add(sequencing.EncodeAck(merkle.Head{Size: 1 << 60, Root: merkle.Hash{1}}))
	f.Add([]byte("asterism/ledger-mirror/v1\n01\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		head, err := sequencing.DecodeAck(data)
		if err == nil && !bytes.Equal(sequencing.EncodeAck(head), data) {
			t.Errorf("%q was read as %v", data, head)
		}
		if err != nil && !errors.Is(err, sequencing.ErrStoredLedger) {
			t.Errorf("%v is not ErrStoredLedger", err)
		}
	})
}

func FuzzOpenBatch(f *testing.F) {
	store := memstore.New(start)
	if _, err := newSequencer(f, store, &counting{}).Append(f.Context(), proposal(1)); err != nil {
		f.Fatal(err)
	}
	for _, item := range store.Dump() {
		f.Add(item.Value)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := sequencing.OpenBatch(data)
		if (err == nil) != (len(entries) > 0) || err != nil && !errors.Is(err, sequencing.ErrStoredLedger) {
			t.Errorf("%d entries, %v", len(entries), err)
		}
	})
}
