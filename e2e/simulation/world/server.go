package world

import (
	"context"
	"time"

	"github.com/asterism-k8s/asterism/domain/authority"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/lifecycle"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
	"github.com/asterism-k8s/asterism/usecases/governing"
	"github.com/asterism-k8s/asterism/usecases/joining"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// cluster is what the control-plane nodes of one cluster share, and what outlives
// them.
type cluster struct {
	name    string
	mark    lifecycle.Mark
	owner   *proprietor
	adopted bool // its owner knows of it
	store   *memstore.Store
	blobs   map[[32]byte][]byte
	tokens  map[string]join.Identity // that Kubernetes accepts, and for whom
}

// server is what a control-plane node runs: JoinService, KMS and what keeps the
// ledger. It lives as long as the boot.
type server struct {
	n       *node
	c       *cluster
	store   ports.Store
	paused  bool
	started bool
	seen    *authority.Authority // as last loaded
	newest  merkle.Head          // checkpoint that this server has seen signed

	recorder   *recorder
	authority  *author
	governor   *governing.Governor
	tickets    *joining.Tickets
	reattester *joining.Reattester
	recoverer  *joining.Recoverer
	nodes      *joining.Nodes
	refusals   *joining.Refusals
	signer     *sequencing.Signer
	mirror     *sequencing.Mirror
}

// newServer wires the use cases for one boot.
func newServer(n *node, c *cluster) *server {
	s := &server{n: n, c: c, store: &client{m: n.m, c: c}}
	w, now := n.m.w, n.m.now
	sequencer, err := sequencing.New(sequencing.Config{Store: s.store, Now: now, Random: w.random, By: n.m.identity().String()})
	w.must(err)
	s.recorder = &recorder{s, sequencer, kernel.NewLock(w.k)}
	s.governor, err = governing.New(governing.Config{
		Store: s.store, Recorder: s.recorder, Owner: c.mark.Owner, Cluster: c.mark.Cluster, Now: now,
	})
	w.must(err)
	s.authority = &author{s, kernel.NewLock(w.k)}
	s.wireTickets()
	s.wireLedger()
	return s
}

func (s *server) wireTickets() {
	w, now := s.n.m.w, s.n.m.now
	var err error
	s.refusals, err = joining.NewRefusals(joining.RefusalsConfig{Store: s.store, Recorder: s.recorder, Now: now})
	w.must(err)
	releaser, err := joining.NewReleaser(joining.ReleaserConfig{
		Store: s.store, Authority: s.authority, Recorder: s.recorder, Keys: &keyManager{s}, Roots: &keyManager{s}, Now: now,
	})
	w.must(err)
	s.tickets, err = joining.NewTickets(joining.TicketsConfig{
		Store: s.store, Authority: s.authority, Recorder: s.recorder, Evidence: &blobPort{s}, Keys: releaser.For(joining.JoinService),
		Minter: &minter{s}, Prober: &prober{s}, Refusals: s.refusals, Now: now,
	})
	w.must(err)
	s.reattester, err = joining.NewReattester(joining.ReattesterConfig{
		Store: s.store, Authority: s.authority, Recorder: s.recorder, Evidence: &blobPort{s}, Now: now, Every: interval,
	})
	w.must(err)
	s.recoverer, err = joining.NewRecoverer(joining.RecovererConfig{
		Store: s.store, Authority: s.authority, Recorder: s.recorder, Evidence: &blobPort{s}, Now: now,
	})
	w.must(err)
	s.nodes, err = joining.NewNodes(s.store, &prober{s})
	w.must(err)
}

func (s *server) wireLedger() {
	w := s.n.m.w
	var err error
	s.signer, err = sequencing.NewSigner(sequencing.SignerConfig{
		Keys: &keyManager{s}, Store: s.store, Cluster: s.c.mark.Cluster, Known: s.kept(),
	})
	w.must(err)
	s.mirror, err = sequencing.NewMirror(sequencing.MirrorConfig{
		Store: s.store, Tiles: s.n.m.tiles(s.c), Identity: s.n.m.identity(), Source: &otherTiles{s}, Keep: 8,
	})
	w.must(err)
}

// kept returns the newest signed checkpoint on this machine's disk.
func (s *server) kept() []byte {
	content, err := s.n.m.tiles(s.c).ReadTile(context.Background(), ledger.CheckpointPath)
	if err != nil {
		return nil
	}
	return content
}

// checkpoint gives out the newest signed checkpoint.
func (s *server) checkpoint() []byte {
	item, err := s.store.Get(s.n.m.w.within(10*time.Second), sequencing.CheckpointKey())
	if err != nil {
		return nil
	}
	return item.Value
}

// recorder is a sequencer whose callers take turns: who waits for another one's
// transaction would wait outside of the virtual time.
type recorder struct {
	s         *server
	sequencer *sequencing.Sequencer
	lock      *kernel.Lock
}

// Append implements joining.Recorder.
func (r *recorder) Append(ctx context.Context, p *sequencing.Proposal) (receipt *sequencing.Receipt, err error) {
	r.lock.Do(func() { receipt, err = r.sequencer.Append(ctx, p) })
	if err == nil {
		r.s.n.m.w.judge.acknowledged(r.s.c, receipt, p)
	}
	return receipt, err
}

// author is a governor whose callers take turns.
type author struct {
	s    *server
	lock *kernel.Lock
}

// Load implements joining.Authority.
func (a *author) Load(ctx context.Context) (said *authority.Authority, r ports.Revision, err error) {
	a.lock.Do(func() { said, r, err = a.s.governor.Load(ctx) })
	if err == nil {
		a.s.seen = said
	}
	return said, r, err
}

// pause makes the services answer nobody, or answer again.
func (s *server) pause(paused bool) {
	if s != nil {
		s.paused = paused
	}
}

// serving says whether JoinService and KMS answer.
func (s *server) serving() bool { return s.started && !s.paused && s.seen != nil }

// found writes down what a cluster begins with.
func (s *server) found(f *founding, first *facts) error {
	m := s.n.m
	founder, err := joining.NewFounder(joining.FounderConfig{Store: s.store, Recorder: s.recorder, Evidence: &blobPort{s}, Now: m.now})
	if err != nil {
		return err
	}
	return founder.Found(m.w.within(time.Minute), &joining.Founding{
		Owner: s.c.mark.Owner, Cluster: s.c.mark.Cluster, Directives: [][]byte{f.statement, f.policy, f.joinPolicy},
		First: joining.FirstNode{
			Request: join.RequestID(s.n.state.Init[:join.RequestIDSize]), Identity: m.identity(), Name: m.nodeName(), Disk: m.disk.uuid,
			Platform: platform, Boot: bootOf(first), Release: first.release(), Evidence: first.evidence,
		},
	})
}

// submit brings a directive to the cluster.
func (s *server) submit(directive []byte) bool {
	_, err := s.governor.Submit(s.n.m.w.within(time.Minute), directive)
	if err != nil {
		s.n.m.say(kernel.Bad, "cannot take a directive: ", brief(err))
		s.n.m.w.judge.failed(s.n.m, err)
	}
	return err == nil
}

// waiting lists who waits for an approval.
func (s *server) waiting() []*join.Waiting {
	q, err := s.governor.Waiting(s.n.m.w.within(10 * time.Second))
	if err != nil {
		return nil
	}
	return q.Candidates
}
