package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/ports"
)

// A watch that a server ends begins again after the last that it was told, be that
// a change or that there was none. So a quiet watch does not fall behind what the
// store remembers, and no change comes twice.
func TestWatchResumes(t *testing.T) {
	server := newScripted(t)
	s := server.open(t, 0)
	over := &pb.WatchResponse{Canceled: true, CancelReason: "etcdserver: no leader"}
	server.set(func() {
		server.read = holding() // at revision 9
		server.scripts = [][]*pb.WatchResponse{
			{{Header: at(50)}, over}, // nothing has changed up to 50
			{{Header: at(70), Events: put("a", 60, "b", 61, "a", 62)}, over}, // of a batch the last
			{{Header: at(80), Events: put("a b", 75)}, over},                 // not an item's name
			{{Header: at(90), Events: put("c", 90)}},
			nil,
		}
	})
	var updates []string
	err := watchUntil(t, s, func(u *ports.Update) bool {
		var names []string
		for _, it := range u.Items {
			names = append(names, fmt.Sprintf("%s@%d", it.Key.Name, it.Revision))
		}
		server.set(func() { server.read = atRevision(100) }) // members that are behind are asked twice
		updates = append(updates, fmt.Sprintf("%d %v %v", u.Revision, u.Whole, names))
		return u.Revision == 90
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"9 true []", "62 false [a@62 b@61]", "90 false [c@90]"}
	if !slices.Equal(updates, want) {
		t.Errorf("the updates are %q, want %q", updates, want)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if want := []int64{10, 51, 63, 76}; !slices.Equal(server.began, want) {
		t.Errorf("the watches began at %v, want %v", server.began, want)
	}
}

// atRevision is the answer to a read that finds nothing then.
func atRevision(revision int64) func(*pb.RangeRequest) (*pb.RangeResponse, error) {
	return func(*pb.RangeRequest) (*pb.RangeResponse, error) { return &pb.RangeResponse{Header: at(revision)}, nil }
}

// put returns the events that write records, by name and revision.
func put(namesAndRevisions ...any) []*mvccpb.Event {
	var events []*mvccpb.Event
	for pair := range slices.Chunk(namesAndRevisions, 2) {
		key := []byte(etcd.DefaultPrefix + "records/" + pair[0].(string))
		events = append(events, &mvccpb.Event{Kv: &mvccpb.KeyValue{Key: key, ModRevision: int64(pair[1].(int))}})
	}
	return events
}

// watchUntil watches the records until an update is the last that a test wants.
func watchUntil(t *testing.T, s *etcd.Store, last func(*ports.Update) bool) error {
	t.Helper()
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := s.Watch(ctx, ports.Records, func(u *ports.Update) error {
		if last(u) {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		return nil
	}
	return err
}
