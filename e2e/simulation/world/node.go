package world

import (
	"errors"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// node is the bootstrapper in one boot of a machine: the loop around
// lifecycle.Step, which carries the effects out.
type node struct {
	m     *Machine
	state lifecycle.State
	inbox []lifecycle.Event
	busy  bool

	search     int // the running search for JoinServices; another number ends it
	found      map[lifecycle.Mark]*Machine
	passphrase keys.Secret // of a disk that this boot formatted
	secrets    *secrets    // from a ticket, an init or a recovery
	stream     *initStream
	shares     [][]byte
	recovery   bool // recover sessions are accepted
	unlock     bool
	server     *server
	known      merkle.Head      // newest checkpoint that somebody who recovers the node knows
	wiping     bool             // the owner asked this boot to wipe the disk
	init       lifecycle.InitID // the first that this boot has accepted
	since      time.Time        // when it became a member
}

// secrets is what a node holds in memory, from whatever source, until it forgets.
type secrets struct {
	disk, seal  keys.Secret
	measurement keys.MeasurementSecret
	salt        keys.MeasurementSalt
	kek         keys.KEK // zero where the source gives none
	threshold   uint8
}

func newNode(m *Machine) *node {
	return &node{
		m: m, found: map[lifecycle.Mark]*Machine{},
		state: lifecycle.New(lifecycle.Node{
			Identity: m.identity(), Role: m.role, Owner: m.owner.id(), Serial: 1,
		}),
	}
}

// run is the first process of a boot.
func (n *node) run() { n.feed(lifecycle.Booted{Attempts: n.m.attempts}) }

// feed has an event handled after those that are waiting.
func (n *node) feed(e lifecycle.Event) {
	n.inbox = append(n.inbox, e)
	if n.busy {
		return
	}
	n.busy = true
	n.m.w.k.Go(n.m.life, n.drain)
}

func (n *node) drain() {
	for len(n.inbox) > 0 {
		e := n.inbox[0]
		n.inbox = n.inbox[1:]
		_ = n.step(e) // a refusal was told
	}
	n.busy = false
}

// offer is feed for events whose sender waits for the answer. What the event
// comes with is put in place before its effects, and taken back if it is refused.
func (n *node) offer(e lifecycle.Event, put func() (undo func())) error {
	for n.busy {
		n.m.w.k.Sleep(time.Millisecond)
	}
	n.busy = true
	undo := put()
	err := n.step(e)
	if err != nil {
		undo()
	}
	n.m.w.k.Go(n.m.life, n.drain)
	return err
}

// step hands an event to the machine and carries out what follows.
func (n *node) step(e lifecycle.Event) error {
	before := n.state
	next, effects, err := lifecycle.Step(before, e)
	n.m.w.judge.step(n.m, before, e, next, effects, err)
	if err != nil {
		n.refused(e, err)
		return err
	}
	n.state = next
	n.tellPhase(before)
	for _, f := range effects {
		n.m.pause()
		if err := n.carryOut(f); err != nil {
			n.m.say(kernel.Bad, "cannot ", lifecycle.EffectName(f), ": ", err.Error())
			n.inbox = append([]lifecycle.Event{lifecycle.Failed{What: lifecycle.EffectName(f)}}, n.inbox...)
			break
		}
	}
	return nil
}

// refused tells of what was turned down, but for what comes too late by nature.
func (n *node) refused(e lifecycle.Event, err error) {
	refusal := (*lifecycle.Refusal)(nil)
	if errors.As(err, &refusal) && refusal.Code != lifecycle.NothingUnderWay && refusal.Code != lifecycle.AlreadyMember {
		n.m.say(kernel.Bad, "turns down '", lifecycle.EventName(e), "': ", refusal.Code.Reason())
	}
}

func (n *node) tellPhase(before lifecycle.State) {
	if n.state.Phase == before.Phase {
		return
	}
	if n.state.Phase == lifecycle.Member {
		n.since = n.m.w.k.Now()
	}
	tone := kernel.Normal
	switch n.state.Phase {
	case lifecycle.Measured, lifecycle.Fresh: // what comes next says it
		return
	case lifecycle.Member:
		tone = kernel.Good
	case lifecycle.Withheld, lifecycle.Revoked, lifecycle.Damaged:
		tone = kernel.Bad
	default:
	}
	text := "is " + string(n.state.Phase)
	if n.state.Mark != (lifecycle.Mark{}) {
		text += " of " + n.m.w.clusterName(n.state.Mark.Cluster)
	}
	n.m.say(tone, text)
}

// member says whether the node is one, and of which cluster.
func (n *node) member() (lifecycle.Mark, bool) {
	return n.state.Mark, n.state.Phase == lifecycle.Member
}

// carryOut does what an effect says. What takes long goes on in a process of its
// own, which ends in an event.
func (n *node) carryOut(f lifecycle.Effect) error {
	switch f := f.(type) {
	case lifecycle.ExamineDisk:
		n.feed(n.m.disk.examine())
	case lifecycle.FormatDisk:
		return n.format()
	case lifecycle.Announce:
		n.announce(f)
	case lifecycle.LookForJoinService:
		n.look(f.After)
	case lifecycle.StopLooking:
		n.search++
	case lifecycle.OpenRecovery:
		n.recovery, n.unlock = true, f.Unlock
	case lifecycle.CloseRecovery:
		n.recovery, n.unlock = false, false
	case lifecycle.RequestTicket:
		n.m.w.k.Go(n.m.life, func() { n.requestTicket(f) })
	case lifecycle.Tell:
		n.m.say(kernel.Bad, "gives up: ", f.Code.Reason())
		n.stream.fail(f.Code.Reason())
	default:
		return n.carryOutMember(f)
	}
	return nil
}

// carryOutMember is carryOut for what comes with secrets.
func (n *node) carryOutMember(f lifecycle.Effect) error {
	switch f := f.(type) {
	case lifecycle.MakeSecret:
		n.makeSecret()
	case lifecycle.CombineShares:
		n.combineShares()
	case lifecycle.Forget:
		n.forget()
	case lifecycle.SetMark:
		n.setMark(f.Mark)
	case lifecycle.FoundCluster:
		n.m.w.k.Go(n.m.life, func() { n.foundCluster(f.Mark) })
	case lifecycle.SendDraft:
		n.m.w.k.Go(n.m.life, n.sendDraft)
	case lifecycle.SendResult:
		n.stream.finish()
	case lifecycle.StartStore:
		n.startStore(f)
	case lifecycle.RecordRecovery:
		n.m.w.k.Go(n.m.life, func() { n.recordRecovery(f) })
	default:
		return n.carryOutDisk(f)
	}
	return nil
}

// carryOutDisk is carryOut for disk, services and power.
func (n *node) carryOutDisk(f lifecycle.Effect) error {
	switch f := f.(type) {
	case lifecycle.ReplaceKeyslot:
		return n.replaceKeyslot()
	case lifecycle.WriteSeal:
		return n.writeSeal(f.Seal)
	case lifecycle.UpdateSeal:
		return n.updateSeal(f.Seal)
	case lifecycle.OpenDisk:
		return n.openDisk()
	case lifecycle.StartServices:
		n.startServices(f)
	case lifecycle.PauseServices:
		n.server.pause(true)
	case lifecycle.ResumeServices:
		n.server.pause(false)
	case lifecycle.StopServices:
		n.server = nil
	case lifecycle.WipeDisk:
		n.m.write(nil, "wipe")
		n.m.disk.copies = nil
	case lifecycle.Reboot:
		n.reboot(f)
	case lifecycle.PowerOff:
		n.m.powerOff(kernel.Normal, "powers off")
	}
	return nil
}

func (n *node) announce(f lifecycle.Announce) {
	switch f.Phase {
	case lifecycle.Damaged:
		n.m.say(kernel.Bad, "says that its disk is damaged: ", f.Damage)
	case lifecycle.Revoked:
		n.m.say(kernel.Bad, "says that it was revoked")
	default:
		n.m.say(kernel.Normal, "waits for an owner or a JoinService")
	}
}

// setMark extends the register.
func (n *node) setMark(mark lifecycle.Mark) {
	n.m.w.judge.marking(n.m, mark)
	n.m.tpm.mark = mark
	n.feed(lifecycle.Marked{Mark: mark})
}

func (n *node) forget() {
	n.shares, n.stream = nil, nil
	if n.server == nil {
		n.secrets = nil
	}
}

func (n *node) reboot(f lifecycle.Reboot) {
	n.m.attempts = f.Attempts
	n.m.w.k.After(nil, f.After+n.m.w.k.Between(5*time.Second, 20*time.Second), n.m.powerOn)
	n.m.powerOff(kernel.Normal, "reboots")
}

// isControlPlane says what the node is or would be.
func (n *node) isControlPlane() bool { return n.state.Role() == join.ControlPlane }
