package member_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
	"github.com/asterism-k8s/asterism/ports"
)

// join adds a member that catches up and gets its vote.
func join(t *testing.T, by *member.Member, name string) *member.Member {
	t.Helper()
	c := etcdtest.Config(t, name)
	c.Insecure = true
	peer := member.Peer{Name: c.Name, Address: c.PeerAddress}
	first, err := by.AddLearner(bounded(t), peer)
	if err != nil {
		t.Fatal(err)
	}
	again, err := by.AddLearner(bounded(t), peer)
	if err != nil || fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("a second time the invitation is %v (%v), at first %v", again, err, first)
	}
	c.Peers, c.Join = first.Peers, true
	m := etcdtest.Launch(t, c)
	if status, err := m.Status(t.Context()); err != nil || !status.Learner || m.ID() != first.ID {
		t.Errorf("%s begins as %+v (%v)", name, status, err)
	}
	for range 2 { // a second time changes nothing
		if err := by.Promote(bounded(t), first.ID); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// wantMembers demands who is in the cluster, by all members' account.
func wantMembers(t *testing.T, m *member.Member, want ...string) {
	t.Helper()
	infos, err := m.Members(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, info := range infos {
		if got = append(got, info.Peer.Name); info.Learner || info.ID == 0 || len(info.Clients) != 1 {
			t.Errorf("a member is %+v", info)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the members are %v, want %v", got, want)
	}
}

// A store grows from one member to three, loses its first one, and keeps what it
// holds.
func TestGrowAndReplace(t *testing.T) {
	t.Parallel()
	first := etcdtest.Start(t, 1).Members[0]
	s := etcdtest.Open(t, nil, first.Endpoints()...)
	want := fill(t, s, 20)
	second := join(t, first, "second")
	third := join(t, second, "third")
	wantMembers(t, third, "m0", "second", "third")
	if err := second.Remove(bounded(t), first.ID()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.Done():
		wantErr(t, "the member that was removed", first.Err(), member.ErrRemoved)
	case <-time.After(patience):
		t.Error("the member that was removed goes on")
	}
	if err := third.Remove(bounded(t), first.ID()); err != nil {
		t.Errorf("removing it once more: %v", err)
	}
	wantMembers(t, third, "second", "third")
	rest := etcdtest.Open(t, nil, second.Endpoints()[0], third.Endpoints()[0])
	if got := listed(t, rest); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the rest hold %v, want %v", got, want)
	}
	commit(t, rest, put("after", nil))
}

// A learner that does not catch up gets no vote, and whoever waits for it can stop
// waiting.
func TestPromoteWaits(t *testing.T) {
	t.Parallel()
	first := etcdtest.Start(t, 1).Members[0]
	invitation, err := first.AddLearner(bounded(t), member.Peer{Name: "absent", Address: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	wantErr(t, "Promote", first.Promote(ctx, invitation.ID), context.DeadlineExceeded)
	s := etcdtest.Open(t, nil, first.Endpoints()...)
	commit(t, s, put("a", nil)) // the learner counts for nothing
	if _, err := first.AddLearner(t.Context(), member.Peer{Name: "other", Address: first.Peer().Address}); err == nil {
		t.Error("a learner takes the address of a member")
	}
	if err := first.Remove(bounded(t), invitation.ID); err != nil {
		t.Error(err)
	}
}

// A member that has been stopped is started with the same configuration and holds
// what it held.
func TestRestart(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, 1)
	s := etcdtest.Open(t, nil, cluster.Endpoints()...)
	want := fill(t, s, 10)
	etcdtest.Stop(t, cluster.Members[0])
	wantErr(t, "Err", cluster.Members[0].Err(), member.ErrStopped)
	again := etcdtest.Launch(t, cluster.Configs[0])
	if again.Err() != nil || again.ID() != cluster.Members[0].ID() {
		t.Errorf("started again it is %x: %v", again.ID(), again.Err())
	}
	if got := listed(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("it holds %v, want %v", got, want)
	}
}

// Without a majority a member is not ready, and says so in time.
func TestStartWithoutMajority(t *testing.T) {
	t.Parallel()
	c := etcdtest.Config(t, "a")
	c.Insecure = true
	c.Peers = []member.Peer{{Name: c.Name, Address: c.PeerAddress}, {Name: "b", Address: etcdtest.Addresses(t, 1)[0]}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	begun := time.Now()
	m, err := member.Start(ctx, c)
	if m != nil {
		t.Error("it has started")
	}
	wantErr(t, "Start", err, context.DeadlineExceeded)
	if took := time.Since(begun); took > patience {
		t.Errorf("that took %v", took)
	}
}

// Stopping the leader delays commits for an election and no longer.
func TestLeaderLost(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, 3)
	s, err := etcd.Open(bounded(t), etcd.Config{Endpoints: cluster.Endpoints(), Logger: etcdtest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	want := fill(t, s, 5)
	etcdtest.Stop(t, cluster.Leader(t))
	begun := time.Now()
	r := commitUntil(t, s, "after")
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("the first commit after the leader is lost took %v", took)
	}
	want = append([]string{fmt.Sprintf("after=x@%d", r)}, want...)
	if got := listed(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the store holds %v, want %v", got, want)
	}
}

// commitUntil writes a record until that succeeds. A condition makes sure that it
// is written once.
func commitUntil(t *testing.T, s *etcd.Store, name string) ports.Revision {
	t.Helper()
	tx := put(name, []byte("x"))
	tx.If = []ports.Condition{{Key: record(name)}}
	ctx := bounded(t)
	for ctx.Err() == nil {
		if r, err := s.Commit(ctx, tx); err == nil {
			return r
		}
		if it, err := s.Get(ctx, record(name)); err == nil {
			return it.Revision
		}
	}
	t.Fatalf("nothing was committed within %v", patience)
	return 0
}
