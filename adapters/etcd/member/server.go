package member

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"google.golang.org/grpc"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/adapters/etcd/internal/zaplog"
	"github.com/asterism-k8s/asterism/ports"
)

// progressInterval is how often a watch without changes is told how far it is.
const progressInterval = time.Minute

// maxLearners is how many members may be catching up at once. One learner more
// costs the leader one snapshot at a time.
const maxLearners = 2

// server returns etcd's configuration. What is not set here keeps etcd's default:
// among others that a reconfiguration which would cost the majority is refused,
// and that a member which comes back does not disturb the leader.
func (c *Config) server(register func(*grpc.Server)) (*embed.Config, error) {
	conf := embed.NewConfig()
	conf.Name, conf.Dir = c.Name, c.Folder
	conf.InitialCluster, conf.InitialClusterToken = c.initialCluster(), c.Token
	conf.ClusterState = embed.ClusterStateFlagNew
	if c.Join {
		conf.ClusterState = embed.ClusterStateFlagExisting
	}
	conf.ListenPeerUrls, conf.ListenClientUrls = c.urls(c.PeerAddress), c.urls(c.ClientAddress)
	conf.AdvertisePeerUrls, conf.AdvertiseClientUrls = conf.ListenPeerUrls, conf.ListenClientUrls
	// gRPC has the client port for itself, which is faster and fairer. etcd then
	// wants another address for HTTP, under the same conditions. Nothing asks it.
	conf.ListenClientHttpUrls = c.urls("127.0.0.2:0")
	conf.ClientTLSInfo, conf.PeerTLSInfo = c.ClientTLS.info(), c.PeerTLS.info()
	conf.TlsMinVersion = "TLS1.3"
	conf.QuotaBackendBytes = c.Quota
	conf.MaxRequestBytes, conf.MaxTxnOps = etcd.MaxRequestSize, ports.MaxOperations
	conf.AutoCompactionMode, conf.AutoCompactionRetention = embed.CompactorModePeriodic, max(c.History, 0).String()
	conf.WatchProgressNotifyInterval = progressInterval
	conf.MaxLearners = maxLearners
	conf.UnsafeNoFsync = c.UnsafeNoFsync
	conf.ServiceRegister = register
	conf.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zaplog.New(c.Logger))
	if err := conf.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return conf, nil
}

// info returns the files as etcd wants them; without any there is no TLS.
func (f *Files) info() transport.TLSInfo {
	if f == nil {
		return transport.TLSInfo{}
	}
	return transport.TLSInfo{CertFile: f.Certificate, KeyFile: f.Key, TrustedCAFile: f.Authority, ClientCertAuth: true}
}

func (c *Config) scheme() string {
	if c.Insecure {
		return "http"
	}
	return "https"
}

func (c *Config) urls(address string) []url.URL {
	return []url.URL{{Scheme: c.scheme(), Host: address}}
}

// initialCluster returns the peers as etcd writes them.
func (c *Config) initialCluster() string {
	peers := c.Peers
	if len(peers) == 0 {
		peers = []Peer{{Name: c.Name, Address: c.PeerAddress}}
	}
	all := make([]string, len(peers))
	for i, p := range peers {
		all[i] = p.Name + "=" + c.scheme() + "://" + p.Address
	}
	return strings.Join(all, ",")
}

// settled returns the configuration with free ports in place of port 0, and
// whether there were any. Peers and clients are told of the ports before the
// server listens on them, so that they have to be known by then.
func (c Config) settled(ctx context.Context) (Config, bool, error) {
	addresses, err := freePorts(ctx, c.ClientAddress, c.PeerAddress)
	if err != nil {
		return c, false, err
	}
	chosen := addresses[0] != c.ClientAddress || addresses[1] != c.PeerAddress
	c.ClientAddress, c.PeerAddress = addresses[0], addresses[1]
	return c, chosen, nil
}

// freePorts returns addresses with a free port in place of port 0. Each port is
// taken while it looks for the next, or that could be the same.
func freePorts(ctx context.Context, addresses ...string) ([]string, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	first := addresses[0]
	if netip.MustParseAddrPort(first).Port() == 0 {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", first)
		if err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		first = l.Addr().String()
	}
	rest, err := freePorts(ctx, addresses[1:]...)
	return append([]string{first}, rest...), err
}
