package world

import (
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// Invariant names what must always be so.
type Invariant string

// The invariants.
const (
	OneInit         Invariant = "one-init"         // a node carries out at most one accepted init in a boot
	OnlyAdmitted    Invariant = "only-admitted"    // keys, certificates and tokens are for nodes that were admitted, after their intent
	NotRevoked      Invariant = "not-revoked"      // nothing for a node whose denial was committed
	OneCluster      Invariant = "one-cluster"      // a member joins no other cluster without a reboot
	SealedUntouched Invariant = "sealed-untouched" // no sealed disk is written by who did not open it
	OneHolder       Invariant = "one-holder"       // a name, a disk and an identity belong together
	OneLife         Invariant = "one-life"         // no two machines live as one record
	LedgerWhole     Invariant = "ledger-whole"     // the ledger verifies, and nothing acknowledged is missing
	Progress        Invariant = "progress"         // who can get on does
	NoSurprise      Invariant = "no-surprise"      // nothing fails in a way that the world cannot cause
)

// Violation is an invariant that was broken.
type Violation struct {
	Invariant Invariant
	At        time.Duration // since the beginning
	What      string
}

// String returns all of it in one line.
func (v Violation) String() string { return fmt.Sprintf("%s at %v: %s", v.Invariant, v.At, v.What) }

// Counts is how often things happened.
type Counts struct {
	Boots, Inits, Tickets, Rejoins, Refusals, Crashes, Transactions, Entries, Members, Recoveries, Nudges uint64
}

// judge sees everything, and holds it against the invariants.
type judge struct {
	w          *World
	violations []Violation
	counts     Counts
	books      map[keys.ClusterID]*books
	clonedOf   map[join.Identity]bool
}

func newJudge(w *World) *judge {
	return &judge{w: w, books: map[keys.ClusterID]*books{}, clonedOf: map[join.Identity]bool{}}
}

// content says whether nothing was broken so far.
func (j *judge) content() bool { return len(j.violations) == 0 }

func (j *judge) broken(i Invariant, parts ...any) {
	v := Violation{Invariant: i, At: j.w.k.Now().Sub(j.w.begun()), What: fmt.Sprint(parts...)}
	j.violations = append(j.violations, v)
	j.w.k.Trace.Tell(j.w.k.Now(), kernel.Bad, "judge", "BROKEN ", string(i), ": ", v.What)
}

// step looks at one step of a node's machine.
func (j *judge) step(m *Machine, before lifecycle.State, e lifecycle.Event, next lifecycle.State, effects []lifecycle.Effect, err error) {
	if _, ok := e.(lifecycle.Booted); ok {
		j.counts.Boots++
	}
	if request, ok := e.(lifecycle.InitRequested); ok && err == nil {
		j.accepted(m, request.ID)
	}
	if err != nil && (next != before || len(effects) > 0) {
		j.broken(NoSurprise, m.name, " refused '", lifecycle.EventName(e), "' and changed all the same")
	}
	for _, f := range effects {
		if ask, ok := f.(lifecycle.RequestTicket); ok && ask.Kind == join.Rejoin && ask.From != before.Disk.Seal.Mark {
			j.broken(OneCluster, m.name, ", which is locked, asks another cluster than its disk's")
		}
	}
	if before.Phase == lifecycle.Member && next.Phase == lifecycle.Member && before.Mark != next.Mark {
		j.broken(OneCluster, m.name, " changed its cluster without a reboot")
	}
}

// accepted counts inits. One that failed before the mark may be accepted again.
func (j *judge) accepted(m *Machine, id lifecycle.InitID) {
	j.counts.Inits++
	if m.node.init != (lifecycle.InitID{}) && m.node.init != id {
		j.broken(OneInit, m.name, " accepted a second init in one boot")
	}
	m.node.init = id
}

// marking looks at a register that is about to be extended.
func (j *judge) marking(m *Machine, mark lifecycle.Mark) {
	if m.tpm.mark != (lifecycle.Mark{}) {
		j.broken(OneCluster, m.name, " marks itself a second time in one boot")
	}
	if se := m.disk.readSeal(); se != nil && (lifecycle.Mark{Cluster: se.Cluster, Owner: se.Owner}) != mark {
		j.broken(OneCluster, m.name, " marks itself for another cluster than its disk's")
	}
}

// diskWrite looks at a write to a header area.
func (j *judge) diskWrite(m *Machine, area []byte, why string) {
	se := m.disk.readSeal()
	if se == nil {
		return
	}
	phase := m.node.state.Phase
	own := m.tpm.mark == lifecycle.Mark{Cluster: se.Cluster, Owner: se.Owner}
	if m.node.wiping && len(area) == 0 || m.node.wiping && phase == lifecycle.Fresh {
		return
	}
	if !own || phase != lifecycle.Member && phase != lifecycle.Withheld {
		j.broken(SealedUntouched, m.name, ", which is ", string(phase), ", writes a sealed disk: ", why)
	}
}

// granted looks at a ticket that has reached a machine.
func (j *judge) granted(m, from *Machine, t *join.Ticket) {
	j.counts.Tickets++
	if t.Kind == join.Rejoin {
		j.counts.Rejoins++
	}
	if !m.honest && !j.clonedOf[m.identity()] {
		j.broken(OnlyAdmitted, m.name, ", whom nobody let in, got a ticket from ", from.name)
	}
	h := m.owner.holdingOf(from.tpm.mark)
	if h == nil || t.Role != h.granted[m.identity()] && !h.first(m) {
		j.broken(OnlyAdmitted, m.name, " got a ticket as ", string(t.Role), ", which its owner never granted")
	}
}

// asked notes a request that has reached a JoinService.
func (j *judge) asked(s *server, client *facts, r *join.Request) {
	m := client.machine
	if m.honest && m.role == join.Worker && len(m.owner.machines) > 2 && j.w.faults.drawn(Govern) && j.w.k.Chance(0.05) {
		m.owner.race(m, s)
	}
	if heard := &j.w.infra.heard; len(*heard) < 64 {
		*heard = append(*heard, r)
	}
}

// cloned remembers that somebody has the keys of a machine.
func (j *judge) cloned(m *Machine) { j.clonedOf[m.identity()] = true }

// failed looks at an error that is no answer to a request.
func (j *judge) failed(m *Machine, err error) {
	if why := surprising(err); why != "" {
		j.broken(NoSurprise, m.name, " meets ", why, ": ", err.Error())
	}
}

// Plus adds up.
func (c Counts) Plus(o Counts) Counts {
	return Counts{
		Boots: c.Boots + o.Boots, Inits: c.Inits + o.Inits, Tickets: c.Tickets + o.Tickets, Rejoins: c.Rejoins + o.Rejoins,
		Refusals: c.Refusals + o.Refusals, Crashes: c.Crashes + o.Crashes, Transactions: c.Transactions + o.Transactions,
		Entries: c.Entries + o.Entries, Members: c.Members + o.Members, Recoveries: c.Recoveries + o.Recoveries, Nudges: c.Nudges + o.Nudges,
	}
}

// String returns the counts as the end of a story.
func (c Counts) String() string {
	return fmt.Sprintf("%d boots (%d crashes), %d inits, %d tickets (%d to come back), %d refusals, %d recoveries, %d transactions, %d ledger entries, %d members at the end, %d nudges",
		c.Boots, c.Crashes, c.Inits, c.Tickets, c.Rejoins, c.Refusals, c.Recoveries, c.Transactions, c.Entries, c.Members, c.Nudges)
}

// Invariants returns all of them.
func Invariants() []Invariant {
	return []Invariant{
		OneInit, OnlyAdmitted, NotRevoked, OneCluster, SealedUntouched, OneHolder, OneLife, LedgerWhole, Progress, NoSurprise,
	}
}
