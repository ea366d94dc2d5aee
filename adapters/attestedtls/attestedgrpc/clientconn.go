package attestedgrpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
)

// ErrLost says that a client connection's one session is gone.
var ErrLost = errors.New("the attested session is lost")

// startTime bounds how long gRPC may take to start on a session, which takes it no
// input or output.
const startTime = 5 * time.Second

// NewClientConn makes a gRPC connection of one session. It owns the session from
// then on, never dials, and fails with codes.Unavailable once the session is lost.
// Options about dialling and credentials have no effect.
func NewClientConn(conn *attestedtls.Conn, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	once := &oneShot{conn: conn, taken: make(chan struct{})}
	opts = append(opts,
		grpc.WithContextDialer(once.dial),
		grpc.WithTransportCredentials(carrier{}),
		grpc.WithIdleTimeout(0), // gRPC would close the session, and dial later
		grpc.WithDisableServiceConfig(),
	)
	cc, err := grpc.NewClient("passthrough:///attested-session", opts...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("putting gRPC on the session: %w", err), conn.Close())
	}
	cc.Connect()
	select {
	case <-once.taken: // closing cc closes the session from here on
		return cc, nil
	case <-time.After(startTime):
		return nil, errors.Join(errors.New("gRPC does not start on the session"), cc.Close(), conn.Close())
	}
}

// oneShot hands out its session once.
type oneShot struct {
	conn  *attestedtls.Conn
	used  atomic.Bool
	taken chan struct{}
}

func (o *oneShot) dial(context.Context, string) (net.Conn, error) {
	if !o.used.CompareAndSwap(false, true) {
		return nil, ErrLost
	}
	close(o.taken)
	return o.conn, nil
}
