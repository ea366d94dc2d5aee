package etcd_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/ports"
)

// What somebody else has put among the items is passed over, and told of.
func TestForeignKeys(t *testing.T) {
	s := &server{endpoints: etcdtest.Start(t, 1).Endpoints()}
	raw := s.raw(t)
	for _, key := range []string{"records/a b", "records/", "records/b/c", "records/z\xff", "records", "nothing/a"} {
		if _, err := raw.Put(t.Context(), etcd.DefaultPrefix+key, "x"); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	store, err := etcd.Open(t.Context(), etcd.Config{Endpoints: s.endpoints, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		if _, err := store.Commit(t.Context(), &ports.Transaction{Then: []ports.Write{{Key: record(name)}}}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for after, more := "", true; more; {
		l, err := store.List(t.Context(), ports.Records, after, 2)
		if err != nil || len(l.Items) == 0 {
			t.Fatalf("List: %+v, %v", l, err)
		}
		for _, it := range l.Items {
			got = append(got, it.Key.Name)
		}
		after, more = got[len(got)-1], l.More
	}
	watched, err := watchedNames(t, store, func() {
		_, _ = raw.Put(t.Context(), etcd.DefaultPrefix+"records/b b", "x")
		_, _ = raw.Put(t.Context(), etcd.DefaultPrefix+"records/d", "x") // well made
	})
	if closed := store.Close(); err != nil || closed != nil {
		t.Fatalf("Watch: %v; Close: %v", err, closed)
	}
	if fmt.Sprint(got) != "[a b c]" || fmt.Sprint(watched) != "[a b c d]" {
		t.Errorf("listed are %v, watched %v", got, watched)
	}
	for _, key := range []string{"a b", "b/c", "b b"} {
		if !strings.Contains(log.String(), "records/"+key) {
			t.Errorf("the log does not tell of %q:\n%s", key, log.String())
		}
	}
}

// watchedNames returns the names of all that a watch delivers until d.
func watchedNames(t *testing.T, s *etcd.Store, begun func()) ([]string, error) {
	t.Helper()
	var names []string
	err := watchUntil(t, s, func(u *ports.Update) bool {
		for _, it := range u.Items {
			names = append(names, it.Key.Name)
		}
		if u.Whole {
			begun()
		}
		return names[len(names)-1] == "d"
	})
	return names, err
}

// A server that answers what was not asked is not believed.
func TestStrangeAnswers(t *testing.T) {
	server := newScripted(t)
	s := server.open(t, 300*time.Millisecond)
	for _, kv := range []*mvccpb.KeyValue{
		{Key: []byte(etcd.DefaultPrefix + "records/b"), ModRevision: 3},
		{Key: []byte(etcd.DefaultPrefix + "disks/a"), ModRevision: 3},
		{Key: []byte(etcd.DefaultPrefix + "records/a")},
		{},
	} {
		server.set(func() { server.read = holding(kv) })
		it, err := s.Get(t.Context(), record("a"))
		if err == nil {
			t.Errorf("%v is taken for %+v", kv, it)
		}
		wantOnly(t, err, ports.ErrStoreUnavailable)
	}
	server.set(func() {
		server.txn = func(context.Context, *pb.TxnRequest) (*pb.TxnResponse, error) { return &pb.TxnResponse{}, nil }
	})
	_, err := s.Commit(t.Context(), once())
	wantOnly(t, err, ports.ErrStoreUnavailable)
}

// A store that is at an older revision than it has been has lost what it had
// acknowledged. A watch does not go back with it.
func TestThreat30WatchOfRolledBackStore(t *testing.T) {
	server := newScripted(t)
	s := server.open(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	updates := 0
	server.set(func() { server.read = holding() })
	err := s.Watch(ctx, ports.Records, func(*ports.Update) error {
		updates++
		server.set(func() { server.read = atRevision(8) })
		return nil
	})
	if updates != 1 {
		t.Errorf("%d updates", updates)
	}
	wantOnly(t, err, ports.ErrStoreUnavailable)
}

// It shows wherever the store says at which revision it is. A member that is
// only behind the others says the same, and a watch goes on.
func TestThreat30WatchSeesRollback(t *testing.T) {
	end := &pb.WatchResponse{Header: at(30), Events: put("end", 30)}
	over := &pb.WatchResponse{Canceled: true, CancelReason: "etcdserver: no leader"}
	for name, scripts := range map[string][][]*pb.WatchResponse{
		"begins again": {{over}, {end}},
		"progress":     {{{Header: at(5)}, end}},
		"change":       {{{Header: at(5), Events: put("a", 5)}, end}},
	} {
		for _, back := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, back: %v", name, back), func(t *testing.T) {
				server := newScripted(t)
				s := server.open(t, 0)
				server.set(func() {
					server.read, server.scripts = holding(), append(slices.Clone(scripts), nil)
				})
				err := watchUntil(t, s, func(u *ports.Update) bool {
					server.set(func() { server.read = atRevision(map[bool]int64{true: 5, false: 40}[back]) })
					return u.Revision == 30
				})
				if back {
					wantOnly(t, err, ports.ErrStoreUnavailable)
				}
				if (err != nil) != back {
					t.Errorf("the watch ended: %v", err)
				}
			})
		}
	}
}
