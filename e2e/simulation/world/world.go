package world

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
)

// Options is what a world is made from. The same options give the same world.
type Options struct {
	Seed   uint64
	Nodes  int               // honest machines
	Faults []Fault           // that may happen; nil: all
	Print  func(kernel.Line) // of the story; nil: nobody reads along
}

// Times of a world.
const (
	trouble = 12 * time.Minute // for which things go wrong
	bound   = 3 * time.Hour    // after which, at the latest, everybody is where they belong
)

// World is one of them.
type World struct {
	k        *kernel.Kernel
	random   io.Reader
	net      *network
	machines []*Machine
	owners   []*proprietor
	clusters map[keys.ClusterID]*cluster
	order    []*cluster
	faults   *faults
	infra    *infrastructure
	judge    *judge
	quotes   uint64
	opened   map[[sha256.Size]byte]*statement
}

// Result is what became of a world.
type Result struct {
	Seed       uint64
	Nodes      int
	Hash       [sha256.Size]byte
	Events     uint64
	Elapsed    time.Duration // virtual
	Violations []Violation
	Counts     Counts
	Tail       []kernel.Line
}

// Run lets a world live and judges it.
func Run(o Options) *Result {
	w := newWorld(o)
	defer w.k.Close()
	w.populate(o.Nodes)
	w.k.Run(w.k.Now().Add(trouble), w.judge.content)
	w.calm()
	settled := w.settle()
	w.judge.conclude(settled)
	w.tellVerdict()
	return &Result{
		Seed: o.Seed, Nodes: o.Nodes, Hash: w.k.Trace.Hash(), Events: w.k.Events(), Elapsed: w.k.Now().Sub(authoritytest.Start()),
		Violations: w.judge.violations, Counts: w.judge.counts, Tail: w.k.Trace.Tail(),
	}
}

func newWorld(o Options) *World {
	k := kernel.New(o.Seed, authoritytest.Start())
	k.Trace.Print = o.Print
	w := &World{k: k, random: reader{k.Rand}, clusters: map[keys.ClusterID]*cluster{}, opened: map[[sha256.Size]byte]*statement{}}
	w.net = &network{w: w}
	w.judge = newJudge(w)
	w.infra = newInfrastructure(w)
	w.faults = newFaults(w, o.Faults)
	return w
}

// populate makes owners and machines, and switches everything on.
func (w *World) populate(nodes int) {
	count := 1
	if w.faults.enabled(TwoClusters) && nodes >= 4 && w.k.Chance(0.4) {
		count = 2
	}
	for i := range count {
		w.owners = append(w.owners, w.newOwner(i))
	}
	for i := range nodes {
		o := w.owners[i%count]
		m := w.newMachine(true)
		m.owner, m.role = o, w.roleFor(len(o.machines), nodes/count)
		o.machines = append(o.machines, m)
		w.k.After(nil, w.k.Between(0, 3*time.Minute), m.powerOn)
	}
	w.infra.populate()
	for _, o := range w.owners {
		w.k.Go(o.life, o.run)
	}
	w.faults.begin()
}

// roleFor makes the first machines of an owner control-plane nodes.
func (w *World) roleFor(index, nodes int) join.Role {
	planes := 1
	if nodes >= 3 {
		planes = 2 + w.k.Rand.IntN(2)
	}
	if index == 0 || index < planes && index < nodes-1 {
		return join.ControlPlane
	}
	return join.Worker
}

// settle runs on until everybody is where they belong, or for too long.
func (w *World) settle() bool {
	end := w.k.Now().Add(bound)
	for w.k.Now().Before(end) && w.judge.content() {
		w.k.Run(w.k.Now().Add(time.Minute), w.judge.content)
		if w.judge.settled() {
			// once more around the clock, so that re-attestation has its say
			w.k.Run(w.k.Now().Add(interval+round), w.judge.content)
			if w.judge.settled() {
				return true
			}
		}
	}
	return false
}

// newCluster is what founding makes before anything is written.
func (w *World) newCluster(mark lifecycle.Mark, o *proprietor) *cluster {
	c := &cluster{
		name: fmt.Sprintf("cluster-%c", 'A'+rune(len(w.order)%26)), mark: mark, owner: o, store: memstore.New(w.k.Now),
		blobs: map[[32]byte][]byte{}, tokens: map[string]join.Identity{},
	}
	w.clusters[mark.Cluster] = c
	w.order = append(w.order, c)
	return c
}

func (w *World) clusterName(id keys.ClusterID) string {
	if c := w.clusters[id]; c != nil {
		return c.name
	}
	return "a new cluster"
}

// machinesOf returns the machines with the keys of an identity: more than one
// where there are clones.
func (w *World) machinesOf(id join.Identity) []*Machine {
	var all []*Machine
	for _, m := range w.machines {
		if m.identity() == id {
			all = append(all, m)
		}
	}
	return all
}

func (w *World) nameOf(id join.Identity) string {
	if all := w.machinesOf(id); len(all) > 0 {
		return all[0].name
	}
	return id.String()
}

// must ends the run where the wiring is wrong.
func (w *World) must(err error) {
	if err != nil {
		panic(err)
	}
}

// Helper implements authoritytest.TB.
func (w *World) Helper() {}

// Fatalf implements authoritytest.TB.
func (w *World) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// reader draws bytes from the seed.
type reader struct{ *rand.Rand }

// Read implements io.Reader.
func (r reader) Read(b []byte) (int, error) {
	var word [8]byte
	for i := 0; i < len(b); i += len(word) {
		binary.LittleEndian.PutUint64(word[:], r.Uint64())
		copy(b[i:], word[:])
	}
	return len(b), nil
}

// statement is one that its owner signed.
type statement struct {
	statement *owner.Statement
	policy    *policy.Policy
}

// openStatement is owner.OpenStatement, which costs much, for what was not opened
// before, and a look at the time for what was.
func (w *World) openStatement(signed []byte, anchor owner.Anchor, now time.Time) *statement {
	h := sha256.New()
	h.Write(signed)
	h.Write(anchor.Owner[:])
	h.Write(anchor.Cluster[:])
	key := [sha256.Size]byte(h.Sum(nil))
	if known, there := w.opened[key]; there {
		if known == nil || now.Before(known.statement.Issued) || now.After(known.statement.Expires) {
			return nil
		}
		return known
	}
	st, err := owner.OpenStatement(signed, anchor, now)
	if err != nil {
		return nil
	}
	p, err := st.Policy("release")
	w.must(err)
	w.opened[key] = &statement{st, p}
	return w.opened[key]
}

// tellVerdict ends the story.
func (w *World) tellVerdict() {
	tone, text := kernel.Good, "all is as it should be"
	if n := len(w.judge.violations); n > 0 {
		tone, text = kernel.Bad, fmt.Sprintf("%d things are not as they should be", n)
	}
	w.k.Trace.Tell(w.k.Now(), tone, "judge", text)
}
