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
)

// Bounds of one connection.
const (
	maxRequests   = 128 // at a time
	maxHeaders    = 8 << 10
	handshakeTime = 5 * time.Second
	idleTime      = 5 * time.Minute
)

// socket is one unix socket and the one service behind it.
type socket struct {
	path   string
	gate   *gate
	server *grpc.Server
}

// newGRPCServer returns a server that admits requests of at most maxRequest bytes
// from users whom the gate let in, and that knows no method yet.
func newGRPCServer(timeout time.Duration, maxRequest int) *grpc.Server {
	return grpc.NewServer(
		grpc.Creds(peerCredentials{}),
		grpc.InTapHandle(admission(timeout)),
		grpc.ConnectionTimeout(handshakeTime),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleTime}),
		grpc.MaxConcurrentStreams(maxRequests),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxRecvMsgSize(maxRequest),
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
// socket serves, whatever the method, and the body must come and the answer go
// within the time.
func admission(timeout time.Duration) tap.ServerInHandle {
	return func(ctx context.Context, _ *tap.Info) (context.Context, error) {
		who, ok := peer.FromContext(ctx)
		if !ok {
			return nil, toStatus(ErrDenied)
		}
		if info, ok := who.AuthInfo.(peerInfo); !ok || !info.allowed {
			return nil, toStatus(ErrDenied)
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		context.AfterFunc(ctx, cancel)
		return ctx, nil
	}
}
