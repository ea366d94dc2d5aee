package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// Fault is a kind of trouble.
type Fault string

// The kinds.
const (
	Network     Fault = "network"      // messages are lost, late or come twice
	Partition   Fault = "partition"    // machines do not hear each other, nor the store
	Crash       Fault = "crash"        // power is lost between any two effects or calls
	Power       Fault = "power"        // a machine, or all, are switched off and on
	StoreOutage Fault = "store"        // the store does not answer
	Unknown     Fault = "unknown"      // transactions whose outcome nobody tells
	KMSOutage   Fault = "kms"          // the KMS does not answer
	Clock       Fault = "clock"        // clocks of single machines jump by hours
	IO          Fault = "io"           // disks fail to be read and written
	Hostile     Fault = "hostile"      // machines that nobody let in ask falsely
	Divert      Fault = "divert"       // nodes are sent to other genuine clusters
	Clone       Fault = "clone"        // machines are cloned with their disks
	OldDisk     Fault = "old-disk"     // yesterday's disk is put back
	OldWord     Fault = "old-word"     // statements of yesterday are offered
	Govern      Fault = "govern"       // the owner revokes, freezes, thaws and restates
	TwoClusters Fault = "two-clusters" // there may be two clusters
)

// Faults returns all kinds.
func Faults() []Fault {
	return []Fault{
		Network, Partition, Crash, Power, StoreOutage, Unknown, KMSOutage, Clock, IO, Hostile, Divert, Clone, OldDisk, OldWord, Govern,
		TwoClusters,
	}
}

// faults is what goes wrong now.
type faults struct {
	w         *World
	allowed   []Fault
	mix       []Fault // that this seed draws from
	crash     float64 // at each effect and each call
	unknown   float64 // of each transaction
	storeDown bool
	kmsDown   bool
	io        float64 // of each access to a disk
}

func newFaults(w *World, allowed []Fault) *faults {
	if allowed == nil {
		allowed = Faults()
	}
	return &faults{w: w, allowed: allowed}
}

func (f *faults) enabled(kind Fault) bool { return slices.Contains(f.allowed, kind) }

// drawn says whether this seed has to bear that kind.
func (f *faults) drawn(kind Fault) bool { return slices.Contains(f.mix, kind) }

// begin draws what this world has to bear, and when.
func (f *faults) begin() {
	for _, kind := range f.allowed {
		if kind != TwoClusters && f.w.k.Chance(0.5) {
			f.mix = append(f.mix, kind)
		}
	}
	if len(f.mix) == 0 {
		return
	}
	end := f.w.k.Now().Add(trouble - 2*time.Minute)
	var next func()
	next = func() {
		if f.w.k.Now().After(end) {
			return
		}
		f.strike(f.mix[f.w.k.Rand.IntN(len(f.mix))])
		f.w.k.After(nil, f.w.k.Between(10*time.Second, 4*time.Minute), next)
	}
	f.w.k.After(nil, f.w.k.Between(10*time.Second, 5*time.Minute), next)
}

// tell tells the story of a fault that is nobody's.
func (f *faults) tell(what string) { f.w.k.Trace.Tell(f.w.k.Now(), kernel.Fault, "world", what) }

// over tells that one has ended.
func (f *faults) over(what string) { f.w.k.Trace.Tell(f.w.k.Now(), kernel.Normal, "world", what) }

// until ends a fault after a time.
func (f *faults) until(low, high time.Duration, end func()) {
	f.w.k.After(nil, f.w.k.Between(low, high), end)
}

// someone draws an honest machine.
func (f *faults) someone() *Machine {
	o := f.w.owners[f.w.k.Rand.IntN(len(f.w.owners))]
	return o.machines[f.w.k.Rand.IntN(len(o.machines))]
}

// strike makes one thing go wrong.
func (f *faults) strike(kind Fault) {
	switch kind {
	case Network:
		f.network()
	case Partition:
		f.partition()
	case Crash:
		f.tell("power becomes unreliable")
		f.crash = 0.01
		f.until(20*time.Second, 2*time.Minute, func() { f.crash = 0; f.over("power is reliable again") })
	case Power:
		f.power()
	case StoreOutage:
		f.tell("the store stops answering")
		f.storeDown = true
		f.until(10*time.Second, 4*time.Minute, func() { f.storeDown = false; f.over("the store answers again") })
	case Unknown:
		f.tell("the store's answers get lost")
		f.unknown = 0.2
		f.until(30*time.Second, 4*time.Minute, func() { f.unknown = 0; f.over("the store's answers arrive again") })
	case KMSOutage:
		f.tell("the KMS stops answering")
		f.kmsDown = true
		f.until(10*time.Second, 4*time.Minute, func() { f.kmsDown = false; f.over("the KMS answers again") })
	case Clock:
		f.clock()
	case IO:
		f.tell("disks become unreliable")
		f.io = 0.3
		f.until(20*time.Second, 3*time.Minute, func() { f.io = 0; f.over("disks are reliable again") })
	default:
		f.strikeOn(kind, f.someone())
	}
}

// strikeOn is strike for what happens to one machine, or is done by people.
func (f *faults) strikeOn(kind Fault, m *Machine) {
	switch kind {
	case Hostile:
		switch f.w.k.Rand.IntN(4) {
		case 0:
			f.w.infra.insider(m)
		case 1:
			f.w.infra.misname(m, f.someone())
		default:
			f.w.infra.attack()
		}
	case Divert:
		f.w.infra.divert(m)
		f.until(time.Minute, 6*time.Minute, func() { delete(f.w.infra.diverted, m) })
	case Clone:
		if len(f.w.infra.clones) < 2 {
			f.w.infra.clone(m)
		}
	case OldDisk:
		if other := f.someone(); other != m && f.w.k.Chance(0.3) {
			f.w.infra.swap(m, other)
		} else if f.w.infra.kept[m] == nil {
			f.w.infra.keep(m)
		} else {
			f.w.infra.putBack(m)
		}
	case OldWord:
		f.tell("statements of yesterday are offered")
		f.w.infra.stale = true
		f.until(time.Minute, 6*time.Minute, func() { f.w.infra.stale = false })
	case Govern:
		f.govern(m)
	default:
	}
}

func (f *faults) network() {
	n, k := f.w.net, f.w.k
	f.tell("the network becomes bad")
	n.loss, n.late, n.twice = 0.4*k.Rand.Float64(), 0.2*k.Rand.Float64(), 0.3*k.Rand.Float64()
	f.until(30*time.Second, 5*time.Minute, func() { n.loss, n.late, n.twice, n.bad = 0, 0, 0, k.Now(); f.over("the network is good again") })
}

func (f *faults) partition() {
	cut := 0
	for _, m := range f.w.machines {
		if f.w.k.Chance(0.3) {
			m.island = 1
			cut++
		}
	}
	if cut == 0 {
		return
	}
	f.tell(fmt.Sprintf("the network falls apart: %d machines hear nobody but each other", cut))
	f.until(20*time.Second, 8*time.Minute, func() {
		f.w.net.bad = f.w.k.Now()
		for _, m := range f.w.machines {
			m.island = 0
		}
		f.over("the network is whole again")
	})
}

func (f *faults) power() {
	if f.w.k.Chance(0.15) {
		f.tell("power fails everywhere")
		for _, m := range f.w.machines {
			f.cycle(m)
		}
		return
	}
	f.cycle(f.someone())
}

// cycle switches a machine off and on.
func (f *faults) cycle(m *Machine) {
	if !m.on() || !m.honest {
		return
	}
	m.powerOff(kernel.Fault, "loses power")
	f.w.k.After(nil, f.w.k.Between(5*time.Second, 4*time.Minute), m.powerOn)
}

func (f *faults) clock() {
	m := f.someone()
	m.skew = f.w.k.Between(-5*time.Hour, 5*time.Hour)
	m.say(kernel.Fault, "has its clock moved by ", m.skew.Round(time.Minute).String())
	f.until(time.Minute, 10*time.Minute, func() { m.skew = 0 })
}

// govern has an owner say something.
func (f *faults) govern(m *Machine) {
	o := m.owner
	switch f.w.k.Rand.IntN(4) {
	case 0:
		if len(o.machines) > 2 && m.role == join.Worker {
			o.deny(m)
		}
	case 1:
		o.freeze(true)
		f.until(time.Minute, 5*time.Minute, func() { o.freeze(false) })
	default:
		o.restate()
	}
}

// calm ends all trouble. Whoever is off is switched on.
func (w *World) calm() {
	f := w.faults
	f.crash, f.unknown, f.storeDown, f.kmsDown, f.io = 0, 0, false, false, 0
	w.net.loss, w.net.late, w.net.twice, w.net.bad = 0, 0, 0, w.k.Now()
	w.infra.relent()
	w.k.Trace.Tell(w.k.Now(), kernel.Normal, "world", "nothing goes wrong any more")
	for _, m := range w.machines {
		m.island, m.skew = 0, 0
		if !m.scrapped {
			m.powerOn()
		}
	}
	for _, o := range w.owners {
		o.freeze(false)
	}
}
