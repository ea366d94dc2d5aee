package etcd_test

import (
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/ports"
)

func TestConfigRefuses(t *testing.T) {
	for name, config := range map[string]etcd.Config{
		"no endpoint":            {},
		"a URL":                  {Endpoints: []string{"http://127.0.0.1:2379"}},
		"a URL with TLS":         {Endpoints: []string{"http://127.0.0.1:2379"}, TLS: &tls.Config{}},
		"no port":                {Endpoints: []string{"127.0.0.1"}},
		"no host":                {Endpoints: []string{":2379"}},
		"a socket":               {Endpoints: []string{"unix:/run/etcd"}},
		"another host, no TLS":   {Endpoints: []string{"127.0.0.1:2379", "192.0.2.1:2379"}},
		"a name, no TLS":         {Endpoints: []string{"localhost:2379"}},
		"a prefix without end":   {Endpoints: []string{"127.0.0.1:2379"}, Prefix: "/a"},
		"a prefix of a slash":    {Endpoints: []string{"127.0.0.1:2379"}, Prefix: "/"},
		"an empty word":          {Endpoints: []string{"127.0.0.1:2379"}, Prefix: "/a//"},
		"a prefix without start": {Endpoints: []string{"127.0.0.1:2379"}, Prefix: "a/"},
		"a negative timeout":     {Endpoints: []string{"127.0.0.1:2379"}, Timeout: -1},
	} {
		if _, err := etcd.Open(t.Context(), config); !errors.Is(err, etcd.ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
}

// Nobody there is found out within the time for a call.
func TestOpenNobody(t *testing.T) {
	_, err := etcd.Open(t.Context(), etcd.Config{Endpoints: []string{"127.0.0.1:1"}, Timeout: 100 * time.Millisecond})
	wantOnly(t, err, ports.ErrStoreUnavailable)
}
