package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/asterism-k8s/asterism/ports"
)

var errQuiet = errors.New("nobody has written anything")

// forget makes members forget everything but what there is, once others have written
// some more.
func (all processes) forget(ctx context.Context) error {
	client, err := clientv3.New(clientv3.Config{Endpoints: all.endpoints(), Logger: zap.NewNop()})
	if err != nil {
		return fmt.Errorf("etcd's client: %w", err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for first := int64(0); ; {
		now, err := client.Get(ctx, "/")
		if err == nil && first == 0 {
			first = now.Header.Revision
		}
		if err == nil && now.Header.Revision < first+5 {
			err = errQuiet
		} else if err == nil {
			_, err = client.Compact(ctx, now.Header.Revision)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("compacting: %w", err)
		}
		await(ctx, 50*time.Millisecond) // an election may be under way
	}
}

// watcher follows the names through one member.
type watcher struct {
	held  map[string]string // who has which name, by all updates so far
	whole int               // updates that told of everything
	ended chan error
}

type watchers []*watcher

// lastName is the name whose appearance ends all watches.
const lastName = "the-last"

// watchEach starts a watch through each member alone.
func watchEach(t *testing.T, members []string) watchers {
	t.Helper()
	var all watchers
	for i, m := range members {
		w := &watcher{held: map[string]string{}, ended: make(chan error, 1)}
		n := openNode(t, clients+1+i, m)
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		go func() {
			w.ended <- n.store.Watch(ctx, ports.NodeNames, func(u *ports.Update) error {
				w.take(u)
				if w.held[lastName] != "" {
					cancel()
				}
				return nil
			})
		}()
		all = append(all, w)
	}
	return all
}

// take takes an update in.
func (w *watcher) take(u *ports.Update) {
	if u.Whole {
		w.whole++
		clear(w.held)
	}
	for _, it := range u.Items {
		w.held[it.Key.Name] = string(it.Value)
	}
	for _, k := range u.Deleted {
		delete(w.held, k.Name)
	}
}

// judge demands that all watches come to what the store holds, and that some had
// to begin anew.
func (all watchers) judge(t *testing.T, n *node) {
	t.Helper()
	tx := &ports.Transaction{Then: []ports.Write{{Key: nameKey(lastName), Value: []byte("x")}}}
	if _, err := n.store.Commit(t.Context(), tx); err != nil {
		t.Fatalf("committing the last name: %v", err)
	}
	l, err := n.store.List(t.Context(), ports.NodeNames, "", ports.MaxListing)
	if err != nil {
		t.Fatalf("listing the names: %v", err)
	}
	want, whole := map[string]string{}, 0
	for _, it := range l.Items {
		want[it.Key.Name] = string(it.Value)
	}
	for i, w := range all {
		select {
		case <-w.ended:
		case <-time.After(patience):
			t.Fatalf("the watch of member %d does not come to the last name", i)
		}
		if whole += w.whole; !maps.Equal(w.held, want) {
			t.Errorf("the watch of member %d comes to %v, the store holds %v", i, w.held, want)
		}
	}
	t.Logf("%d watches were told of everything %d times", len(all), whole)
	if whole <= len(all) {
		t.Error("no watch had to begin anew: that proves nothing")
	}
}
