package member_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
	"github.com/asterism-k8s/asterism/ports"
)

// crowd is many that write at one time, each names of its own.
type crowd struct {
	mu    sync.Mutex
	told  map[string]error // what each write was told
	value []byte
}

// write writes names until the store is full, and twice then.
func (c *crowd) write(t *testing.T, s *etcd.Store, writer int) {
	t.Helper()
	for i, refused := 0, 0; refused < 2; i++ {
		name := fmt.Sprintf("w%d-%d", writer, i)
		_, err := s.Commit(t.Context(), put(name, c.value))
		c.mu.Lock()
		c.told[name] = err
		c.mu.Unlock()
		if err != nil {
			refused++
		}
		if err != nil && !errors.Is(err, ports.ErrStoreFull) && !errors.Is(err, ports.ErrOutcomeUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fillUp lets many write until the store is full.
func fillUp(t *testing.T, stores ...*etcd.Store) *crowd {
	t.Helper()
	c := &crowd{told: map[string]error{}, value: bytes.Repeat([]byte{7}, 256<<10)}
	var group sync.WaitGroup
	for writer := range 64 {
		group.Go(func() { c.write(t, stores[writer%len(stores)], writer) })
	}
	group.Wait()
	return c
}

// judge demands that what was acknowledged is there, and what was refused is not.
func (c *crowd) judge(t *testing.T, s *etcd.Store) {
	t.Helper()
	counts := map[string]int{}
	for name, told := range c.told {
		_, err := s.Get(t.Context(), record(name))
		there := err == nil
		switch {
		case told == nil:
			counts["acknowledged"]++
			if !there {
				t.Errorf("%s was acknowledged and is not there: %v", name, err)
			}
		case errors.Is(told, ports.ErrStoreFull):
			counts["refused"]++
			if there {
				t.Errorf("%s is there, and was refused: %v", name, told)
			}
		default:
			counts[fmt.Sprint("open, there: ", there)]++
		}
	}
	t.Log(counts)
	if counts["acknowledged"] == 0 || counts["refused"] == 0 {
		t.Errorf("%v: that proves nothing", counts)
	}
}

// Nobody is told that nothing was written of what was. etcd says that there is no
// room also of what has just gone over the quota.
func TestThreat30FullStoreTellsTheTruth(t *testing.T) {
	const quota = 16 << 20
	for name, members := range map[string]int{"one": 1, "three": 3} {
		t.Run(name, func(t *testing.T) {
			cluster := etcdtest.StartWith(t, members, func(c *member.Config) { c.Insecure, c.Quota = true, quota })
			var stores []*etcd.Store
			for _, e := range cluster.Endpoints() {
				stores = append(stores, etcdtest.Open(t, nil, e))
			}
			c := fillUp(t, stores...)
			c.judge(t, stores[0])
			for name := range c.told {
				commit(t, stores[0], &ports.Transaction{Then: []ports.Write{{Key: record(name), Delete: true}}})
			}
			for _, m := range cluster.Members {
				if err := m.ReclaimSpace(bounded(t)); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range stores {
				commit(t, s, put("after", c.value))
			}
		})
	}
}
