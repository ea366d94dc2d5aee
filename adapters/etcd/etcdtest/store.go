package etcdtest

import (
	"crypto/tls"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd"
)

// Open opens a store with its usual prefix until the test ends. Without TLS its
// configuration is nil.
func Open(tb testing.TB, config *tls.Config, endpoints ...string) *etcd.Store {
	tb.Helper()
	s, err := etcd.Open(tb.Context(), etcd.Config{Endpoints: endpoints, TLS: config, Timeout: Patience, Logger: Logger(tb)})
	if err != nil {
		tb.Fatalf("opening the store at %v: %v", endpoints, err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("closing the store: %v", err)
		}
	})
	return s
}
