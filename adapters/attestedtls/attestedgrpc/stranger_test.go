package attestedgrpc_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/attestedgrpc"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// TestRedialerWaitsForStrangers bounds what a peer that proved nothing can cause
// by its refusal.
func TestRedialerWaitsForStrangers(t *testing.T) {
	b := attestedgrpc.Backoff{Least: time.Second, Most: time.Minute, Refused: 5 * time.Minute}
	for name, c := range map[string]struct {
		refused     attestedtls.Refused
		least, most time.Duration
	}{
		"an attested server":               {attestedtls.Refused{ByPeer: true, Attested: true, RetryAfter: time.Hour}, time.Hour, 2 * time.Hour},
		"a stranger":                       {attestedtls.Refused{ByPeer: true, RetryAfter: time.Hour}, 0, b.Most},
		"a stranger that wants no attempt": {attestedtls.Refused{ByPeer: true}, b.Refused / 2, b.Refused},
	} {
		for range 20 { // waits are random
			c.refused.Findings = []policy.Finding{{Code: policy.CodeServerBusy, Severity: policy.Refuse}}
			waits := make(chan time.Duration, 10)
			r := attestedgrpc.NewRedialer(attestedgrpc.RedialerConfig{
				Dial:    func(context.Context) (*attestedtls.Conn, error) { return nil, &c.refused },
				Backoff: b,
				Changed: func(s attestedgrpc.Status) {
					if s.Wait > 0 {
						waits <- s.Wait
					}
				},
			})
			if wait := <-waits; wait < c.least || wait > c.most {
				t.Errorf("%s is waited for %v, want %v to %v", name, wait, c.least, c.most)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// connEnd tells when gRPC lost its first connection.
type connEnd struct {
	once sync.Once
	seen chan struct{}
}

// TagRPC implements stats.Handler.
func (*connEnd) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (*connEnd) HandleRPC(context.Context, stats.RPCStats) {}

// TagConn implements stats.Handler.
func (*connEnd) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (e *connEnd) HandleConn(_ context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); ok {
		e.once.Do(func() { close(e.seen) })
	}
}

// TestRedialerNoticesAnEarlyLoss loses the session before the Redialer watches it.
func TestRedialerNoticesAnEarlyLoss(t *testing.T) {
	_, s, config := joinWorld(t)
	end := &connEnd{seen: make(chan struct{})}
	readies := make(chan struct{}, 100)
	first := true
	redialer := make(chan *attestedgrpc.Redialer, 1)
	r := attestedgrpc.NewRedialer(attestedgrpc.RedialerConfig{
		Dial: func(ctx context.Context) (*attestedtls.Conn, error) {
			return attestedtls.Dial(ctx, "tcp", s.address, config)
		},
		Options: []grpc.DialOption{grpc.WithStatsHandler(end)},
		Backoff: attestedgrpc.Backoff{Least: time.Millisecond},
		Changed: func(status attestedgrpc.Status) {
			if status.State != attestedgrpc.Ready {
				return
			}
			readies <- struct{}{}
			if first {
				first = false
				if err := call(context.Background(), <-redialer); err != nil { // so that gRPC is ready
					t.Error(err)
				}
				s.cut()
				select {
				case <-end.seen:
				case <-time.After(impatience):
				}
				time.Sleep(50 * time.Millisecond) // gRPC says that the connection ended, then becomes idle
			}
		},
	})
	defer r.Close() //nolint:errcheck // the end of the test
	redialer <- r
	for range 2 {
		select {
		case <-readies:
		case <-time.After(2 * impatience):
			t.Fatalf("it is %v on a dead session", r.Status().State)
		}
	}
}
