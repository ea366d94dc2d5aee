package world

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/authority/authoritytest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// proprietor is an owner with the laptop that holds the keys: who founds a
// cluster, lets nodes in, keeps them out and brings the cluster back.
type proprietor struct {
	w        *World
	name     string
	seed     string // of the keys: two clusters may have one owner
	life     *kernel.Life
	speaks   *authoritytest.Author // before there is a cluster
	machines []*Machine            // that are meant for the cluster
	holdings []*holding            // what inits may have made
	holding  *holding              // of the cluster that there is
	inits    map[*Machine]lifecycle.InitID
	flushing bool
	rescues  int // since a JoinService has answered last
	silent   int // rounds in a row in which no JoinService answered
}

// holding is what an owner has of one cluster.
type holding struct {
	*draft
	speaks  *authoritytest.Author
	queue   [][]byte    // directives that were signed and not yet accepted
	newest  merkle.Head // of the ledger, as a checkpoint said that verifies
	granted map[join.Identity]join.Role
	denied  map[join.Identity]bool
	frozen  bool
	founder join.Identity
}

// founding is what an owner signs for a new cluster.
type founding struct {
	statement, policy, joinPolicy []byte
	serial                        uint64
}

// newOwner makes an owner, who may be the one before with another cluster.
func (w *World) newOwner(index int) *proprietor {
	name := "owner"
	if index > 0 {
		name = fmt.Sprintf("owner%d", index+1)
	}
	o := &proprietor{w: w, name: name, seed: name, life: w.k.NewLife(), inits: map[*Machine]lifecycle.InitID{}}
	if index > 0 && w.k.Chance(0.5) {
		o.seed = w.owners[0].seed
	}
	o.speaks = authoritytest.New(w, authoritytest.Config{Seed: o.seed, Keys: 1, Threshold: 1})
	return o
}

func (o *proprietor) id() keys.OwnerID { return o.speaks.Owner() }

// where implements host: the laptop is on, and never on an island.
func (o *proprietor) where() (*kernel.Life, int) { return o.life, 0 }

func (o *proprietor) say(tone kernel.Tone, parts ...string) {
	o.w.k.Trace.Tell(o.w.k.Now(), tone, o.name, parts...)
}

// sign is the owner's end of a draft: it compares it with what was asked for, and
// signs statement, policies and the list of who may join.
func (o *proprietor) sign(d *draft, by join.Identity) *founding {
	for _, known := range o.holdings {
		if known.mark == d.mark {
			return nil // asked twice
		}
	}
	h := &holding{
		draft: d, founder: by, granted: map[join.Identity]join.Role{}, denied: map[join.Identity]bool{},
		speaks: authoritytest.New(o.w, authoritytest.Config{
			Seed: o.seed, Cluster: d.mark.Cluster, Keys: 1, Threshold: 1, Now: o.w.k.Now,
		}),
	}
	o.holdings = append(o.holdings, h)
	f := &founding{serial: 1}
	f.statement = h.restated()
	f.policy = h.speaks.Policy(lean)
	f.joinPolicy = h.speaks.JoinPolicy(*o.joinPolicy(h))
	o.say(kernel.Normal, "signs the statement of a new cluster")
	return f
}

// restated is the next statement: about the one platform that there is here.
func (h *holding) restated() []byte {
	return h.speaks.Statement(func(s *owner.Statement) {
		s.LedgerKey, s.SNP = h.ledger, nil
		s.Releases[0].References = onPlatform(s.Releases[0].References)
	})
}

// lean is the policy that goes with it.
func lean(d *policy.Document) {
	d.Platforms, d.SNP = []evidence.Platform{platform}, nil
	d.Releases[0].References = onPlatform(d.Releases[0].References)
}

func onPlatform(all []policy.Reference) []policy.Reference {
	return slices.DeleteFunc(all, func(r policy.Reference) bool { return r.Platform != platform })
}

// joinPolicy lists most workers. The others, and control-plane nodes, need an
// approval.
func (o *proprietor) joinPolicy(h *holding) *join.Policy {
	p := join.Default()
	for _, m := range o.machines {
		if m.role == join.Worker || o.w.k.Chance(0.3) {
			p.Listed = append(p.Listed, join.Listed{Identity: m.identity(), Roles: []join.Role{m.role}})
			h.granted[m.identity()] = m.role
		}
	}
	slices.SortFunc(p.Listed, func(a, b join.Listed) int { return a.Identity.Compare(b.Identity) })
	return p
}

// run is what the owner does all day.
func (o *proprietor) run() {
	for {
		o.w.k.Sleep(o.w.k.Between(10*time.Second, 30*time.Second))
		if o.holding == nil {
			o.found()
			o.repair()
			continue
		}
		o.govern()
		o.rescue()
		o.repair()
		o.w.k.Sleep(30 * time.Second)
	}
}

// found initialises a machine, or finds out that one founded a cluster before
// whose result never arrived. It founds none while a machine does not answer.
func (o *proprietor) found() {
	var fresh []*Machine
	for _, m := range o.machines {
		if m.role != join.ControlPlane {
			continue
		}
		st, answered := call(o.w.net, o, m, 5*time.Second, m.status)
		if h := o.holdingOf(st.mark); h != nil && st.sealed {
			o.adopt(h)
			return
		}
		if !answered {
			return
		}
		if st.phase == lifecycle.Fresh {
			fresh = append(fresh, m)
		}
	}
	if len(fresh) > 0 {
		o.tryInit(fresh[o.w.k.Rand.IntN(len(fresh))])
	}
}

func (o *proprietor) holdingOf(mark lifecycle.Mark) *holding {
	for _, h := range o.holdings {
		if h.mark == mark {
			return h
		}
	}
	return nil
}

func (o *proprietor) adopt(h *holding) {
	o.holding = h
	o.w.clusters[h.mark.Cluster].adopted = true
	o.say(kernel.Good, "has a cluster: ", o.w.clusterName(h.mark.Cluster))
}

// initOf is the request that the owner's tool sends to a machine: the same until
// it has worked, unless somebody types it anew.
func (o *proprietor) initOf(m *Machine) lifecycle.InitID {
	if o.inits[m] == (lifecycle.InitID{}) || o.w.faults.drawn(Govern) && o.w.k.Chance(0.5) {
		o.inits[m] = sha256.Sum256(o.w.bytes(16))
	}
	return o.inits[m]
}

// tryInit asks a machine to found a cluster, and waits for what comes of it.
func (o *proprietor) tryInit(m *Machine) {
	stream := &initStream{id: o.initOf(m), owner: o, result: kernel.NewAnswer[string](o.w.k)}
	o.say(kernel.Normal, "asks ", m.name, " to found a cluster")
	err, answered := call(o.w.net, o, m, 10*time.Second, func() error { return m.node.acceptInit(stream) })
	if answered && err != nil {
		o.say(kernel.Bad, "is turned down by ", m.name, ": ", err.Error())
		if refusal := (*lifecycle.Refusal)(nil); errors.As(err, &refusal) && refusal.Code == lifecycle.OneInitPerBoot {
			o.reboot(m)
		}
		return
	}
	limit := 3 * time.Minute
	if o.w.faults.drawn(Govern) && o.w.k.Chance(0.3) {
		limit = o.w.k.Between(0, 3*time.Second) // somebody presses Ctrl-C
	}
	why, answered := stream.result.Wait(limit)
	switch {
	case answered && why == "":
		o.adopt(o.holdingOf(stream.draft.mark))
	case answered:
		o.say(kernel.Bad, "sees the init fail: ", why)
	default:
		o.say(kernel.Bad, "hears no more of the init")
		o.w.net.send(o, m, func() { m.node.feed(lifecycle.InitStreamBroken{}) })
	}
}

// govern brings to the cluster what was signed, and approves who may be approved.
func (o *proprietor) govern() {
	s := o.service()
	if s == nil {
		o.silent++
		return
	}
	o.silent, o.rescues = 0, 0
	o.remember(s)
	if len(o.holding.queue) == 0 {
		o.approveWaiting(s)
	}
	o.flush(s)
}

// flush brings directives to the cluster, in the order in which they were signed.
func (o *proprietor) flush(s *server) {
	if o.flushing {
		return
	}
	o.flushing = true
	defer func() { o.flushing = false }()
	for len(o.holding.queue) > 0 {
		directive := o.holding.queue[0]
		ok, answered := call(o.w.net, o, s.n.m, 30*time.Second, func() bool { return s.submit(directive) })
		if !answered || !ok {
			return
		}
		o.holding.queue = o.holding.queue[1:]
	}
}

// race has the owner revoke a machine at the moment at which it gets its ticket.
func (o *proprietor) race(m *Machine, s *server) {
	if o.holding == nil || s.c.mark != o.holding.mark {
		return
	}
	o.w.k.Go(o.life, func() {
		o.w.k.Sleep(o.w.k.Between(0, 10*time.Millisecond))
		o.deny(m)
		o.flush(s)
	})
}

// service finds a JoinService that answers.
func (o *proprietor) service() *server {
	for _, m := range o.machines {
		serving, answered := call(o.w.net, o, m, 3*time.Second, func() bool {
			s := m.node.server
			return s != nil && s.serving() && s.c.mark == o.holding.mark
		})
		if answered && serving && m.on() {
			return m.node.server
		}
	}
	return nil
}

// approveWaiting approves machines that are the owner's and wait.
func (o *proprietor) approveWaiting(s *server) {
	waiting, answered := call(o.w.net, o, s.n.m, 10*time.Second, s.waiting)
	if !answered {
		return
	}
	for _, candidate := range waiting {
		i := slices.IndexFunc(o.machines, func(m *Machine) bool { return m.identity() == candidate.Identity })
		if i < 0 || o.machines[i].role != candidate.Role || o.holding.denied[candidate.Identity] {
			o.say(kernel.Normal, "leaves ", o.w.nameOf(candidate.Identity), " waiting")
			continue
		}
		o.approve(candidate.Identity, candidate.Role)
	}
}

func (o *proprietor) approve(id join.Identity, role join.Role) {
	o.say(kernel.Normal, "approves ", o.w.nameOf(id), " as ", string(role))
	speaker := o.holding.speaks
	if o.w.k.Chance(0.5) {
		speaker = speaker.By("platform")
	}
	o.holding.granted[id] = role
	o.holding.queue = append(o.holding.queue, speaker.Approve(id, role, func(d *authority.Directive) {
		d.Expires = d.Issued.Add(24 * time.Hour)
	}))
}

// deny keeps a machine out for good.
func (o *proprietor) deny(m *Machine) {
	if o.holding == nil || o.holding.denied[m.identity()] {
		return
	}
	o.say(kernel.Normal, "revokes ", m.name)
	o.holding.denied[m.identity()] = true
	o.holding.queue = append(o.holding.queue, o.holding.speaks.Deny(m.identity(), "lost"))
}

// freeze stops first joins, or lets them go on.
func (o *proprietor) freeze(frozen bool) {
	if o.holding == nil || o.holding.frozen == frozen {
		return
	}
	o.holding.frozen = frozen
	if frozen {
		o.say(kernel.Normal, "freezes the cluster")
		o.holding.queue = append(o.holding.queue, o.holding.speaks.Freeze())
	} else {
		o.say(kernel.Normal, "thaws the cluster")
		o.holding.queue = append(o.holding.queue, o.holding.speaks.Thaw())
	}
}

// restate signs the next statement, which is as the one before.
func (o *proprietor) restate() {
	if h := o.holding; h != nil {
		o.say(kernel.Normal, "signs the next statement")
		h.queue = append(h.queue, h.restated())
	}
}

// remember keeps the newest checkpoint, against which disks are held later.
func (o *proprietor) remember(s *server) {
	signed, answered := call(o.w.net, o, s.n.m, 5*time.Second, s.checkpoint)
	if !answered || signed == nil {
		return
	}
	h := o.holding
	c, err := ledger.OpenCheckpoint(signed, ledger.Origin(h.mark.Cluster), h.ledger, nil, 0)
	if err != nil {
		o.w.judge.broken(LedgerWhole, o.name, " is shown a checkpoint that does not verify: ", err)
		return
	}
	h.newest = newer(h.newest, c.Head)
}

// rescue recovers a cluster of which no JoinService has answered for long, on one
// control-plane node after the other.
func (o *proprietor) rescue() {
	const rounds = 3
	if o.silent < rounds {
		return
	}
	for range o.machines {
		o.rescues++
		m := o.machines[o.rescues%len(o.machines)]
		if m.role == join.ControlPlane && o.recover(m) == nil {
			o.silent = 1
			return
		}
	}
}

// wanted is the checkpoint that a disk has to lead to. When nothing else helps, and
// the right disks are where they belong, an owner does without.
func (o *proprietor) wanted() merkle.Head {
	const last = 40
	if o.rescues > last && o.w.infra.relented {
		o.say(kernel.Normal, "gives up what was in the ledger since")
		return merkle.Head{}
	}
	return o.holding.newest
}

var errNoAnswer = errors.New("no answer")

func (o *proprietor) recover(m *Machine) error {
	h := o.holding
	st, answered := call(o.w.net, o, m, 5*time.Second, m.status)
	if !answered || st.phase != lifecycle.Sealed && st.phase != lifecycle.Recovering || st.mark != h.mark {
		return errNoAnswer
	}
	known := o.wanted()
	if o.w.k.Chance(0.5) {
		o.say(kernel.Normal, "offers ", m.name, " the master secret")
		return o.session(m, func() error { return m.node.offerSecret(o, h.master, known) })
	}
	o.say(kernel.Normal, "has two holders offer ", m.name, " their shares")
	for index := range uint8(threshold) {
		if err := o.session(m, func() error { return m.node.offerShare(index, h.master, known) }); err != nil {
			return err
		}
	}
	return nil
}

// session is a recover session with one request.
func (o *proprietor) session(m *Machine, request func() error) error {
	err, answered := call(o.w.net, o, m, 10*time.Second, request)
	if !answered {
		return errNoAnswer
	}
	if err != nil {
		o.say(kernel.Bad, "is turned down by ", m.name, ": ", err.Error())
	}
	return err
}
