package etcd

import (
	"context"
	"sync/atomic"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// call is what is known of one request besides its answer.
type call struct {
	sent atomic.Bool // something of it has left the process, or may have
	err  error       // as gRPC says it, before etcd's client shortens it
}

type callKey struct{}

// noted returns a context whose one request is noted in the call.
func noted(ctx context.Context) (context.Context, *call) {
	c := &call{}
	return context.WithValue(ctx, callKey{}, c), c
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call) // nil for requests that nobody asks about
	return c
}

// headed is an answer that says at which revision the store is.
type headed interface{ GetHeader() *pb.ResponseHeader }

// noteRevision is an interceptor that notes the newest revision in an answer. The
// store has been there, whatever member has answered.
func (s *Store) noteRevision(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	if answer, ok := reply.(headed); ok && err == nil {
		for now, seen := answer.GetHeader().GetRevision(), s.newest.Load(); now > seen && !s.newest.CompareAndSwap(seen, now); {
			seen = s.newest.Load()
		}
	}
	return err
}

// noteError is an interceptor that notes how a request ended.
func noteError(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	if c := callOf(ctx); c != nil {
		c.err = err
	}
	return err
}

// callHandler notes when a request is sent. gRPC tells of the header of a request
// before it writes anything of the request itself.
type callHandler struct{}

// TagRPC implements stats.Handler.
func (callHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (callHandler) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, header := event.(*stats.OutHeader); !header {
		return
	}
	if c := callOf(ctx); c != nil {
		c.sent.Store(true)
	}
}

// TagConn implements stats.Handler.
func (callHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (callHandler) HandleConn(context.Context, stats.ConnStats) {}
