package world

import (
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// attack has a machine that nobody let in ask for a ticket, and lie about
// everything but what its TPM says.
func (i *infrastructure) attack() {
	w := i.w
	if len(i.hostile) == 0 || len(w.order) == 0 {
		return
	}
	m := i.hostile[w.k.Rand.IntN(len(i.hostile))]
	if !m.on() {
		m.life = w.k.NewLife()
		m.boots++
		m.tpm.reset(m.name, m.boots)
		m.node = newNode(m)
	}
	w.k.Go(m.life, func() { i.askFalsely(m) })
}

func (i *infrastructure) askFalsely(m *Machine) {
	w := i.w
	victim := w.owners[w.k.Rand.IntN(len(w.owners))].machines[0]
	if all := victim.owner.machines; len(all) > 1 {
		victim = all[w.k.Rand.IntN(len(all))]
	}
	r, lie := i.lie(m, victim)
	m.say(kernel.Fault, lie)
	for _, target := range victim.owner.machines {
		if target.role != join.ControlPlane || !target.on() {
			continue
		}
		f := m.facts()
		reply, answered := call(w.net, m, target, ticketLimit, func() *ticketReply { return target.issue(f, r) })
		if answered && reply != nil {
			if reply.grant != nil {
				w.judge.granted(m, target, reply.grant)
			}
			return
		}
	}
}

// lie makes a request, and says for the story what is false about it.
func (i *infrastructure) lie(m, victim *Machine) (*join.Request, string) {
	w := i.w
	r := &join.Request{
		ID: join.RequestID(w.bytes(join.RequestIDSize)), Kind: join.FirstJoin, Disk: m.disk.uuid, Name: m.nodeName(), Role: join.Worker,
		Services: serviceKeys(m, nil),
	}
	switch w.k.Rand.IntN(6) {
	case 0:
		r.Name = victim.nodeName()
		return r, "asks for the name of " + victim.name
	case 1:
		r.Disk = victim.disk.uuid
		return r, "asks for the disk of " + victim.name
	case 2:
		r.Role = join.ControlPlane
		return r, "asks to be a control-plane node"
	case 3:
		if len(i.heard) > 0 {
			r.ID = i.heard[w.k.Rand.IntN(len(i.heard))].ID
		}
		return r, "replays the ID of somebody else's request"
	case 4:
		m.tpm.mark = lifecycle.Mark{Cluster: w.order[0].mark.Cluster, Owner: w.order[0].mark.Owner}
		return r, "asks with a register that is marked already"
	default:
		*r = join.Request{ID: r.ID, Kind: join.Rejoin, Disk: victim.disk.uuid, Services: r.Services}
		return r, "claims to come back with the disk of " + victim.name
	}
}

// insider has a member's machine ask for more than is its own.
func (i *infrastructure) insider(m *Machine) {
	w := i.w
	if !m.on() {
		return
	}
	w.k.Go(m.life, func() {
		peers := slices.DeleteFunc(slices.Clone(m.owner.machines), func(o *Machine) bool { return o == m })
		if len(peers) == 0 {
			return
		}
		victim := peers[w.k.Rand.IntN(len(peers))]
		r := &join.Request{
			ID: join.RequestID(w.bytes(join.RequestIDSize)), Kind: join.FirstJoin, Disk: victim.disk.uuid, Name: victim.nodeName(),
			Role: join.ControlPlane, Services: serviceKeys(m, nil),
		}
		m.say(kernel.Fault, "asks for name and disk of ", victim.name, ", and to be a control-plane node")
		for _, target := range w.discover(m) {
			f := m.facts()
			reply, answered := call(w.net, m, target, time.Minute, func() *ticketReply { return target.issue(f, r) })
			if answered && reply != nil && reply.grant != nil {
				w.judge.granted(m, target, reply.grant)
			}
		}
	})
}
