package agent

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

// maxBackoff is how long a client that lost its agent waits at most before it
// tries again: the agent is on this machine, and starts again in a moment.
const maxBackoff = time.Second

// link is a client's way to a socket. No more requests take it than one connection
// carries at a time: gRPC would let the others wait until their time is up.
type link struct {
	conn   *grpc.ClientConn
	places chan struct{}
}

func newLink(path string, maxRequests int) (*link, error) {
	if err := checkPath(path); err != nil {
		return nil, fmt.Errorf("dialling the agent: %w", err)
	}
	retry := backoff.DefaultConfig
	retry.BaseDelay, retry.MaxDelay = maxBackoff/10, maxBackoff
	conn, err := grpc.NewClient("passthrough:///agent",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: maxBackoff}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithDisableServiceConfig(),
	)
	if err != nil {
		return nil, fmt.Errorf("dialling the agent at %s: %w", path, err)
	}
	return &link{conn, make(chan struct{}, maxRequests)}, nil
}

// ask makes a request where there is a place for it. What it returns is an error of
// the port; the error of this machine's own bounds wraps ports.ErrUnavailable.
func ask[Q, A any](ctx context.Context, l *link, method func(context.Context, Q, ...grpc.CallOption) (A, error), request Q) (A, error) {
	leave, err := enter(l.places)
	if err != nil {
		var none A
		return none, err
	}
	defer leave()
	answer, err := method(ctx, request)
	if err != nil {
		return answer, fromStatus(ctx, err)
	}
	return answer, nil
}

func (l *link) close() error {
	if err := l.conn.Close(); err != nil {
		return fmt.Errorf("closing the way to the agent: %w", err)
	}
	return nil
}
