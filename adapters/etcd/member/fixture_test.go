package member_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
	"github.com/asterism-k8s/asterism/ports"
)

// patience is how long a store may take for what it does by itself.
const patience = etcdtest.Patience

func record(name string) ports.Key { return ports.Key{Collection: ports.Records, Name: name} }

func put(name string, value []byte) *ports.Transaction {
	return &ports.Transaction{Then: []ports.Write{{Key: record(name), Value: value}}}
}

func commit(t *testing.T, s *etcd.Store, tx *ports.Transaction) ports.Revision {
	t.Helper()
	r, err := s.Commit(t.Context(), tx)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return r
}

// fill commits n records and returns them as they are listed.
func fill(t *testing.T, s *etcd.Store, n int) []string {
	t.Helper()
	var all []string
	for i := range n {
		name, value := fmt.Sprintf("n%03d", i), fmt.Sprint("value ", i)
		r := commit(t, s, put(name, []byte(value)))
		all = append(all, fmt.Sprintf("%s=%s@%d", name, value, r))
	}
	return all
}

// listed returns all records, with their revisions.
func listed(t *testing.T, s *etcd.Store) []string {
	t.Helper()
	l, err := s.List(t.Context(), ports.Records, "", ports.MaxListing)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	var all []string
	for _, it := range l.Items {
		all = append(all, fmt.Sprintf("%s=%s@%d", it.Key.Name, it.Value, it.Revision))
	}
	return all
}

// bounded returns a context with as much time as anything here may take.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// wantErr demands an error of that kind.
func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// wantSame demands that members hold the same, each by its own account.
func wantSame(t *testing.T, members ...*member.Member) {
	t.Helper()
	first := listed(t, etcdtest.Open(t, nil, members[0].Endpoints()...))
	for _, m := range members[1:] {
		if got := listed(t, etcdtest.Open(t, nil, m.Endpoints()...)); fmt.Sprint(got) != fmt.Sprint(first) {
			t.Errorf("%s holds %v, %s holds %v", m.Peer().Name, got, members[0].Peer().Name, first)
		}
	}
}
