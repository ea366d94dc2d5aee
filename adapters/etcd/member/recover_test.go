package member_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// failedRecovery is what a recovery fails for before it has begun.
type failedRecovery struct {
	name    string
	recover func(*testing.T, member.Config) error
	want    error // nil: any
}

// A recovery that fails before it has begun leaves a member of the old cluster. The
// others, which were there after all, run on with it, and nothing that they have
// acknowledged is lost.
func TestThreat30RecoverThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	g := startGuarded(t, 3)
	last := g.cluster.Members[2]
	for _, tt := range []failedRecovery{
		{"no time", recoverLate, context.Canceled},
		{"the client port is taken", recoverWithoutClientPort, syscall.EADDRINUSE},
		{"the peer port is taken", recoverWithoutPeerPort, syscall.EADDRINUSE},
		{"a bad certificate", recoverWithoutCertificate, nil},
		{"a bad authority", recoverWithoutAuthority, member.ErrConfig},
	} {
		etcdtest.Stop(t, last)
		s := etcdtest.Open(t, g.clients.Client(t), g.cluster.Endpoints()[:2]...)
		commitUntil(t, s, "acknowledged")
		commit(t, s, put("acknowledged", []byte(tt.name)))
		if err := tt.recover(t, g.cluster.Configs[2]); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Fatalf("%s: Recover: %v, want %v", tt.name, err, tt.want)
		}
		last = etcdtest.Launch(t, g.cluster.Configs[2]) // as ever
		g.wantWhole(t, tt.name, g.cluster.Members[0], g.cluster.Members[1], last)
	}
}

// wantWhole demands that all members run, in one cluster, and hold what was
// acknowledged.
func (g *guarded) wantWhole(t *testing.T, acknowledged string, members ...*member.Member) {
	t.Helper()
	for _, m := range members {
		if m.Err() != nil {
			t.Fatalf("%s: %s: %v", acknowledged, m.Peer().Name, m.Err())
		}
		wantMembers(t, m, "m0", "m1", "m2")
		s := etcdtest.Open(t, g.clients.Client(t), m.Endpoints()...)
		it, err := s.Get(bounded(t), record("acknowledged"))
		if err != nil || string(it.Value) != acknowledged {
			t.Errorf("%s: %s holds %+v (%v)", acknowledged, m.Peer().Name, it, err)
		}
	}
}

// recovered says why a member is not recovered.
func recovered(ctx context.Context, t *testing.T, c member.Config) error {
	t.Helper()
	m, err := member.Recover(ctx, c)
	if m != nil {
		etcdtest.Stop(t, m)
	}
	return err
}

func recoverLate(t *testing.T, c member.Config) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return recovered(ctx, t, c)
}

// recoverBeside recovers a member while somebody else listens at an address.
func recoverBeside(t *testing.T, c member.Config, address string) error {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return recovered(bounded(t), t, c)
}

func recoverWithoutClientPort(t *testing.T, c member.Config) error {
	t.Helper()
	return recoverBeside(t, c, c.ClientAddress)
}

func recoverWithoutPeerPort(t *testing.T, c member.Config) error {
	t.Helper()
	return recoverBeside(t, c, c.PeerAddress)
}

func recoverWithoutCertificate(t *testing.T, c member.Config) error {
	t.Helper()
	c.ClientTLS = &member.Files{Certificate: noPEM(t), Key: c.ClientTLS.Key, Authority: c.ClientTLS.Authority}
	return recovered(bounded(t), t, c)
}

func recoverWithoutAuthority(t *testing.T, c member.Config) error {
	t.Helper()
	c.PeerTLS = &member.Files{Certificate: c.PeerTLS.Certificate, Key: c.PeerTLS.Key, Authority: noPEM(t)}
	return recovered(bounded(t), t, c)
}

// noPEM returns a file that is none of those that a member is given.
func noPEM(t *testing.T) string {
	t.Helper()
	path := filepath.Join(etcdtest.Folder(t), "damaged.pem")
	if err := os.WriteFile(path, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// interrupter is a logger that ends a context once etcd opens the folder.
type interrupter struct {
	slog.Handler
	cancel context.CancelFunc
}

func (i interrupter) Enabled(context.Context, slog.Level) bool { return true }

func (i interrupter) WithAttrs([]slog.Attr) slog.Handler { return i }

func (i interrupter) WithGroup(string) slog.Handler { return i }

func (i interrupter) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "starting an etcd server") {
		i.cancel()
	}
	return nil
}

// Where a recovery ends halfway, the members that are there after all run on: only
// another recovery goes on with the folder.
func TestThreat30RecoverHalfway(t *testing.T) {
	t.Parallel()
	old := etcdtest.Start(t, 3)
	s := etcdtest.Open(t, nil, old.Endpoints()[:2]...)
	fill(t, s, 3)
	etcdtest.Stop(t, old.Members[2])
	last := commitUntil(t, s, "acknowledged")
	c := old.Configs[2]
	ctx, cancel := context.WithCancel(bounded(t))
	c.Logger = slog.New(interrupter{slog.DiscardHandler, cancel})
	wantErr(t, "Recover", recovered(ctx, t, c), context.Canceled)
	wantErr(t, "Recover without time", recoverLate(t, c), context.Canceled) // the mark is not this one's
	m, err := member.Start(bounded(t), old.Configs[2])
	wantErr(t, "Start", err, member.ErrRecovering)
	if m != nil {
		etcdtest.Stop(t, m)
	}
	commitUntil(t, s, "after")
	for _, m := range old.Members[:2] {
		if m.Err() != nil {
			t.Errorf("%s: %v", m.Peer().Name, m.Err())
		}
		etcdtest.Stop(t, m)
	}
	alone, err := member.Recover(bounded(t), old.Configs[2])
	if err != nil {
		t.Fatal(err)
	}
	wantMembers(t, alone, "m2")
	etcdtest.Stop(t, alone)
	again := etcdtest.Launch(t, old.Configs[2]) // as ever
	if next := commit(t, etcdtest.Open(t, nil, again.Endpoints()...), put("next", nil)); next < last+1000 {
		t.Errorf("revision %d after %d was given out", next, last)
	}
}
