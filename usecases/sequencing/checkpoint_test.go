package sequencing_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

func origin() string { return ledger.Origin(ledgertest.ClusterID()) }

// newSigner returns a signer and its key. The name tells keys apart.
func newSigner(t testing.TB, store ports.Store, name string, known []byte) (*sequencing.Signer, owner.PublicKey) {
	t.Helper()
	s, err := sequencing.NewSigner(sequencing.SignerConfig{
		Keys: newKeyManager(t, name), Store: store, Cluster: ledgertest.ClusterID(), Known: known,
	})
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.PublicKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, key
}

func newPublisher(t testing.TB, n *node, store ports.Store) *sequencing.Publisher {
	t.Helper()
	signer, key := newSigner(t, store, "cluster", nil)
	p, err := sequencing.NewPublisher(sequencing.PublisherConfig{Store: store, Tiles: n.tiles, Signer: signer, Origin: origin(), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantPublished demands that store and folder have a signed checkpoint of a size.
func wantPublished(t *testing.T, n *node, size int) {
	t.Helper()
	_, key := newSigner(t, n.store, "cluster", nil)
	item, err := n.store.Get(t.Context(), sequencing.CheckpointKey())
	if err != nil {
		t.Fatal(err)
	}
	c, err := ledger.OpenCheckpoint(item.Value, origin(), key, nil, 0)
	if err != nil || c.Head.Size != uint64(size) {
		t.Fatalf("the newest checkpoint is %+v (%v), want %d entries", c, err, size)
	}
	if c.Head.Size == headOf(t, n.store).Size() && c.Head != headOf(t, n.store).Tree() {
		t.Errorf("the checkpoint has %v, the ledger %v", c.Head, headOf(t, n.store).Tree())
	}
	if beside, err := n.tiles.ReadTile(t.Context(), ledger.CheckpointPath); err != nil || !bytes.Equal(beside, item.Value) {
		t.Errorf("beside the tiles lies %q (%v)", beside, err)
	}
}

func TestPublish(t *testing.T) {
	store := memstore.New(start)
	a, b := newNode(t, store, 1, &porttest.MemoryTiles{}, nil), newNode(t, store, 2, &porttest.MemoryTiles{}, nil)
	first, second := newPublisher(t, a, store), newPublisher(t, b, store)
	if c, err := first.Publish(t.Context()); c != nil || err != nil {
		t.Errorf("of an empty ledger: %v, %v", c, err)
	}
	for at, size := range []int{1, 2, 255, 256, 300, 700} {
		appendStory(t, store, int(headOf(t, store).Size()), size)
		n, p := a, first
		if at%2 == 1 {
			n, p = b, second
		}
		n.catches(t)
		for range 2 {
			if c, err := p.Publish(t.Context()); err != nil || c.Head.Size != uint64(size) {
				t.Fatalf("Publish: %+v, %v", c, err)
			}
			wantPublished(t, n, size)
		}
	}
	before := store.Revision()
	if c, err := first.Publish(t.Context()); err != nil || c.Head.Size != 700 || store.Revision() != before {
		t.Errorf("a node that is behind: %+v, %v", c, err)
	}
	a.catches(t)
	if _, err := first.Publish(t.Context()); err != nil {
		t.Error(err)
	}
	wantPublished(t, a, 700)
}

// TestPublishAfterFailures: whichever call of the store fails in whichever way,
// the next Publish does what is left.
func TestPublishAfterFailures(t *testing.T) {
	for _, fault := range []error{ports.ErrStoreUnavailable, ports.ErrOutcomeUnknown} {
		for _, moment := range []memstore.Moment{memstore.Before, memstore.After} {
			for number := range uint64(8) {
				store := appended(t, 40)
				n := newNode(t, store, 1, &porttest.MemoryTiles{}, nil)
				n.catches(t)
				if moment == memstore.After && errors.Is(fault, ports.ErrStoreUnavailable) {
					continue // says that nothing was written
				}
				client := store.Client(memstore.FailAt(moment, number+1, fault, memstore.Get, memstore.Commit))
				_, _ = newPublisher(t, n, client).Publish(t.Context())
				if _, err := newPublisher(t, n, store).Publish(t.Context()); err != nil {
					t.Fatalf("after call %d failed with %v: %v", number, fault, err)
				}
				wantPublished(t, n, 40)
			}
		}
	}
}

// asked is what a signer is asked.
type asked struct {
	checkpoint *ledger.Checkpoint
	frontier   *merkle.Frontier
	proof      *ledger.Consistency
}

func (a *asked) sign(ctx context.Context, s *sequencing.Signer) ([]byte, error) {
	return s.SignCheckpoint(ctx, a.checkpoint, a.frontier, a.proof)
}

// checkpointOf returns the checkpoint of a store's ledger as it was at a size, and
// the proof that it continues an older size.
func checkpointOf(t *testing.T, n *node, older, size uint64) *asked {
	t.Helper()
	files, frontier := fileMap{}, &merkle.Frontier{}
	var err error
	for tile := range ledger.TilesOf(size) {
		if files[tile.Path()], err = n.tiles.ReadTile(t.Context(), tile.Path()); err != nil {
			t.Fatal(err)
		}
		if !tile.IsBundle() {
			continue
		}
		bundle, err := ledger.DecodeBundle(tile, files[tile.Path()])
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range bundle {
			frontier.Append(merkle.LeafHash(entry))
		}
	}
	a := &asked{&ledger.Checkpoint{Origin: origin(), Head: frontier.Head()}, frontier, nil}
	if older == 0 {
		return a
	}
	if a.proof, err = ledger.OpenTree(size, files).Consistency(older); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestThreat34SignerRefuses: the key of the ledger never signs a second history,
// nor a shorter one, whoever asks, whatever is in the store.
func TestThreat34SignerRefuses(t *testing.T) {
	good := newNode(t, appended(t, 300), 1, &porttest.MemoryTiles{}, nil)
	good.catches(t)
	fork := newNode(t, forkAt(t, 250), 2, &porttest.MemoryTiles{}, nil)
	appendStory(t, fork.store, 250, 300)
	fork.catches(t)
	signed := func(t *testing.T, size uint64) (*memstore.Store, []byte) {
		t.Helper()
		store := good.store.Copy()
		s, _ := newSigner(t, store, "cluster", nil)
		c := checkpointOf(t, good, 0, size)
		note, err := c.sign(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return store, note
	}
	for name, ask := range map[string]func() *asked{
		"another of the same size":   func() *asked { return checkpointOf(t, fork, 0, 260) },
		"another that is longer":     func() *asked { return checkpointOf(t, fork, 260, 300) },
		"a shorter one":              func() *asked { return checkpointOf(t, good, 0, 200) },
		"a longer one without proof": func() *asked { return checkpointOf(t, good, 0, 290) },
		"a proof from an older size": func() *asked { return checkpointOf(t, good, 240, 290) },
		"a fork with the true one's old head": func() *asked {
			a := checkpointOf(t, fork, 260, 300)
			a.proof.Older = checkpointOf(t, good, 0, 260).checkpoint.Head
			return a
		},
		"of another cluster": func() *asked {
			a := checkpointOf(t, good, 260, 290)
			a.checkpoint.Origin += "0"
			return a
		},
		"longer than the store's ledger": func() *asked { return grownFake(t, good, 260) },
	} {
		t.Run(name, func(t *testing.T) {
			store, note := signed(t, 260)
			empty := good.store.Copy()
			for where, s := range map[string]*sequencing.Signer{
				"by what is in the store": first(newSigner(t, store, "cluster", nil)),
				"by what it was given":    first(newSigner(t, empty, "cluster", note)),
			} {
				c := ask()
				if got, err := c.sign(t.Context(), s); !errors.Is(err, ledger.ErrCheckpoint) || got != nil {
					t.Errorf("%s: signed %d entries, %v", where, c.checkpoint.Head.Size, err)
				}
				c = checkpointOf(t, good, 260, 300)
				if _, err := c.sign(t.Context(), s); err != nil {
					t.Errorf("%s: the true one afterwards: %v", where, err)
				}
			}
		})
	}
	t.Run("by what it signed itself", func(t *testing.T) {
		store := good.store.Copy()
		s, _ := newSigner(t, store, "cluster", nil)
		c := checkpointOf(t, good, 0, 260)
		if _, err := c.sign(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		wipe := &ports.Transaction{Then: []ports.Write{{Key: sequencing.CheckpointKey(), Delete: true}}}
		if _, err := store.Commit(t.Context(), wipe); err != nil {
			t.Fatal(err)
		}
		c = checkpointOf(t, fork, 0, 260)
		if _, err := c.sign(t.Context(), s); !errors.Is(err, ledger.ErrCheckpoint) {
			t.Errorf("a fork after the store forgot: %v", err)
		}
	})
}

func first(s *sequencing.Signer, _ owner.PublicKey) *sequencing.Signer { return s }

// grownFake is a ledger that goes on from the true one with what never happened.
func grownFake(t *testing.T, n *node, from uint64) *asked {
	t.Helper()
	files := fileMap(n.tiles.Files())
	edge := map[string][]byte{}
	for _, tile := range ledger.Edge(300) {
		edge[tile.Path()] = files[tile.Path()]
	}
	g, err := ledger.Grow(300, edge, [][]byte{[]byte("never"), []byte("happened")})
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(files, g.Files)
	proof, err := ledger.OpenTree(302, files).Consistency(from)
	if err != nil {
		t.Fatal(err)
	}
	return &asked{&ledger.Checkpoint{Origin: origin(), Head: g.Frontier.Head()}, &g.Frontier, proof}
}

// TestThreat34OnlyWhatTheStoreHad: what is shorter than the store's ledger is held
// against it too, the first checkpoint and every later one.
func TestThreat34OnlyWhatTheStoreHad(t *testing.T) {
	good := newNode(t, appended(t, 300), 1, &porttest.MemoryTiles{}, nil)
	good.catches(t)
	fork := newNode(t, forkAt(t, 270), 2, &porttest.MemoryTiles{}, nil)
	appendStory(t, fork.store, 270, 300)
	fork.catches(t)
	s, _ := newSigner(t, good.store, "cluster", nil)
	refused := func(name string, a *asked) {
		t.Helper()
		if note, err := a.sign(t.Context(), s); !errors.Is(err, ledger.ErrCheckpoint) || note != nil {
			t.Errorf("%s: signed %d entries, %v", name, a.checkpoint.Head.Size, err)
		}
	}
	madeUp := &ledger.Checkpoint{Origin: origin(), Head: merkle.Head{Size: 100, Root: merkle.LeafHash([]byte("made up"))}}
	refused("a root that never was", &asked{madeUp, nil, nil})
	refused("a root that never was, and a true frontier", &asked{madeUp, checkpointOf(t, good, 0, 100).frontier, nil})
	refused("the first, of another ledger", checkpointOf(t, fork, 0, 280))
	refused("between two batches", checkpointOf(t, good, 0, 262))
	if _, err := checkpointOf(t, good, 0, 260).sign(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	refused("what both have goes on as it never did", checkpointOf(t, fork, 260, 290))
	if _, err := checkpointOf(t, good, 260, 290).sign(t.Context(), s); err != nil {
		t.Errorf("the true one: %v", err)
	}
}

// TestThreat34SignerWithoutTheEntries: of what the store does not have any more
// nobody can say whether it leads to the head.
func TestThreat34SignerWithoutTheEntries(t *testing.T) {
	n := newNode(t, appended(t, 300), 1, &porttest.MemoryTiles{}, nil)
	n.catches(t)
	n.trims(t, 1)
	s, _ := newSigner(t, n.store, "cluster", nil)
	if note, err := checkpointOf(t, n, 0, 280).sign(t.Context(), s); !errors.Is(err, ledger.ErrCheckpoint) || note != nil {
		t.Errorf("signed %d bytes, %v", len(note), err)
	}
	if _, err := checkpointOf(t, n, 0, 300).sign(t.Context(), s); err != nil {
		t.Errorf("the head: %v", err)
	}
}

// TestThreat34TwoSignersMakeOneChain: two that were asked at the same time for two
// continuations sign one of them; the signature of the other never leaves.
func TestThreat34TwoSignersMakeOneChain(t *testing.T) {
	n := newNode(t, appended(t, 300), 1, &porttest.MemoryTiles{}, nil)
	n.catches(t)
	other, _ := newSigner(t, n.store, "cluster", nil)
	client := n.store.Client(once(memstore.Before, func() error {
		c := checkpointOf(t, n, 0, 280)
		_, err := c.sign(t.Context(), other)
		return err
	}))
	s, _ := newSigner(t, client, "cluster", nil)
	c := checkpointOf(t, n, 0, 290)
	if note, err := c.sign(t.Context(), s); !errors.Is(err, ports.ErrStoreConflict) || note != nil {
		t.Errorf("a second first checkpoint: %q, %v", note, err)
	}
	c = checkpointOf(t, n, 280, 290)
	if _, err := c.sign(t.Context(), s); err != nil {
		t.Errorf("what continues: %v", err)
	}
}

// TestThreat34ForeignCheckpoints: a checkpoint that somebody else signed, put into
// the store, is neither continued nor replaced nor exported.
func TestThreat34ForeignCheckpoints(t *testing.T) {
	n := newNode(t, appended(t, 30), 1, &porttest.MemoryTiles{}, nil)
	n.catches(t)
	foreign, _ := newSigner(t, n.store, "somebody", nil)
	c := checkpointOf(t, n, 0, 20)
	if _, err := c.sign(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	before := n.store.Revision()
	if _, err := newPublisher(t, n, n.store).Publish(t.Context()); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Errorf("Publish: %v", err)
	}
	s, key := newSigner(t, n.store, "cluster", nil)
	c = checkpointOf(t, n, 0, 30)
	if _, err := c.sign(t.Context(), s); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Errorf("SignCheckpoint: %v", err)
	}
	x := newExporter(t, n, key)
	dst := &porttest.MemoryTiles{}
	if _, err := x.Export(t.Context(), dst); !errors.Is(err, ledger.ErrCheckpoint) || len(dst.Files()) > 0 {
		t.Errorf("Export: %v, %d files", err, len(dst.Files()))
	}
	if n.store.Revision() != before {
		t.Error("something was written")
	}
}

// TestPublisherRefusesItsOwnDamage: tiles that do not continue the newest
// checkpoint are not signed.
func TestPublisherRefusesItsOwnDamage(t *testing.T) {
	n := newNode(t, appended(t, 40), 1, &porttest.MemoryTiles{}, nil)
	n.catches(t)
	if _, err := newPublisher(t, n, n.store).Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{40, 50} {
		other := newNode(t, forkAt(t, 30), 1, &porttest.MemoryTiles{}, nil)
		appendStory(t, other.store, 30, size)
		other.catches(t)
		var fork *ledger.ForkError
		if _, err := newPublisher(t, other, n.store).Publish(t.Context()); !errors.As(err, &fork) {
			t.Errorf("another ledger of %d entries: %v, want a fork", size, err)
		}
	}
}

func newExporter(t testing.TB, n *node, key owner.PublicKey) *sequencing.Exporter {
	t.Helper()
	x, err := sequencing.NewExporter(sequencing.ExportConfig{Store: n.store, Tiles: n.tiles, Origin: origin(), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestExport: what is exported is what an auditor verifies, also into an older
// export, and while the copy is ahead of the checkpoint.
func TestExport(t *testing.T) {
	n := newNode(t, memstore.New(start), 1, &porttest.MemoryTiles{}, nil)
	_, key := newSigner(t, n.store, "cluster", nil)
	x, dst := newExporter(t, n, key), &porttest.MemoryTiles{}
	if _, err := x.Export(t.Context(), dst); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Errorf("without a checkpoint: %v", err)
	}
	for _, size := range []int{1, 40, 256, 300, 600} {
		appendStory(t, n.store, int(headOf(t, n.store).Size()), size)
		n.catches(t)
		if _, err := newPublisher(t, n, n.store).Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
		appendStory(t, n.store, size, size+2)
		n.catches(t)
		c, err := x.Export(t.Context(), dst)
		if err != nil || c.Head.Size != uint64(size) {
			t.Fatalf("Export: %+v, %v", c, err)
		}
		files := dst.Files()
		if _, found := files[ports.HeadPath]; found {
			t.Error("the head was exported")
		}
		audit := &ledger.Audit{Cluster: ledgertest.ClusterID(), Key: key, Files: tilesIn(files)}
		if report := audit.Verify(fileMap(files)); len(report.Problems) > 0 || report.Checkpoint.Head.Size != uint64(size) {
			t.Fatalf("at %d entries an auditor finds %+v", size, report.Problems)
		}
	}
}

func tilesIn(files map[string][]byte) []string {
	paths := slices.Sorted(maps.Keys(files))
	return slices.DeleteFunc(paths, func(path string) bool { return path == ledger.CheckpointPath })
}

// TestExportRefusesDamage: whichever tile is not what it was, no export comes of it
// that says that it is whole.
func TestExportRefusesDamage(t *testing.T) {
	n := newNode(t, appended(t, 600), 1, &porttest.MemoryTiles{}, nil)
	n.catches(t)
	if _, err := newPublisher(t, n, n.store).Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, key := newSigner(t, n.store, "cluster", nil)
	for path, content := range n.tiles.Files() {
		if path == ports.HeadPath || path == ledger.CheckpointPath {
			continue
		}
		for _, spoilt := range [][]byte{nil, flipped(content, 7), content[:len(content)-1]} {
			n.tiles.Put(path, spoilt)
			dst := &porttest.MemoryTiles{}
			if _, err := newExporter(t, n, key).Export(t.Context(), dst); err == nil {
				t.Errorf("exported with another %s", path)
			}
			if _, found := dst.Files()[ledger.CheckpointPath]; found {
				t.Errorf("with another %s the export has a checkpoint", path)
			}
			n.tiles.Put(path, content)
		}
	}
}

// TestThreat34ExportRefusesAnotherLedger: tiles that agree with each other, and are
// not those of the checkpoint, are not given out as if they were.
func TestThreat34ExportRefusesAnotherLedger(t *testing.T) {
	n := newNode(t, appended(t, 40), 1, &porttest.MemoryTiles{}, nil)
	n.catches(t)
	if _, err := newPublisher(t, n, n.store).Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, key := newSigner(t, n.store, "cluster", nil)
	fork := newNode(t, forkAt(t, 40), 1, &porttest.MemoryTiles{}, nil)
	fork.catches(t)
	x := newExporter(t, &node{store: n.store, tiles: fork.tiles}, key)
	dst := &porttest.MemoryTiles{}
	_, err := x.Export(t.Context(), dst)
	wantTrouble(t, err, sequencing.Damaged)
	if _, found := dst.Files()[ledger.CheckpointPath]; found {
		t.Error("the export has a checkpoint")
	}
}
