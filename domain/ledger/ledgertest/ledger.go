package ledgertest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
)

// TB is what is needed of testing.TB, which domain does not import.
type TB interface {
	Helper()
	Fatal(args ...any)
}

// Ledger is a ledger whose files are in memory, as in an export.
type Ledger struct {
	Cluster keys.ClusterID
	Head    ledger.Head
	Files   map[string][]byte // by path, the checkpoint among them
	Now     time.Time         // of the next entries
}

// New returns an empty ledger of the cluster that Story tells of. It has no files.
func New() *Ledger {
	return &Ledger{Cluster: ClusterID(), Files: map[string][]byte{}, Now: Start()}
}

// Start is when the first entry of a ledger is made.
func Start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// ClusterID is that of the cluster.
func ClusterID() keys.ClusterID { return sha256.Sum256([]byte("cluster")) }

// Key is the key that signs a ledger of these tests.
func Key() ed25519.PrivateKey { return Signer("ledger") }

// Signer returns the key of a name.
func Signer(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("key of " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Public returns the public half of a key.
func Public(key ed25519.PrivateKey) owner.PublicKey {
	return owner.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// Sign returns a function that signs with the key.
func Sign(key ed25519.PrivateKey) func([]byte) ([]byte, error) {
	return func(message []byte) ([]byte, error) { return ed25519.Sign(key, message), nil }
}

// Filled returns a ledger of so many entries of the Story, in batches.
func Filled(tb TB, n int) *Ledger {
	tb.Helper()
	l := New()
	for batch := range slices.Chunk(Story(n), 100) {
		l.Append(tb, batch...)
	}
	return l
}

// Append appends entries in one batch, a second after the last one, and signs.
func (l *Ledger) Append(tb TB, entries ...ledger.Entry) {
	tb.Helper()
	next, batch, err := ledger.Append(&l.Head, entries, ledger.Stamp{Now: l.Now, By: Node(0).String()})
	if err != nil {
		tb.Fatal(err)
	}
	l.AppendRaw(tb, batch.Entries...)
	l.Head.Time, l.Now = next.Time, l.Now.Add(time.Second)
}

// AppendRaw appends what need not be entries, and signs.
func (l *Ledger) AppendRaw(tb TB, entries ...[]byte) {
	tb.Helper()
	size, edge := l.Head.Size(), map[string][]byte{}
	for _, t := range ledger.Edge(size) {
		edge[t.Path()] = l.Files[t.Path()]
	}
	growth, err := ledger.Grow(size, edge, entries)
	if err != nil {
		tb.Fatal(err)
	}
	for _, t := range ledger.Superseded(size, growth.Frontier.Size()) {
		delete(l.Files, t.Path())
	}
	maps.Copy(l.Files, growth.Files)
	l.Head.Frontier = growth.Frontier
	l.Files[ledger.CheckpointPath] = l.SignAs(tb, l.Head.Tree(), Key())
}

// SignAs returns the checkpoint of a head, signed with a key.
func (l *Ledger) SignAs(tb TB, head merkle.Head, key ed25519.PrivateKey) []byte {
	tb.Helper()
	note, err := ledger.SignNote(&ledger.Checkpoint{Origin: ledger.Origin(l.Cluster), Head: head}, Public(key), Sign(key))
	if err != nil {
		tb.Fatal(err)
	}
	return note
}

// Checkpoint returns the ledger's checkpoint.
func (l *Ledger) Checkpoint() *ledger.Checkpoint {
	return &ledger.Checkpoint{Origin: ledger.Origin(l.Cluster), Head: l.Head.Tree()}
}

// Clone returns a copy that shares nothing that changes.
func (l *Ledger) Clone() *Ledger {
	c := *l
	c.Files = maps.Clone(l.Files)
	for path, data := range c.Files {
		c.Files[path] = bytes.Clone(data)
	}
	return &c
}

// Tile makes a Ledger ledger.Tiles.
func (l *Ledger) Tile(path string) ([]byte, error) {
	data, found := l.Files[path]
	if !found {
		return nil, fmt.Errorf("%w: %s", ledger.ErrNoTile, path)
	}
	return data, nil
}

// Audit returns what an auditor of this ledger knows.
func (l *Ledger) Audit() *ledger.Audit {
	a := &ledger.Audit{Cluster: l.Cluster, Owner: OwnerID(), Key: Public(Key()), Files: []string{}}
	for _, path := range slices.Sorted(maps.Keys(l.Files)) {
		if strings.HasPrefix(path, "tile/") {
			a.Files = append(a.Files, path)
		}
	}
	return a
}
