package attestedgrpc_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/attestedgrpc"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

func TestBothEndsKnowThePeer(t *testing.T) {
	_, s, config := joinWorld(t)
	conn, err := dial(t, s, config)
	if err != nil {
		t.Fatal(err)
	}
	cc, err := attestedgrpc.NewClientConn(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close() //nolint:errcheck // the end of the test
	var called peer.Peer
	if err := call(softtest.Context(t), callWith{cc, grpc.Peer(&called)}); err != nil {
		t.Fatal(err)
	}
	info, ok := called.AuthInfo.(attestedgrpc.AuthInfo)
	if !ok || info.Peer.Role != evidence.JoinService || !info.Peer.Attested() {
		t.Errorf("the client called %+v", called.AuthInfo)
	}
	if info.SecurityLevel != credentials.PrivacyAndIntegrity || info.AuthType() != "attested-tls" {
		t.Errorf("the session is of level %v, type %q", info.SecurityLevel, info.AuthType())
	}
	calls := s.calls()
	if len(calls) != 1 || calls[0].Role != evidence.Joiner || calls[0].Claims == nil || !calls[0].Exporter.Equal(info.Peer.Exporter) {
		t.Errorf("the server was called by %+v", calls)
	}
}

// callWith adds an option to calls.
type callWith struct {
	grpc.ClientConnInterface

	option grpc.CallOption
}

func (c callWith) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.ClientConnInterface.Invoke(ctx, method, args, reply, append(opts, c.option)...)
}

func TestPeerFromContextWithoutSession(t *testing.T) {
	if p, ok := attestedgrpc.PeerFromContext(t.Context()); ok || p != nil {
		t.Errorf("a context without a connection has the peer %v", p)
	}
	ctx := peer.NewContext(t.Context(), &peer.Peer{})
	if p, ok := attestedgrpc.PeerFromContext(ctx); ok || p != nil {
		t.Errorf("a connection without attestation has the peer %v", p)
	}
}

// TestLostSessionIsNotRedialled shows that gRPC's own reconnects cost no
// handshake, whatever calls come.
func TestLostSessionIsNotRedialled(t *testing.T) {
	_, s, config := joinWorld(t)
	conn, err := dial(t, s, config)
	if err != nil {
		t.Fatal(err)
	}
	cc, err := attestedgrpc.NewClientConn(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close() //nolint:errcheck // the end of the test
	ctx := softtest.Context(t)
	if err := call(ctx, cc); err != nil {
		t.Fatal(err)
	}
	s.cut()
	for range 20 {
		if err := call(ctx, cc); status.Code(err) != codes.Unavailable {
			t.Fatalf("a call on a lost session: %v", err)
		}
	}
	cc.ResetConnectBackoff()
	cc.Connect()
	if err := call(ctx, cc); status.Code(err) != codes.Unavailable {
		t.Errorf("a call after gRPC was told to connect: %v", err)
	}
	if started := s.server.Counters().Started; started != 1 {
		t.Errorf("%d handshakes, want 1", started)
	}
}

// TestRefusalCostsOneHandshake wants a refusal to arrive with its type and all
// its findings, and nobody to try again behind the caller's back.
func TestRefusalCostsOneHandshake(t *testing.T) {
	w, s, config := joinWorld(t)
	machine := w.MachineOf(t, evidence.ProcessVTPM, "v0.0.1") // three registers and more differ
	machine.Mark(w.Cluster, w.Owner)
	config.Attester = machine
	_, err := dial(t, s, config)
	var r *attestedtls.Refused
	if !errors.As(err, &r) || !r.ByPeer || len(r.Findings) < 3 {
		t.Fatalf("dialling gave %v", err)
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Remedy == "" || f.Subject == "" || f.Seen == "" && len(f.Expected) == 0 {
			t.Errorf("finding %d does not explain itself: %+v", i, f)
		}
	}
	if c := s.server.Counters(); c.Started != 1 || c.Refused != 1 {
		t.Errorf("handshakes: %+v", c)
	}
}
