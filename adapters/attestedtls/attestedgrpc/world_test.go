package attestedgrpc_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/attestedgrpc"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// service is a gRPC server with one harmless method behind attested sessions.
type service struct {
	server  *attestedtls.Server
	grpc    *grpc.Server
	address string

	mu    sync.Mutex
	conns []net.Conn          // accepted
	peers []*attestedtls.Peer // of calls
}

// start serves on the loopback until the test ends.
func start(t *testing.T, c attestedtls.ServerConfig) *service {
	t.Helper()
	s := &service{server: softtest.NewServer(t, c)}
	s.grpc = grpc.NewServer(
		grpc.Creds(attestedgrpc.ServerCredentials(s.server)),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if p, ok := attestedgrpc.PeerFromContext(ctx); ok {
				s.record(p)
			}
			return handler(ctx, req)
		}),
	)
	healthpb.RegisterHealthServer(s.grpc, health.NewServer())
	l := softtest.Listen(t)
	s.address = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.grpc.Serve(&recorder{l, s}) }()
	t.Cleanup(func() {
		s.grpc.Stop()
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return s
}

func (s *service) record(p *attestedtls.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers = append(s.peers, p)
}

// calls returns who called so far.
func (s *service) calls() []*attestedtls.Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*attestedtls.Peer(nil), s.peers...)
}

// cut ends all connections, as a network does.
func (s *service) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}

// recorder remembers the connections that it accepts.
type recorder struct {
	net.Listener

	service *service
}

func (r *recorder) Accept() (net.Conn, error) {
	c, err := r.Listener.Accept()
	if err == nil {
		r.service.mu.Lock()
		r.service.conns = append(r.service.conns, c)
		r.service.mu.Unlock()
	}
	return c, err
}

func dial(t *testing.T, s *service, c *attestedtls.ClientConfig) (*attestedtls.Conn, error) {
	t.Helper()
	return attestedtls.Dial(softtest.Context(t), "tcp", s.address, c)
}

func call(ctx context.Context, cc grpc.ClientConnInterface) error {
	_, err := healthpb.NewHealthClient(cc).Check(ctx, &healthpb.HealthCheckRequest{})
	return err
}

// impatience bounds calls that are to fail.
const impatience = 5 * time.Second

// joinWorld returns a service for joiners, and the configuration of one.
func joinWorld(t *testing.T) (*softtest.World, *service, *attestedtls.ClientConfig) {
	t.Helper()
	w := softtest.New(t)
	s := start(t, w.Server(t, evidence.Join))
	config := w.Client(t, evidence.Join, evidence.Joiner)
	return w, s, config
}
