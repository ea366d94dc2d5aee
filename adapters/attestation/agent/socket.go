package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/tap"

	"github.com/asterism-k8s/asterism/ports"
)

// Bounds of one connection.
const (
	maxHeaders    = 8 << 10
	window        = 64 << 10 // bytes of a request that may come before they are read
	handshakeTime = 5 * time.Second
	idleTime      = 5 * time.Minute
)

// socket is one unix socket and the one service behind it.
type socket struct {
	path   string
	gate   *gate
	server *grpc.Server
}

// bounds are what the requests to one socket may take.
type bounds struct {
	requests int // at a time, over all connections
	size     int // bytes of a request
}

// newGRPCServer returns a server that admits requests within the bounds from users
// whom the gate let in, and that knows no method yet. One connection may make all
// of the requests. The windows do not grow: they would multiply what requests hold.
func newGRPCServer(timeout time.Duration, b bounds) *grpc.Server {
	return grpc.NewServer(
		grpc.Creds(peerCredentials{}),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.InTapHandle(admission(timeout, make(chan struct{}, b.requests))),
		grpc.ConnectionTimeout(handshakeTime),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleTime}),
		grpc.MaxConcurrentStreams(uint32(b.requests)),
		grpc.StaticStreamWindowSize(window),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxRecvMsgSize(b.size),
		grpc.MaxSendMsgSize(maxAnswer),
	)
}

func (s *socket) serve() error {
	err := s.server.Serve(s.gate)
	if err == nil || errors.Is(err, grpc.ErrServerStopped) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return fmt.Errorf("serving %s: %w", s.path, err)
}

// stop ends the server. A server that was never started does not know the gate.
func (s *socket) stop() {
	s.server.GracefulStop()
	_ = s.gate.Close()
}

// admission decides before a request's body is read: the user must be one whom the
// socket serves, whatever the method, there must be a place, and the body must
// come and the answer go within the time.
func admission(timeout time.Duration, places chan struct{}) tap.ServerInHandle {
	return func(ctx context.Context, _ *tap.Info) (context.Context, error) {
		if !mayEnter(ctx) {
			return nil, toStatus(ErrDenied)
		}
		leave, err := enter(places)
		if err != nil {
			return nil, toStatus(err)
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		context.AfterFunc(ctx, func() { cancel(); leave() })
		return ctx, nil
	}
}

func mayEnter(ctx context.Context) bool {
	who, ok := peer.FromContext(ctx)
	if !ok {
		return false
	}
	info, ok := who.AuthInfo.(peerInfo)
	return ok && info.allowed
}

// enter takes a place, or refuses at once: who waited here would be waiting unseen
// by those who decide about waiting, and tell how long it takes.
func enter(places chan struct{}) (leave func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, fmt.Errorf("%w: %d requests are under way already, try again later", ports.ErrUnavailable, cap(places))
	}
}
