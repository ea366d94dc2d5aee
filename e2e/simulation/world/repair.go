package world

import (
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// patience is how long administrators leave a machine alone after they did
// something about it.
const patience = 4 * time.Minute

// despair is after how long without getting in a machine is rebooted, whatever it
// says: nodes should not need it, so it is counted.
const despair = 40 * time.Minute

// repair has administrators do what the findings' remedies say: docs/findings.md.
func (o *proprietor) repair() {
	for _, m := range o.machines {
		if _, member := memberOf(m); member {
			m.outside = o.w.k.Now()
			continue
		}
		if !m.on() || o.w.k.Now().Sub(m.repaired) < patience || o.holding != nil && o.holding.denied[m.identity()] {
			continue
		}
		st, answered := call(o.w.net, o, m, 5*time.Second, m.status)
		if answered {
			o.follow(m, st)
		}
	}
}

// follow follows the remedy of what a machine was told last.
func (o *proprietor) follow(m *Machine, st status) {
	told := func(code policy.Code) bool { return slices.Contains(m.told, code) }
	switch {
	case st.phase == lifecycle.Member:
		m.outside = o.w.k.Now()
	case st.phase == lifecycle.Damaged && o.w.k.Chance(0.5):
		o.reboot(m)
	case st.phase == lifecycle.Damaged, st.phase == lifecycle.Sealed && o.w.infra.relented && (told(policy.CodeDiskMismatch) || o.abandoned(st.mark)):
		m.repaired = o.w.k.Now()
		o.say(kernel.Normal, "has the disk of ", m.name, " wiped")
		_ = o.session(m, func() error { return m.node.wipe(o, st.disk) })
	case told(policy.CodeNameMismatch) && o.w.infra.relented && o.recorded(m) != m.nodeName():
		m.repaired, m.alias = o.w.k.Now(), string(o.recorded(m))
		o.say(kernel.Normal, "gives ", m.name, " the name of its record")
	case told(policy.CodeNameTaken) && o.w.infra.relented:
		m.repaired, m.alias = o.w.k.Now(), m.name+"-again"
		o.say(kernel.Normal, "gives ", m.name, " another name")
	case told(policy.CodeBootMismatch):
		o.reboot(m)
	case o.w.k.Now().Sub(m.repaired) > despair && o.w.k.Now().Sub(m.outside) > despair:
		o.w.judge.counts.Nudges++
		o.reboot(m)
	}
}

// recorded returns the name that a machine has by its record, else the one that it
// is configured with.
func (o *proprietor) recorded(m *Machine) join.NodeName {
	if o.holding != nil {
		if r := o.w.judge.of(o.w.clusters[o.holding.mark.Cluster]).records[m.identity()]; r != nil {
			return r.Name
		}
	}
	return m.nodeName()
}

// abandoned says whether a disk is sealed for a cluster that an init founded and
// whose owner has another one by now.
func (o *proprietor) abandoned(mark lifecycle.Mark) bool {
	return o.holding != nil && mark != o.holding.mark && o.holdingOf(mark) != nil
}

// reboot is what an administrator does at the console.
func (o *proprietor) reboot(m *Machine) {
	m.repaired = o.w.k.Now()
	o.w.k.After(nil, o.w.k.Between(10*time.Second, 30*time.Second), m.powerOn)
	m.powerOff(kernel.Normal, "is rebooted by an administrator")
}
