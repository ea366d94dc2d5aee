package etcd_test

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/ports/porttest"
)

// server is a running store, however it runs.
type server struct {
	endpoints []string
	tls       *tls.Config
	prefixes  atomic.Int64
}

// empty returns a part of the store that nobody has used yet. One of the handles
// goes through proxies that can be cut.
func (s *server) empty(t *testing.T) *porttest.StoreUnderTest {
	t.Helper()
	prefix := fmt.Sprintf("/test/%d/", s.prefixes.Add(1))
	proxies := make([]*etcdtest.Proxy, len(s.endpoints))
	through := make([]string, len(s.endpoints))
	for i, e := range s.endpoints {
		proxies[i] = etcdtest.NewProxy(t, e)
		through[i] = proxies[i].Address()
	}
	interrupt := func(t *testing.T, meanwhile func()) {
		t.Helper()
		for _, p := range proxies {
			p.Cut()
		}
		meanwhile()
		for _, p := range proxies {
			p.Mend()
		}
	}
	return &porttest.StoreUnderTest{
		Store:     open(t, etcd.Config{Endpoints: through, TLS: s.tls, Prefix: prefix, Timeout: etcdtest.Patience}),
		Other:     open(t, etcd.Config{Endpoints: s.endpoints, TLS: s.tls, Prefix: prefix, Timeout: etcdtest.Patience}),
		Advance:   func(_ *testing.T, d time.Duration) { time.Sleep(d) }, // the servers' clock is the machine's
		Interrupt: interrupt,
		Forget: func(t *testing.T, meanwhile func()) {
			t.Helper()
			interrupt(t, func() { meanwhile(); s.compact(t) })
		},
	}
}

// open opens the store until the test ends.
func open(t *testing.T, config etcd.Config) *etcd.Store {
	t.Helper()
	config.Logger = etcdtest.Logger(t)
	s, err := etcd.Open(t.Context(), config)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// raw returns etcd's own client.
func (s *server) raw(t *testing.T) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: s.endpoints, TLS: s.tls, Logger: zap.NewNop()})
	if err != nil {
		t.Fatalf("etcd's client: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// compact lets the servers forget everything but what there is now.
func (s *server) compact(t *testing.T) {
	t.Helper()
	c := s.raw(t)
	now, err := c.Get(t.Context(), "/")
	if err != nil {
		t.Fatalf("asking for the newest revision: %v", err)
	}
	if _, err := c.Compact(t.Context(), now.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatalf("compacting: %v", err)
	}
}

// Everything that serves the store keeps its contracts: members of ours, and an
// etcd that is older, packaged by others and a process of its own.
func TestContracts(t *testing.T) {
	t.Parallel()
	for name, members := range map[string]int{"Debian": 0, "Member": 1, "Members": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{}
			if members == 0 {
				s.endpoints = []string{etcdtest.Debian(t)}
			} else {
				s.endpoints = etcdtest.Start(t, members).Endpoints()
			}
			t.Run("Store", func(t *testing.T) { porttest.TestStore(t, s.empty) })
			t.Run("Watcher", func(t *testing.T) { porttest.TestWatcher(t, s.empty) })
		})
	}
}
