package sequencing_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

func TestMirrorCatchesUp(t *testing.T) {
	store := memstore.New(start)
	n := newNode(t, store, 1, &porttest.MemoryTiles{}, nil)
	n.catches(t) // nothing yet
	for at, next := range []int{1, 2, 3, 200, 256, 257, 258, 700, 1100} {
		appendStory(t, store, int(headOf(t, store).Size()), next)
		n.catches(t)
		n.catches(t)
		if at%3 == 0 { // as another process
			n = newNode(t, store, 1, n.tiles, nil)
		}
		wantAck(t, store, 1, headOf(t, store).Size())
	}
	newNode(t, store, 2, &porttest.MemoryTiles{}, nil).catches(t)
}

// wantAck demands what a node has acknowledged.
func wantAck(t *testing.T, store *memstore.Store, number int, size uint64) {
	t.Helper()
	item, err := store.Get(t.Context(), ackKey(number))
	if err != nil {
		t.Fatal(err)
	}
	head, err := sequencing.DecodeAck(item.Value)
	if err != nil || head.Size != size {
		t.Errorf("node %d has acknowledged %v (%v), want %d entries", number, head, err, size)
	}
}

func ackKey(number int) ports.Key {
	return ports.Key{Collection: ports.LedgerMirrors, Name: ledgertest.Node(number).String()}
}

func nodes(numbers ...int) (live []join.Identity) {
	for _, number := range numbers {
		live = append(live, ledgertest.Node(number))
	}
	return live
}

// errPower ends a process in the middle.
var errPower = errors.New("power is gone")

// TestMirrorAfterCrashes: whichever write of tiles or store is the last before the
// crash, the next process goes on, and ends where it should.
func TestMirrorAfterCrashes(t *testing.T) {
	store := appended(t, 250)
	disk := &porttest.MemoryTiles{}
	newNode(t, store, 1, disk, nil).catches(t)
	appendStory(t, store, 250, 600)
	crashes := 0
	for crashed := true; crashed; crashes++ {
		crashed = false
		steps := 0
		step := func() error {
			steps++
			if steps > crashes {
				crashed = true
				return errPower
			}
			return nil
		}
		tiles := &porttest.MemoryTiles{}
		for path, content := range disk.Files() {
			tiles.Put(path, content)
		}
		tiles.Fault = func(string) error { return step() }
		broken := store.Copy()
		client := broken.Client(func(_ memstore.Moment, call *memstore.Call) error {
			if call.Method == memstore.Commit && step() != nil {
				return ports.ErrOutcomeUnknown
			}
			return nil
		})
		m, err := sequencing.NewMirror(sequencing.MirrorConfig{Store: client, Tiles: tiles, Identity: ledgertest.Node(1)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Catch(t.Context()); crashed != (err != nil) {
			t.Fatalf("crash %d: %t, and the mirror says %v", crashes, crashed, err)
		}
		tiles.Fault = nil
		newNode(t, broken, 1, tiles, nil).catches(t)
		wantAck(t, broken, 1, 600)
	}
	if crashes < 10 {
		t.Errorf("only %d steps in which to crash", crashes)
	}
}

// TestMirrorAcknowledgesWhatLasts: never before tiles and head are written.
func TestMirrorAcknowledgesWhatLasts(t *testing.T) {
	store := appended(t, 40)
	tiles := &porttest.MemoryTiles{Fault: func(path string) error {
		if path == ports.HeadPath {
			return ports.ErrFolderFull
		}
		return nil
	}}
	n := newNode(t, store, 1, tiles, nil)
	if _, err := n.mirror.Catch(t.Context()); !errors.Is(err, ports.ErrFolderFull) {
		t.Errorf("%v, want ErrFolderFull", err)
	}
	if _, err := store.Get(t.Context(), ackKey(1)); !errors.Is(err, ports.ErrNoItem) {
		t.Errorf("acknowledged what is not on the disk: %v", err)
	}
	tiles.Fault = nil
	n.catches(t)
}

func wantTrouble(t *testing.T, err error, want sequencing.Trouble) {
	t.Helper()
	var trouble *sequencing.CopyError
	if !errors.As(err, &trouble) || trouble.Trouble != want || !errors.Is(err, sequencing.ErrCopy) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestMirrorRefuses what does not go together, and leaves its copy alone.
func TestMirrorRefuses(t *testing.T) {
	fork := memstore.New(start)
	appendStory(t, fork, 0, 2)
	s := newSequencer(t, fork, &counting{next: 500})
	for i := range uint64(600) {
		if _, err := s.Append(t.Context(), &sequencing.Proposal{Entries: []ledger.Entry{entry(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	flip := func(tiles *porttest.MemoryTiles, path string) {
		content := tiles.Files()[path]
		content[len(content)-1] ^= 1
		tiles.Put(path, content)
	}
	small, forked := appended(t, 299), forkAt(t, 300)
	exact := small.Copy()
	appendStory(t, exact, 299, 300)
	large := exact.Copy()
	appendStory(t, large, 300, 400)
	longer := func() *memstore.Store { return large.Copy() }
	for name, test := range map[string]struct {
		store func() *memstore.Store
		spoil func(tiles *porttest.MemoryTiles)
		want  sequencing.Trouble
	}{
		"another ledger":           {func() *memstore.Store { return fork.Copy() }, nil, sequencing.Forked},
		"another of the same size": {func() *memstore.Store { return forked.Copy() }, nil, sequencing.Forked},
		"a shorter ledger":         {func() *memstore.Store { return small.Copy() }, nil, sequencing.RolledBack},
		"an empty ledger":          {func() *memstore.Store { return memstore.New(start) }, nil, sequencing.RolledBack},
		"a damaged hash tile":      {longer, func(m *porttest.MemoryTiles) { flip(m, "tile/0/001.p/44") }, sequencing.Damaged},
		"a damaged upper tile":     {longer, func(m *porttest.MemoryTiles) { flip(m, "tile/1/000.p/1") }, sequencing.Damaged},
		"a damaged bundle":         {longer, func(m *porttest.MemoryTiles) { flip(m, "tile/entries/001.p/44") }, sequencing.Damaged},
		"a missing tile":           {longer, func(m *porttest.MemoryTiles) { m.Put("tile/0/001.p/44", nil) }, sequencing.Damaged},
		"a damaged head":           {longer, func(m *porttest.MemoryTiles) { flip(m, ports.HeadPath) }, sequencing.Damaged},
		"another's head":           {longer, func(m *porttest.MemoryTiles) { m.Put(ports.HeadPath, encodedHead(t, forked)) }, sequencing.Damaged},
		"a lost head, and a fork":  {func() *memstore.Store { return fork.Copy() }, func(m *porttest.MemoryTiles) { m.Put(ports.HeadPath, nil) }, sequencing.Forked},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, exact.Copy(), 1, &porttest.MemoryTiles{}, nil)
			n.catches(t)
			if test.spoil != nil {
				test.spoil(n.tiles)
			}
			before := n.tiles.Files()
			for range 2 {
				store := test.store()
				_, err := newNode(t, store, 1, n.tiles, nil).mirror.Catch(t.Context())
				wantTrouble(t, err, test.want)
				if _, err := store.Get(t.Context(), ackKey(1)); !errors.Is(err, ports.ErrNoItem) {
					t.Errorf("it acknowledged something: %v", err)
				}
			}
			if after := n.tiles.Files(); !maps.EqualFunc(before, after, slices.Equal) {
				t.Errorf("it changed the copy: %v became %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
			}
		})
	}
}

// forkAt is another ledger of that size, which differs in its last entry.
func forkAt(t *testing.T, n int) *memstore.Store {
	t.Helper()
	store := appended(t, n-1)
	s := newSequencer(t, store, &counting{next: 900})
	if _, err := s.Append(t.Context(), &sequencing.Proposal{Entries: []ledger.Entry{entry(12345)}}); err != nil {
		t.Fatal(err)
	}
	return store
}

func encodedHead(t *testing.T, store *memstore.Store) []byte {
	t.Helper()
	data, err := headOf(t, store).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestMirrorRefusesADamagedStore: batches that do not lead to the head.
func TestMirrorRefusesADamagedStore(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, listing []*ports.Item) ports.Write{
		"an entry changed": func(_ *testing.T, batches []*ports.Item) ports.Write {
			value := []byte(strings.Replace(string(batches[3].Value), `"count":`, `"count":1`, 1))
			if slices.Equal(value, batches[3].Value) {
				value = []byte(strings.Replace(string(batches[3].Value), "AK_NOT", "AK_NUT", 1))
			}
			return ports.Write{Key: batches[3].Key, Value: value}
		},
		"a batch in place of another": func(_ *testing.T, batches []*ports.Item) ports.Write {
			return ports.Write{Key: batches[3].Key, Value: batches[2].Value}
		},
		"a batch taken away": func(_ *testing.T, batches []*ports.Item) ports.Write {
			return ports.Write{Key: batches[3].Key, Delete: true}
		},
		"the last taken away": func(_ *testing.T, batches []*ports.Item) ports.Write {
			return ports.Write{Key: batches[len(batches)-1].Key, Delete: true}
		},
		"the last too long": func(_ *testing.T, batches []*ports.Item) ports.Write {
			return ports.Write{Key: batches[len(batches)-1].Key, Value: batches[3].Value}
		},
		"not a batch": func(_ *testing.T, batches []*ports.Item) ports.Write {
			return ports.Write{Key: batches[3].Key, Value: []byte("x")}
		},
		"not the name of one": func(*testing.T, []*ports.Item) ports.Write {
			return ports.Write{Key: ports.Key{Collection: ports.LedgerBatches, Name: "1"}, Value: []byte("x")}
		},
		"another head": func(t *testing.T, _ []*ports.Item) ports.Write {
			t.Helper()
			return ports.Write{Key: ports.Key{Collection: ports.Heads, Name: "ledger"}, Value: encodedHead(t, forkAt(t, 90))}
		},
		"not a head": func(*testing.T, []*ports.Item) ports.Write {
			return ports.Write{Key: ports.Key{Collection: ports.Heads, Name: "ledger"}, Value: []byte("{}")}
		},
		"not an acknowledgement": func(*testing.T, []*ports.Item) ports.Write {
			return ports.Write{Key: ackKey(1), Value: []byte("asterism/ledger-mirror/v1\n1\nff\n")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := appended(t, 90)
			listing, err := store.List(t.Context(), ports.LedgerBatches, "", ports.MaxListing)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{spoil(t, listing.Items)}}); err != nil {
				t.Fatal(err)
			}
			n := newNode(t, store, 1, &porttest.MemoryTiles{}, nil)
			if _, err := n.mirror.Catch(t.Context()); !errors.Is(err, sequencing.ErrCopy) && !errors.Is(err, sequencing.ErrStoredLedger) {
				t.Errorf("%v, want ErrCopy or ErrStoredLedger", err)
			}
			if files := n.tiles.Files(); len(files) > 0 {
				t.Errorf("it kept %v", slices.Sorted(maps.Keys(files)))
			}
		})
	}
}
