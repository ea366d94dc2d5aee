package world

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// infrastructure is whoever runs network, disks and power. It names the addresses
// of JoinServices, and may name the wrong ones.
type infrastructure struct {
	w        *World
	diverted map[*Machine]*proprietor // to whose machines
	old      map[*cluster][]byte      // statements that were once good
	relented bool                     // does as it is asked from now on
	stale    bool                     // offers those instead of the newest
	kept     map[*Machine]*Disk       // copies of disks, from yesterday
	real     map[*Machine]*Disk       // that were taken out meanwhile
	clones   []*Machine
	hostile  []*Machine
	heard    []*join.Request // requests that it has seen
}

func newInfrastructure(w *World) *infrastructure {
	return &infrastructure{
		w: w, diverted: map[*Machine]*proprietor{}, old: map[*cluster][]byte{}, kept: map[*Machine]*Disk{}, real: map[*Machine]*Disk{},
	}
}

// populate adds machines that nobody lets in.
func (i *infrastructure) populate() {
	if !i.w.faults.enabled(Hostile) {
		return
	}
	for n := range 1 + i.w.k.Rand.IntN(2) {
		m := i.w.newMachine(false)
		m.owner, m.role = i.w.owners[0], join.Worker
		if n == 1 {
			m.tpm = newTPM(m.name, true)
		}
		i.hostile = append(i.hostile, m)
	}
}

// discover names the addresses at which a machine looks for JoinServices.
func (w *World) discover(m *Machine) []*Machine {
	o := m.owner
	if other := w.infra.diverted[m]; other != nil {
		o = other
	}
	var all []*Machine
	for _, other := range o.machines {
		if other.role == join.ControlPlane && other != m && other.on() {
			all = append(all, other)
		}
	}
	if len(all) > 1 {
		turn := w.k.Rand.IntN(len(all))
		all = append(all[turn:len(all):len(all)], all[:turn]...)
	}
	return all[:min(len(all), 3)]
}

// statement is the cluster statement as it reaches who asks a JoinService. The
// session binds it, so that the infrastructure can at most keep a service from
// hearing of a newer one.
func (i *infrastructure) statement(s *server) []byte {
	newest := s.seen.SignedStatement()
	if i.old[s.c] == nil {
		i.old[s.c] = newest
	}
	if i.stale {
		return i.old[s.c]
	}
	return newest
}

// divert sends a machine to the machines of somebody else.
func (i *infrastructure) divert(m *Machine) {
	for _, o := range i.w.owners {
		if o != m.owner {
			i.diverted[m] = o
			m.say(kernel.Fault, "is diverted to the machines of ", o.name)
		}
	}
}

// keep copies a machine's disk.
func (i *infrastructure) keep(m *Machine) { i.kept[m] = m.disk.copied() }

// putBack gives a machine the disk that it had yesterday.
func (i *infrastructure) putBack(m *Machine) {
	if i.kept[m] == nil || i.real[m] != nil || m.owner.holding == nil || m.disk.readSeal() == nil {
		return // a cluster that is founded on an old disk is lost with it
	}
	m.powerOff(kernel.Fault, "is switched off, and gets yesterday's disk")
	i.real[m], m.disk = m.disk, i.kept[m].copied()
	i.w.k.After(nil, i.w.k.Between(time.Second, time.Minute), m.powerOn)
}

// swap exchanges the disks of two machines.
func (i *infrastructure) swap(a, b *Machine) {
	if i.real[a] != nil || i.real[b] != nil || a.disk.readSeal() == nil || b.disk.readSeal() == nil {
		return
	}
	for _, m := range []*Machine{a, b} {
		m.powerOff(kernel.Fault, "is switched off, and gets the disk of another machine")
		i.real[m] = m.disk
		i.w.k.After(nil, i.w.k.Between(time.Second, time.Minute), m.powerOn)
	}
	a.disk, b.disk = b.disk, a.disk
}

// misname has a machine ask for the name of another one, as if by mistake.
func (i *infrastructure) misname(m, victim *Machine) {
	m.alias = victim.name
	m.say(kernel.Fault, "is configured with the name of ", victim.name)
}

// clone starts a second machine with the keys and the disk of one.
func (i *infrastructure) clone(of *Machine) {
	m := i.w.clone(of)
	m.owner = of.owner
	i.clones = append(i.clones, m)
	of.say(kernel.Fault, "is cloned, keys and disk and all")
	i.w.judge.cloned(of)
	m.powerOn()
}

// relent ends all that the infrastructure does.
func (i *infrastructure) relent() {
	i.relented = true
	i.diverted, i.stale = map[*Machine]*proprietor{}, false
	for _, m := range i.clones {
		m.powerOff(kernel.Normal, "is switched off for good")
		m.scrapped = true
	}
	for _, m := range i.hostile {
		m.powerOff(kernel.Normal, "is switched off for good")
		m.scrapped = true
	}
	for _, m := range i.w.machines {
		if disk := i.real[m]; disk != nil {
			m.powerOff(kernel.Normal, "gets its own disk back")
			m.disk = disk
		}
	}
	i.real = map[*Machine]*Disk{}
	for _, m := range i.w.machines {
		m.alias = ""
	}
}
