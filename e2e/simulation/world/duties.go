package world

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
	"github.com/asterism-k8s/asterism/usecases/joining"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// interval is how often a member is asked to attest again.
const interval = 8 * time.Minute

// round is how often a JoinService looks after its duties, more or less.
const round = 4 * time.Minute

// start begins to serve.
func (s *server) start() {
	s.started = true
	w := s.n.m.w
	w.k.Go(s.n.m.life, s.listen)
	w.k.Go(s.n.m.life, s.reattest)
	w.k.Go(s.n.m.life, s.keepLedger)
}

// listen follows what the owner says.
func (s *server) listen() {
	for {
		_, _, err := s.authority.Load(s.n.m.w.within(10 * time.Second))
		if err != nil {
			s.n.m.w.judge.failed(s.n.m, err)
		}
		s.n.m.w.k.Sleep(s.n.m.w.k.Between(round/3, round))
	}
}

// leads says whether this is the JoinService that re-attests: the first of those
// that serve.
func (s *server) leads() bool {
	for _, m := range s.n.m.w.machines {
		if m.on() && m.node.server != nil && m.node.server.c == s.c && m.node.server.serving() && m.island == s.n.m.island {
			return m.node.server == s
		}
	}
	return false
}

// reattest asks members to attest again, and writes down what that shows.
func (s *server) reattest() {
	w := s.n.m.w
	for {
		w.k.Sleep(w.k.Between(round*3/4, round*5/4))
		if !s.leads() {
			continue
		}
		due, err := s.reattester.Due(w.within(30*time.Second), interval)
		if err != nil {
			w.judge.failed(s.n.m, err)
			continue
		}
		for _, r := range due {
			s.ask(r)
		}
		s.tellRevoked()
		if err := s.refusals.Flush(w.within(30 * time.Second)); err != nil {
			w.judge.failed(s.n.m, err)
		}
	}
}

// ask asks the machine of a record to attest, and tells it what that has shown.
func (s *server) ask(r *join.Record) {
	w := s.n.m.w
	shown, from := s.question(r)
	o := joining.Observation{}
	if shown != nil {
		verdict, serial, err := s.judge(shown)
		if err != nil {
			w.judge.failed(s.n.m, err)
			return
		}
		o = joining.Observation{Candidate: candidate(shown, nil, verdict, serial), Evidence: shown.evidence}
	}
	d, err := s.reattester.Observe(w.within(30*time.Second), r.Identity, o)
	if err != nil {
		w.judge.failed(s.n.m, err)
		return
	}
	if d.Record != nil && d.Record.State != r.State {
		s.n.m.say(kernel.Bad, "finds ", w.nameOf(r.Identity), " ", string(d.Record.State), ": ", codes(d.Findings))
	}
	if from != nil {
		passed := d.Outcome == join.Admitted
		w.net.send(s.n.m, from, func() { from.hear(s.c, &word{s.seen.SignedStatement(), s.newest, passed, d.Codes()}) })
	}
}

// question asks each machine that has the keys of the identity.
func (s *server) question(r *join.Record) (*facts, *Machine) {
	w := s.n.m.w
	for _, m := range w.machinesOf(r.Identity) {
		f, answered := call(w.net, s.n.m, m, 5*time.Second, m.attest)
		if answered && f != nil && f.mark == s.c.mark {
			return f, m
		}
	}
	return nil, nil
}

// tellRevoked tells machines that the owner denied, and that still run as members.
func (s *server) tellRevoked() {
	w := s.n.m.w
	for _, m := range w.machines {
		if _, denied := s.seen.StandingOn(m.identity()).Denied(m.identity()); denied && m.on() && m.tpm.mark == s.c.mark {
			w.net.send(s.n.m, m, func() {
				m.hear(s.c, &word{s.seen.SignedStatement(), s.newest, false, []policy.Code{policy.CodeNodeRevoked}})
			})
		}
	}
}

func (s *server) judge(f *facts) (policy.Verdict, uint64, error) {
	said, _, err := s.authority.Load(s.n.m.w.within(10 * time.Second))
	if err != nil {
		return policy.Verdict{}, 0, err
	}
	inForce, err := said.Policy()
	if err != nil {
		return policy.Verdict{}, 0, err
	}
	return policy.Session{}.MarkedFor(s.c.mark.Cluster, s.c.mark.Owner).Appraise(f.claims, inForce, s.n.m.now()), inForce.Serial(), nil
}

// attest is a member's end of a question whether it lives.
func (m *Machine) attest() *facts {
	if _, member := m.node.member(); !member && m.node.state.Phase != lifecycle.Withheld {
		return nil
	}
	return m.facts()
}

// word is what a JoinService tells a member that it has asked.
type word struct {
	statement []byte
	newest    merkle.Head // of the ledger, as signed
	passed    bool
	found     []policy.Code
}

// hear is a member's end of what its re-attestation has shown.
func (m *Machine) hear(c *cluster, w *word) {
	n := m.node
	if n.state.Mark != c.mark || n.state.Phase == lifecycle.Revoked {
		return
	}
	if slices.Contains(w.found, policy.CodeNodeRevoked) { // also on its way in
		n.feed(lifecycle.RevokedByOwner{})
		return
	}
	if n.state.Phase != lifecycle.Member && n.state.Phase != lifecycle.Withheld {
		return
	}
	m.told = w.found
	n.feed(lifecycle.Reattested{Passed: w.passed})
	known := n.state.Disk.Seal
	st := m.w.openStatement(w.statement, owner.Anchor{Owner: c.mark.Owner, Cluster: c.mark.Cluster}, m.now())
	if st == nil || st.statement.Serial < known.Serial || w.newest.Size < known.Checkpoint.Size {
		return // somebody who is behind
	}
	n.feed(lifecycle.StatementSeen{Serial: st.statement.Serial, Checkpoint: w.newest})
}

// keepLedger mirrors the ledger, has checkpoints signed, and lets the store forget
// what every live control-plane node has.
func (s *server) keepLedger() {
	w := s.n.m.w
	for {
		w.k.Sleep(w.k.Between(round/2, 2*round))
		if err := s.keep(w.within(30 * time.Second)); err != nil {
			w.judge.failed(s.n.m, err)
		}
	}
}

// keep copies what is new of the ledger, has it signed, and trims what all have.
func (s *server) keep(ctx context.Context) error {
	head, err := s.mirror.Catch(ctx)
	if err != nil || !s.leads() {
		return err
	}
	if head != s.newest {
		if err := s.publish(ctx); err != nil {
			return err
		}
	}
	_, err = s.mirror.Trim(ctx, s.c.controlPlane(s.n.m.w))
	return err
}

func (s *server) publish(ctx context.Context) error {
	key, err := s.signer.PublicKey(ctx)
	if err != nil {
		return err
	}
	publisher, err := sequencing.NewPublisher(sequencing.PublisherConfig{
		Store: s.store, Tiles: s.n.m.tiles(s.c), Signer: s.signer, Origin: ledger.Origin(s.c.mark.Cluster), Key: key,
	})
	if err != nil {
		return err
	}
	checkpoint, err := publisher.Publish(ctx)
	if err == nil && checkpoint != nil {
		s.newest = checkpoint.Head
	}
	return err
}

// controlPlane returns the control-plane nodes that hold, or will want, the ledger.
func (c *cluster) controlPlane(w *World) []join.Identity {
	var ids []join.Identity
	for _, m := range w.machines {
		if se := m.disk.readSeal(); se != nil && se.Cluster == c.mark.Cluster && se.Role == join.ControlPlane && !slices.Contains(ids, m.identity()) {
			ids = append(ids, m.identity())
		}
	}
	return ids
}

// tiles returns the copy of a cluster's ledger on the machine's disk.
func (m *Machine) tiles(c *cluster) *porttest.MemoryTiles {
	m.disk.in = m
	return m.disk.ledger(c.mark.Cluster)
}

// otherTiles reads from whichever other control-plane node has a tile.
type otherTiles struct{ s *server }

// ReadTile implements sequencing.Source.
func (o *otherTiles) ReadTile(ctx context.Context, path string) ([]byte, error) {
	m := o.s.n.m
	for _, other := range m.w.machines {
		if other == m || other.disk.copies[o.s.c.mark.Cluster] == nil {
			continue
		}
		content, answered := call(m.w.net, m, other, 2*time.Second, func() []byte {
			if _, member := other.node.member(); !member {
				return nil
			}
			content, err := other.tiles(o.s.c).ReadTile(ctx, path)
			if err != nil {
				return nil
			}
			return content
		})
		if answered && content != nil {
			return content, nil
		}
	}
	return nil, errors.Join(ports.ErrNoFile, errNoAnswer)
}

// bootOf is how records name the boot that the facts are of.
func bootOf(f *facts) join.Boot {
	return join.Boot{
		ResetCount: f.claims.TPM.ResetCount, RestartCount: f.claims.TPM.RestartCount, AK: measurement.Sum(measurement.SHA256, f.ak),
	}
}

// newestHead is the ledger's head as the store has it, read past all faults.
func (c *cluster) newestHead() merkle.Head {
	item, err := c.store.Get(context.Background(), ports.Key{Collection: ports.Heads, Name: "ledger"})
	if err != nil {
		return merkle.Head{}
	}
	head, err := ledger.DecodeHead(item.Value)
	if err != nil {
		return merkle.Head{}
	}
	return head.Tree()
}
