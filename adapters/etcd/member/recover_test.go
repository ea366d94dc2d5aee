package member_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
	"github.com/asterism-k8s/asterism/ports"
)

// One of three that is left goes on alone, with all that was committed, and grows
// again: who joins it then holds the same.
func TestRecover(t *testing.T) {
	t.Parallel()
	old := etcdtest.Start(t, 3)
	s := etcdtest.Open(t, nil, old.Endpoints()...)
	want := fill(t, s, 20)
	for _, m := range old.Members {
		etcdtest.Stop(t, m)
	}
	c := old.Configs[2]
	alone, err := member.Recover(bounded(t), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { etcdtest.Stop(t, alone) })
	wantMembers(t, alone, "m2")
	s = etcdtest.Open(t, nil, alone.Endpoints()...)
	if got := listed(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("it holds %v, want %v", got, want)
	}
	commit(t, s, put("next", nil))
	etcdtest.Stop(t, alone)
	again := etcdtest.Launch(t, c) // as ever
	wantMembers(t, again, "m2")
	last := commit(t, s, put("last", nil))
	if again := commit(t, s, put("last", nil)); again != last+1 {
		t.Errorf("revision %d after %d: it leaps without being recovered", again, last)
	}
	other := join(t, again, "other")
	wantSame(t, again, other)
}

// What one member has not seen of the others' revisions is not given out again
// when it goes on alone: whoever watched is told of everything anew.
func TestThreat30RecoverGivesNoRevisionTwice(t *testing.T) {
	t.Parallel()
	old := etcdtest.Start(t, 3)
	s := etcdtest.Open(t, nil, old.Endpoints()...)
	fill(t, s, 5)
	behind := old.Members[2]
	etcdtest.Stop(t, behind)
	for i := range 50 {
		commit(t, s, put(fmt.Sprint("lost", i), nil))
	}
	last := commit(t, s, put("lost", nil))
	updates, ended := make(chan *ports.Update), make(chan error, 1)
	watching := etcdtest.Open(t, nil, behind.Endpoints()[0], old.Endpoints()[0], old.Endpoints()[1])
	ctx, cancel := context.WithCancel(bounded(t))
	go func() {
		ended <- watching.Watch(ctx, ports.Records, func(u *ports.Update) error {
			select {
			case updates <- u:
			case <-ctx.Done():
			}
			return nil
		})
	}()
	if u := <-updates; !u.Whole || u.Revision != last {
		t.Fatalf("the watch begins with %d items at %d", len(u.Items), u.Revision)
	}
	for _, m := range old.Members[:2] {
		etcdtest.Stop(t, m)
	}
	alone, err := member.Recover(bounded(t), old.Configs[2])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { etcdtest.Stop(t, alone) })
	if next := commit(t, etcdtest.Open(t, nil, alone.Endpoints()...), put("next", nil)); next < last+1000 {
		t.Errorf("revision %d after %d was given out", next, last)
	}
	select {
	case u := <-updates:
		if !u.Whole || len(u.Items) < 5 || len(u.Items) > 6 {
			t.Errorf("the watch is told of %d items, whole: %v", len(u.Items), u.Whole)
		}
	case err := <-ended:
		t.Errorf("the watch ended: %v", err)
	case <-ctx.Done():
		t.Error("the watch is silent")
	}
	cancel()
}

// A folder that is empty holds nothing of another cluster.
func TestRecoverNothing(t *testing.T) {
	c := etcdtest.Config(t, "a")
	c.Insecure = true
	m, err := member.Recover(bounded(t), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { etcdtest.Stop(t, m) })
	if r := commit(t, etcdtest.Open(t, nil, m.Endpoints()...), put("a", nil)); r > 10 {
		t.Errorf("it begins at revision %d", r)
	}
}
