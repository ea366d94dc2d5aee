package etcd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/asterism-k8s/asterism/adapters/etcd/internal/zaplog"
	"github.com/asterism-k8s/asterism/ports"
)

// DefaultPrefix is under which keys the items are unless Config says otherwise.
const DefaultPrefix = "/asterism/v1/"

// DefaultTimeout is how long a call takes at most unless Config says otherwise.
const DefaultTimeout = 5 * time.Second

// requestSlack is by how much a request may be larger than the values in it: keys,
// and a few bytes for each field.
const requestSlack = 1 << 20

// MaxRequestSize is how many bytes a request has at most. A server that serves the
// store has to take as many (etcd's --max-request-bytes).
const MaxRequestSize = ports.MaxTransactionSize + requestSlack

// ErrConfig is wrapped where a Config cannot be used.
var ErrConfig = errors.New("not a configuration of the store's client")

// Config says where the store is.
type Config struct {
	// Endpoints are the members' client addresses, as host:port.
	Endpoints []string
	// TLS authenticates both sides, with TLS 1.3 at least. It may be nil where all
	// endpoints are loopback addresses.
	TLS *tls.Config
	// Prefix is what all keys begin with: one or more words between slashes. Empty:
	// DefaultPrefix.
	Prefix string
	// Timeout is how long a call takes at most, also where its context has more
	// time. Zero: DefaultTimeout.
	Timeout time.Duration
	// Logger is told of what goes wrong and is not returned. Nil: nobody is.
	Logger *slog.Logger
}

// complete returns the configuration with defaults in place of what is empty.
func (c Config) complete() (Config, error) {
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	err := c.check()
	return c, err
}

func (c *Config) check() error {
	if len(c.Endpoints) == 0 {
		return fmt.Errorf("%w: there is no endpoint", ErrConfig)
	}
	for _, e := range c.Endpoints {
		if err := c.checkEndpoint(e); err != nil {
			return err
		}
	}
	if !regexp.MustCompile(`^(/[a-z0-9._-]+)+/$`).MatchString(c.Prefix) {
		return fmt.Errorf("%w: the prefix %q is not words between slashes", ErrConfig, c.Prefix)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("%w: the timeout is %v", ErrConfig, c.Timeout)
	}
	return nil
}

// checkEndpoint demands host:port. What etcd's client makes of a URL depends on
// its scheme, and may be a connection without TLS.
func (c *Config) checkEndpoint(endpoint string) error {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil || host == "" {
		return fmt.Errorf("%w: the endpoint %q is not host:port", ErrConfig, endpoint)
	}
	if ip, err := netip.ParseAddr(host); c.TLS == nil && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("%w: the endpoint %q would be asked without TLS", ErrConfig, endpoint)
	}
	return nil
}

// client returns etcd's configuration. The client's own repetition is switched
// off: it also repeats a transaction that a server has given up on, and which may
// have been committed all the same.
func (c *Config) client(notes ...grpc.UnaryClientInterceptor) clientv3.Config {
	conf := clientv3.Config{
		Endpoints:            c.Endpoints,
		DialKeepAliveTime:    10 * time.Second, // servers refuse less than 5
		DialKeepAliveTimeout: 5 * time.Second,
		MaxCallSendMsgSize:   MaxRequestSize,
		MaxUnaryRetries:      1,
		Logger:               zaplog.New(c.Logger),
		DialOptions: []grpc.DialOption{
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnecting(), MinConnectTimeout: 5 * time.Second}),
			grpc.WithStatsHandler(callHandler{}),
			grpc.WithChainUnaryInterceptor(notes...),
		},
	}
	if c.TLS != nil {
		conf.TLS = c.TLS.Clone()
		conf.TLS.MinVersion = max(conf.TLS.MinVersion, tls.VersionTLS13)
	}
	return conf
}

// reconnecting is how long to wait before a member that was lost is tried again:
// not long, as there are few members and few clients.
func reconnecting() backoff.Config {
	return backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second}
}
