package attestedtls_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/attestedgrpc"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/owner"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
)

// joins is a JoinService over gRPC: its one method answers who is verified to be
// there.
type joins struct {
	healthpb.UnimplementedHealthServer

	address string
	server  *attestedtls.Server
	peers   chan *attestedtls.Peer
}

// Check stands for every method that a service has.
func (j *joins) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	peer, ok := attestedgrpc.PeerFromContext(ctx)
	if !ok || !peer.Attested() {
		return nil, status.Error(codes.Unauthenticated, "nobody is verified to be there")
	}
	j.peers <- peer
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
}

func serveJoins(t *testing.T, c attestedtls.ServerConfig) *joins {
	t.Helper()
	server, err := attestedtls.NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	j := &joins{address: listener.Addr().String(), server: server, peers: make(chan *attestedtls.Peer, 16)}
	s := grpc.NewServer(grpc.Creds(attestedgrpc.ServerCredentials(server)), grpc.ConnectionTimeout(time.Minute))
	healthpb.RegisterHealthServer(s, j)
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return j
}

func (j *joins) dial(c *attestedtls.ClientConfig) func(context.Context) (*attestedtls.Conn, error) {
	return func(ctx context.Context) (*attestedtls.Conn, error) {
		return attestedtls.Dial(ctx, "tcp", j.address, c)
	}
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// A handler reads who called, and parses nothing.
func TestGRPCHandlersKnowTheirCaller(t *testing.T) {
	c := with(t)
	ends := c.ours.ends(evidence.Join)
	j := serveJoins(t, ends.server)
	conn, err := j.dial(ends.client)(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	cc, err := attestedgrpc.NewClientConn(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(cc)
	for range 3 {
		if _, err := healthpb.NewHealthClient(cc).Check(bounded(t), &healthpb.HealthCheckRequest{}); err != nil {
			t.Fatal(err)
		}
		peer := <-j.peers
		if peer.Role != evidence.Joiner || peer.Claims.TPM.AKProof != policy.AKActivated {
			t.Errorf("the handler sees %+v", peer)
		}
	}
	if got := j.server.Counters(); got.Started != 1 || got.Admitted != 1 {
		t.Errorf("three calls cost %+v", got)
	}
}

// A machine with two faults is told of both, typed, for one handshake and no more:
// with Dial, and behind a Redialer whose calls go on.
func TestRefusalsArriveWholeForOneHandshake(t *testing.T) {
	c := with(t)
	faulty, err := world.NewMachine(t.Context(), "faulty", c.maker, "evil", c.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(faulty) })
	if err := faulty.Enrol(t.Context(), c.sister.cluster); err != nil {
		t.Fatal(err)
	}
	config := c.ours.Joiner(faulty)
	check := func(t *testing.T, j *joins, err error) {
		t.Helper()
		got := result{err: err}
		refused := got.refused()
		if refused == nil || !refused.ByPeer {
			t.Fatalf("got %v, want a refusal", err)
		}
		for _, want := range []policy.Code{policy.CodePCRMismatch, policy.CodeMarkMismatch} {
			if !slices.Contains(got.codes(), want) {
				t.Errorf("%s is not among %v", want, got.codes())
			}
		}
		if counters := j.server.Counters(); counters.Started != 1 || counters.Refused != 1 {
			t.Errorf("the refusal cost %+v, want one handshake", counters)
		}
	}
	t.Run("Dial", func(t *testing.T) {
		j := serveJoins(t, c.ours.JoinService(c.ours.service))
		_, err := j.dial(config)(bounded(t))
		check(t, j, err)
	})
	t.Run("Redialer", func(t *testing.T) {
		j := serveJoins(t, c.ours.JoinService(c.ours.service))
		r := attestedgrpc.NewRedialer(attestedgrpc.RedialerConfig{Dial: j.dial(config)})
		defer shut(r)
		for range 5 {
			_, err := healthpb.NewHealthClient(r).Check(bounded(t), &healthpb.HealthCheckRequest{})
			if status.Code(err) != codes.PermissionDenied {
				t.Errorf("the call fails with %v", status.Code(err))
			}
			check(t, j, err)
		}
		if s := r.Status(); s.State != attestedgrpc.Refused {
			t.Errorf("the Redialer is %v", s.State)
		}
	})
}

// A session that is lost costs one more handshake, which a Redialer makes by
// itself.
func TestLostSessionsAreMadeAgain(t *testing.T) {
	c := with(t)
	ends := c.ours.ends(evidence.Join)
	j := serveJoins(t, ends.server)
	sessions := make(chan *attestedtls.Conn, 4)
	r := attestedgrpc.NewRedialer(attestedgrpc.RedialerConfig{
		Dial: func(ctx context.Context) (*attestedtls.Conn, error) {
			conn, err := j.dial(ends.client)(ctx)
			if err == nil {
				sessions <- conn
			}
			return conn, err
		},
		Backoff: attestedgrpc.Backoff{Least: time.Millisecond},
	})
	defer shut(r)
	call := func() error {
		_, err := healthpb.NewHealthClient(r).Check(bounded(t), &healthpb.HealthCheckRequest{})
		return err
	}
	if err := call(); err != nil {
		t.Fatal(err)
	}
	shut(<-sessions)
	again := <-sessions // made without a call
	if err := call(); err != nil {
		t.Fatal(err)
	}
	if counters := j.server.Counters(); counters.Started != 2 || counters.Admitted != 2 {
		t.Errorf("a lost session cost %+v", counters)
	}
	shut(again)
}

// What the owner signs over one session is worth nothing in another, so that a tool
// that was led astray has given nothing away.
func TestOwnersRequestsAreOfOneSession(t *testing.T) {
	c := with(t)
	signed := func(t *testing.T) (client, server *attestedtls.Peer) {
		t.Helper()
		atClient, atServer := c.ours.ends(evidence.Admin).meet(t)
		if err := errors.Join(atClient.err, atServer.err); err != nil {
			t.Fatal(err)
		}
		return atClient.conn.Peer(), atServer.conn.Peer()
	}
	atClient, atServer := signed(t)
	_, elsewhere := signed(t)
	request := []byte("show the nodes")
	document, err := c.ours.cluster.Owner.Document()
	if err != nil {
		t.Fatal(err)
	}
	signatures := c.ours.cluster.Owner.Sign(requestPayload(t, atClient, request))
	if err := document.Verify(requestPayload(t, atServer, request), signatures); err != nil {
		t.Errorf("the server does not believe the owner: %v", err)
	}
	if document.Verify(requestPayload(t, elsewhere, request), signatures) == nil {
		t.Error("another session's server believes the request")
	}
}

// requestPayload is what an owner signs over the session that the peer's other end
// holds.
func requestPayload(t *testing.T, p *attestedtls.Peer, request []byte) owner.Payload {
	t.Helper()
	payload, err := owner.RequestPayload(p.Purpose, p.Exporter.Reveal(), p.ServerSPKI, request)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}
