package world

import (
	"bytes"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/merkle"
)

func (w *World) begun() time.Time { return authoritytest.Start() }

// settledIn says whether the machine is a member of that cluster, has been for a
// while, and is heard by all.
func (m *Machine) settledIn(mark lifecycle.Mark) bool {
	if !m.on() || m.island != 0 || m.attest() == nil || m.tpm.mark != mark {
		return false
	}
	return !m.node.since.IsZero() && m.w.k.Now().Sub(m.node.since) > time.Minute
}

// first says whether the machine founded the cluster.
func (h *holding) first(m *Machine) bool { return h.firstID() == m.identity() }

func (h *holding) firstID() join.Identity { return h.founder }

// settled says whether everybody is where they belong.
func (j *judge) settled() bool { return j.misplaced() == "" }

// misplaced names somebody who is not where they belong, and why.
func (j *judge) misplaced() string {
	for _, o := range j.w.owners {
		if o.holding == nil {
			return o.name + " has no cluster"
		}
		if len(o.holding.queue) > 0 {
			return o.name + " waits for the cluster to take a directive"
		}
		for _, m := range o.machines {
			if why := j.wrong(o, m); why != "" {
				return m.name + " " + why
			}
		}
	}
	return ""
}

func (j *judge) wrong(o *proprietor, m *Machine) string {
	if !m.on() {
		return "is off"
	}
	mark, member := m.node.member()
	if o.holding.denied[m.identity()] {
		if member {
			return "is a member and was revoked"
		}
		return ""
	}
	if !member {
		return "is " + string(m.node.state.Phase) + " and no member"
	}
	if mark != o.holding.mark {
		return "is a member of another cluster"
	}
	if m.role == join.ControlPlane && (m.node.server == nil || !m.node.server.serving()) {
		return "is a control-plane node that serves nobody"
	}
	r := j.of(j.w.clusters[mark.Cluster]).records[m.identity()]
	// A copy's intent that never got its ticket leaves the record Intended: the
	// machine that holds the last ticket is known all the same.
	known := r != nil && (r.State == join.Member || r.State == join.Intended) && r.Held() == bootOf(m.facts())
	if !known {
		return "is a member of which the cluster knows another boot or state"
	}
	return ""
}

// conclude asks at the end whether all got on, and whether the ledgers hold.
func (j *judge) conclude(settled bool) {
	if j.content() && !settled {
		j.broken(Progress, j.misplaced())
	}
	for _, c := range j.w.order {
		if c.adopted {
			j.audit(c)
		}
	}
	for _, m := range j.w.machines {
		if _, member := memberOf(m); member {
			j.counts.Members++
		}
	}
}

func memberOf(m *Machine) (lifecycle.Mark, bool) {
	if !m.on() || m.node == nil {
		return lifecycle.Mark{}, false
	}
	return m.node.member()
}

// audit compares the ledger's head, what was committed, what was acknowledged, and
// one of the mirrors.
func (j *judge) audit(c *cluster) {
	b := j.of(c)
	var tree merkle.Frontier
	heads := map[uint64]merkle.Head{}
	for _, e := range b.entries {
		tree.Append(merkle.LeafHash(e))
		heads[tree.Size()] = tree.Head()
	}
	if c.newestHead() != tree.Head() {
		j.broken(LedgerWhole, "the head of ", c.name, " is not that of the ", len(b.entries), " entries that were committed")
	}
	for _, r := range b.receipts {
		if end := int(r.First) + len(r.types); end > len(b.types) || !slices.Equal(r.types, b.types[r.First:end]) || heads[r.Head.Size] != r.Head {
			j.broken(LedgerWhole, "what was acknowledged at ", r.First, " of ", c.name, " is not there")
		}
	}
	var mirrors []*Machine
	for _, m := range j.w.machines {
		if mark, member := memberOf(m); member && mark == c.mark && m.node.server != nil {
			mirrors = append(mirrors, m)
		}
	}
	if len(mirrors) > 0 { // each of them in one seed or another
		j.auditMirror(c, b, mirrors[j.w.k.Rand.IntN(len(mirrors))])
	}
}

// auditMirror verifies one node's copy as an auditor would.
func (j *judge) auditMirror(c *cluster, b *books, m *Machine) {
	tiles := copyOf{m.tiles(c)}
	if _, err := tiles.Tile(ledger.CheckpointPath); err != nil {
		return // it never led
	}
	audit := &ledger.Audit{
		Cluster: c.mark.Cluster, Owner: c.mark.Owner, Key: c.owner.holdingOf(c.mark).ledger,
		Visit: func(index uint64, e *ledger.Entry) {
			encoded, err := e.Encode()
			if err != nil || index >= uint64(len(b.entries)) || !bytes.Equal(encoded, b.entries[index]) {
				j.broken(LedgerWhole, "entry ", index, " of the copy of ", m.name, " is not what was committed")
			}
		},
	}
	if report := audit.Verify(tiles); !report.Sound() {
		j.broken(LedgerWhole, "the copy of ", m.name, " does not verify: ", report.Problems[0])
	}
}
