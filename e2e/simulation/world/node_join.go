package world

import (
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// How long a node waits for others, in virtual time.
const (
	helloLimit   = 5 * time.Second
	ticketLimit  = time.Minute
	searchPause  = 4 * time.Second
	searchSpread = 4 * time.Second
)

// greeting is what a JoinService shows before it is asked for anything.
type greeting struct {
	*facts
	statement []byte
}

// look searches for JoinServices until the search is over.
func (n *node) look(after time.Duration) {
	n.search++
	running := n.search
	n.m.w.k.Go(n.m.life, func() {
		n.m.w.k.Sleep(after)
		lost := false
		for n.search == running {
			found := n.seek(running)
			if !found && !lost && n.search == running {
				n.feed(lifecycle.JoinServiceLost{})
			}
			lost = !found
			n.m.w.k.Sleep(searchPause + n.m.w.k.Between(0, searchSpread))
		}
	})
}

// seek greets every address that the infrastructure names, and says whether a
// JoinService was among them that a locked node could be waiting for.
func (n *node) seek(running int) bool {
	some := false
	for _, other := range n.m.w.discover(n.m) {
		g, answered := call(n.m.w.net, n.m, other, helloLimit, other.greet)
		if n.search != running {
			return true
		}
		if !answered || g == nil {
			continue
		}
		mark, serial, ok := n.proven(g)
		if !ok {
			continue
		}
		some = some || n.state.Disk.Seal == (lifecycle.Seal{}) || mark == n.state.Disk.Seal.Mark
		n.found[mark] = other
		n.feed(lifecycle.JoinServiceFound{Mark: mark, Serial: serial, Request: join.RequestID(n.m.w.bytes(join.RequestIDSize))})
	}
	return some
}

// proven holds a greeting against the statement that came with it, as attested
// TLS does at a joiner's end.
func (n *node) proven(g *greeting) (mark lifecycle.Mark, serial uint64, ok bool) {
	mark = g.mark
	st := n.m.w.openStatement(g.statement, owner.Anchor{Owner: mark.Owner, Cluster: mark.Cluster}, n.m.now())
	if st == nil {
		return mark, 0, false
	}
	verdict := policy.Session{}.MarkedFor(mark.Cluster, mark.Owner).Appraise(g.claims, st.policy, n.m.now())
	if !verdict.Admitted {
		n.m.say(kernel.Bad, "does not believe ", g.machine.name, ": ", codes(verdict.Findings))
	}
	return mark, st.statement.Serial, verdict.Admitted
}

// greet answers at a JoinService's end.
func (m *Machine) greet() *greeting {
	s := m.node.server
	if s == nil || !s.serving() {
		return nil
	}
	return &greeting{facts: m.facts(), statement: m.w.infra.statement(s)}
}

// requestTicket asks the JoinService that was found.
func (n *node) requestTicket(f lifecycle.RequestTicket) {
	target := n.found[f.From]
	request := n.wish(f)
	n.m.say(kernel.Normal, "asks ", target.name, " for a ticket to ", string(f.Kind), " as ", n.wishName(request))
	client := n.m.facts()
	reply, answered := call(n.m.w.net, n.m, target, ticketLimit, func() *ticketReply { return target.issue(client, request) })
	switch {
	case !answered || reply == nil:
		n.feed(lifecycle.JoinServiceLost{})
	case reply.grant == nil:
		n.m.told = reply.codes
		n.feed(lifecycle.TicketRefused{Request: f.Request, Why: reply.why, After: reply.after})
	default:
		n.receive(f, request, reply)
	}
}

// wish is what the node asks for. Only a hostile one lies.
func (n *node) wish(f lifecycle.RequestTicket) *join.Request {
	r := &join.Request{ID: f.Request, Kind: f.Kind, Disk: f.Disk}
	if f.Kind == join.FirstJoin {
		r.Name, r.Role = n.m.nodeName(), n.m.role
	}
	r.Services = serviceKeys(n.m, r)
	return r
}

func (n *node) wishName(r *join.Request) string {
	if r.Kind == join.Rejoin {
		return "what its record says"
	}
	return string(r.Name) + ", " + string(r.Role)
}

// receive holds a ticket in memory, and says where it leads.
func (n *node) receive(f lifecycle.RequestTicket, request *join.Request, reply *ticketReply) {
	t := reply.grant
	n.m.w.judge.granted(n.m, reply.master, t)
	if n.state.Request != f.Request || n.state.Stage != lifecycle.Asking {
		return // it comes too late, and is forgotten
	}
	if err := t.Check(request, f.From.Cluster, f.From.Owner, n.m.now()); err != nil {
		n.m.say(kernel.Bad, "does not take the ticket: ", err.Error())
		n.feed(lifecycle.Failed{What: "checking the ticket"})
		return
	}
	cluster, err := t.MeasurementSecret.ClusterID(t.MeasurementSalt)
	n.m.w.must(err)
	n.secrets = &secrets{disk: t.DiskKey, seal: t.SealKey, measurement: t.MeasurementSecret, salt: t.MeasurementSalt, threshold: threshold}
	if t.ControlPlane != nil {
		n.secrets.kek = t.ControlPlane.KEK
	}
	n.feed(lifecycle.TicketReceived{
		Request: t.Request,
		Derived: lifecycle.Mark{Cluster: cluster, Owner: t.Owner},
		Fits:    t.Kind == join.FirstJoin || n.m.disk.fits(t.DiskKey, t.SealKey),
	})
}

// startServices brings up what the role runs, and tells the cluster that it is up.
func (n *node) startServices(f lifecycle.StartServices) {
	if f.Role == join.ControlPlane && n.server == nil {
		n.server = newServer(n, n.m.w.clusters[n.state.Mark.Cluster])
	}
	n.m.w.k.Go(n.m.life, func() {
		n.m.w.k.Sleep(n.m.w.k.Between(time.Second, 10*time.Second))
		if s := n.server; s != nil {
			s.start()
		}
		n.feed(lifecycle.ServicesStarted{Start: f.Start})
		n.reportUp()
	})
}

// reportUp tells a control-plane node that this one is up, until one has heard it.
func (n *node) reportUp() {
	id := n.m.identity()
	for range 20 {
		for _, other := range n.m.w.discover(n.m) {
			done, answered := call(n.m.w.net, n.m, other, helloLimit, func() bool {
				return other.finished(id, n.state.Mark)
			})
			if answered && done {
				return
			}
		}
		n.m.w.k.Sleep(10 * time.Second)
	}
}

// copySecret returns a secret with bytes of its own.
func copySecret(b []byte) keys.Secret { return keys.NewSecret(append([]byte{}, b...)) }
