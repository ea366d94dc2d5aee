package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
)

// clients is how many decide at one time; names is how many names they quarrel
// about, few enough that they meet.
const (
	clients     = 9
	quarrelled  = 12
	callTimeout = 10 * time.Second
)

// newClients makes a node for each group of members, which talks to those alone,
// and clients that share the nodes: some proposals arrive at a sequencer while it
// commits others.
func newClients(t *testing.T, groups ...[]string) ([]*client, *history) {
	t.Helper()
	h := newHistory()
	nodes := make([]*node, len(groups))
	for i, members := range groups {
		nodes[i] = openNode(t, i, members...)
	}
	all := make([]*client, clients)
	for i := range all {
		all[i] = newClient(i, nodes[i%len(nodes)], h)
	}
	return all, h
}

// quarrel lets clients claim, release and read until the context is done.
func quarrel(ctx context.Context, seed uint64, all []*client) {
	var group sync.WaitGroup
	for i, c := range all {
		group.Go(func() { c.live(ctx, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	group.Wait()
}

// live makes one call after the other. Calls are not ended with the context: all
// of them get their answer, or their time is over.
func (c *client) live(ctx context.Context, random *rand.Rand) {
	for ctx.Err() == nil {
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		switch name := fmt.Sprintf("name-%d", random.IntN(quarrelled)); random.IntN(4) {
		case 0:
			c.claim(call, name)
		case 1:
			c.read(call, name)
		default:
			c.release(call, c.favourite(name))
		}
		cancel()
	}
}

// judge demands that the history and the ledger are what they have to be, and that
// enough happened for that to mean something.
func judge(t *testing.T, n *node, all []*client, h *history) {
	t.Helper()
	acked := 0
	for _, c := range all {
		acked += len(c.acked)
	}
	t.Logf("%d calls: %d acknowledged, %d conflicts, %d of which nobody knows", len(h.calls), acked, h.count(conflicted), h.count(unknown))
	if acked < 100 || h.count(conflicted) < 10 {
		t.Errorf("%d acknowledged and %d conflicts: too few to mean anything", acked, h.count(conflicted))
	}
	demandShared(t, n, demandRecorded(t, n, all))
	demandLinearizable(t, h)
}

// Members are killed at random points and started again, the leader among them,
// so that the store has a majority all the while or loses it for a moment. While one
// of them is away the others forget what has happened: who watches through it is
// told of everything anew.
func TestMembersAreKilled(t *testing.T) {
	const rounds = 8
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	members := startProcesses(t, 3)
	one := members.endpoints() // a member that told stories would be seen by those who ask it alone
	all, h := newClients(t, one, one[:1], one[1:2], one[2:])
	watchers := watchEach(t, one)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var killer sync.WaitGroup
	killer.Go(func() {
		defer stop()
		random := rand.New(rand.NewPCG(seed, 0))
		for round := range rounds {
			await(ctx, 200*time.Millisecond+time.Duration(random.Int64N(int64(600*time.Millisecond))))
			if err := members.killSome(ctx, random, 1+round%2); err != nil {
				t.Errorf("round %d: %v", round, err)
				return
			}
		}
	})
	quarrel(ctx, seed, all)
	killer.Wait()
	n := openNode(t, clients, members.endpoints()...)
	judge(t, n, all, h)
	watchers.judge(t, n)
}

// killSome kills n members at once, lets the others forget if they are a majority,
// and starts the killed again.
func (all processes) killSome(ctx context.Context, random *rand.Rand, n int) error {
	order := random.Perm(len(all))
	var killed, left processes
	for _, i := range order[:n] {
		all[i].kill()
		killed = append(killed, all[i])
	}
	for _, i := range order[n:] {
		left = append(left, all[i])
	}
	if len(left) > len(killed) {
		if err := left.forget(ctx); err != nil {
			return err
		}
	}
	return killed.start()
}

// await lets time pass. It stands for no event: nothing waits for a crash.
func await(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// The leader is replaced by a new member, and who leads then as well.
func TestMembersAreReplaced(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	cluster := etcdtest.Start(t, 3)
	spare := make([]member.Config, 2)
	endpoints := cluster.Endpoints()
	for i := range spare {
		spare[i] = etcdtest.Config(t, fmt.Sprintf("s%d", i))
		spare[i].Insecure = true
		endpoints = append(endpoints, spare[i].ClientAddress)
	}
	all, h := newClients(t, endpoints, endpoints, endpoints)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var replacer sync.WaitGroup
	replacer.Go(func() {
		defer stop()
		for i := range spare {
			if err := replace(ctx, t, cluster, spare[i]); err != nil {
				t.Errorf("replacing member %d: %v", i, err)
				return
			}
		}
	})
	quarrel(ctx, seed, all)
	replacer.Wait()
	judge(t, openNode(t, clients, cluster.Endpoints()...), all, h)
}

// replace adds a member in place of the leader, which is then removed.
func replace(ctx context.Context, t *testing.T, cluster *etcdtest.Cluster, config member.Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	leader, err := leaderOf(ctx, cluster)
	if err != nil {
		return err
	}
	invitation, err := leader.AddLearner(ctx, member.Peer{Name: config.Name, Address: config.PeerAddress})
	if err != nil {
		return fmt.Errorf("adding a learner: %w", err)
	}
	config.Peers, config.Join = invitation.Peers, true
	added, err := member.Start(ctx, config)
	if err != nil {
		return fmt.Errorf("starting the learner: %w", err)
	}
	t.Cleanup(func() { etcdtest.Stop(t, added) })
	if err := added.Promote(ctx, invitation.ID); err != nil {
		return fmt.Errorf("promoting the learner: %w", err)
	}
	cluster.Members[slices.Index(cluster.Members, leader)] = added
	if err := added.Remove(ctx, leader.ID()); err != nil {
		return fmt.Errorf("removing the leader: %w", err)
	}
	return nil
}

// leaderOf returns the member that the others follow.
func leaderOf(ctx context.Context, cluster *etcdtest.Cluster) (*member.Member, error) {
	for {
		status, err := cluster.Members[0].Status(ctx)
		for _, m := range cluster.Members {
			if err == nil && m.ID() == status.Leader {
				return m, nil
			}
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("asking who leads: %w", errors.Join(ctx.Err(), err))
		}
		await(ctx, 50*time.Millisecond) // an election is under way
	}
}
