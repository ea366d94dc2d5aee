package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/ports"
)

func record(name string) ports.Key { return ports.Key{Collection: ports.Records, Name: name} }

// once writes the record a for an hour, if there is none.
func once() *ports.Transaction {
	return &ports.Transaction{
		If:   []ports.Condition{{Key: record("a")}},
		Then: []ports.Write{{Key: record("a"), Value: []byte("x"), TTL: time.Hour}},
	}
}

// A transaction is sent once, whatever the answer, and no answer is taken for a
// refusal that does not say so.
func TestOutcomes(t *testing.T) {
	answered := map[error]error{
		rpctypes.ErrGRPCNoSpace:                                             ports.ErrStoreFull,
		rpctypes.ErrGRPCNoLeader:                                            ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCRequestTooManyRequests:                              ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCLeaseNotFound:                                       ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCCorrupt:                                             ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCNotCapable:                                          ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCNotSupportedForLearner:                              ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCRequestTooLarge:                                     ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCPermissionDenied:                                    ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCInvalidAuthToken:                                    ports.ErrStoreUnavailable,
		status.Error(codes.Unimplemented, "no etcd"):                        ports.ErrStoreUnavailable,
		status.Error(codes.Unknown, "raft proposal dropped"):                ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCTimeout:                                             ports.ErrOutcomeUnknown,
		rpctypes.ErrGRPCTimeoutDueToLeaderFail:                              ports.ErrOutcomeUnknown,
		rpctypes.ErrGRPCTimeoutDueToConnectionLost:                          ports.ErrOutcomeUnknown,
		rpctypes.ErrGRPCLeaderChanged:                                       ports.ErrOutcomeUnknown,
		rpctypes.ErrGRPCStopped:                                             ports.ErrOutcomeUnknown,
		rpctypes.ErrGRPCCanceled:                                            ports.ErrOutcomeUnknown,
		status.Error(codes.Canceled, "context canceled"):                    ports.ErrOutcomeUnknown,
		status.Error(codes.DeadlineExceeded, "deadline"):                    ports.ErrOutcomeUnknown,
		status.Error(codes.Unavailable, "there is no connection available"): ports.ErrOutcomeUnknown,
		status.Error(codes.Unavailable, "there is no address available"):    ports.ErrOutcomeUnknown,
		status.Error(codes.Internal, "stream terminated"):                   ports.ErrOutcomeUnknown,
		status.Error(codes.Unknown, "something"):                            ports.ErrOutcomeUnknown,
		status.Error(codes.ResourceExhausted, "something"):                  ports.ErrOutcomeUnknown,
		status.Error(codes.Aborted, "something"):                            ports.ErrOutcomeUnknown,
		status.Error(codes.DataLoss, "something"):                           ports.ErrOutcomeUnknown,
	}
	for answer, want := range answered {
		t.Run(answer.Error(), func(t *testing.T) {
			server := newScripted(t)
			s := server.open(t, 0)
			server.set(func() {
				server.txn = func(context.Context, *pb.TxnRequest) (*pb.TxnResponse, error) { return nil, answer }
			})
			_, err := s.Commit(t.Context(), once())
			wantOnly(t, err, want)
			if txns, _ := server.seen(); txns != 1 {
				t.Errorf("the transaction was sent %d times", txns)
			}
			if !strings.Contains(err.Error(), status.Convert(answer).Message()) {
				t.Errorf("the error does not say why: %v", err)
			}
			wantRevoked(t, server, !errors.Is(want, ports.ErrOutcomeUnknown))
		})
	}
}

// wantOnly demands that an error is of one kind.
func wantOnly(t *testing.T, err, want error) {
	t.Helper()
	for _, kind := range []error{
		ports.ErrStoreConflict, ports.ErrStoreFull, ports.ErrStoreUnavailable, ports.ErrOutcomeUnknown, ports.ErrStoreRequest, ports.ErrNoItem,
	} {
		if errors.Is(err, kind) != errors.Is(want, kind) {
			t.Errorf("the error is %v, want %v alone", err, want)
			return
		}
	}
}

// wantRevoked demands that the lease of the transaction was revoked, or was not.
func wantRevoked(t *testing.T, server *scripted, want bool) {
	t.Helper()
	const lease = 1000 + 3600
	for end := time.Now().Add(10 * time.Second); want; time.Sleep(time.Millisecond) {
		server.mu.Lock()
		n := len(server.revoked)
		server.mu.Unlock()
		if n > 0 || time.Now().After(end) {
			break
		}
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if got := fmt.Sprint(server.revoked); want && got != fmt.Sprint([]int64{lease}) || !want && len(server.revoked) > 0 {
		t.Errorf("leases %v were revoked, want %v", got, want)
	}
}

// The lease of a transaction that may have been committed is never revoked: that
// would take the item away. Of one whose conditions did not hold it is.
func TestLeasesAfterConflict(t *testing.T) {
	server := newScripted(t)
	s := server.open(t, 0)
	held := &mvccpb.KeyValue{Key: []byte(etcd.DefaultPrefix + "records/a"), ModRevision: 3}
	server.set(func() {
		server.txn = func(_ context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
			answer := &pb.TxnResponse{Header: &pb.ResponseHeader{Revision: 7}}
			for range r.GetFailure() {
				found := &pb.ResponseOp_ResponseRange{ResponseRange: &pb.RangeResponse{Kvs: []*mvccpb.KeyValue{held}}}
				answer.Responses = append(answer.Responses, &pb.ResponseOp{Response: found})
			}
			return answer, nil
		}
	})
	_, err := s.Commit(t.Context(), once())
	wantOnly(t, err, ports.ErrStoreConflict)
	wantRevoked(t, server, true)
}

// A lease that was not granted is a transaction that was not sent.
func TestGrantFails(t *testing.T) {
	for answer, want := range map[error]error{
		rpctypes.ErrGRPCNoSpace:                          ports.ErrStoreFull,
		rpctypes.ErrGRPCTimeout:                          ports.ErrStoreUnavailable,
		rpctypes.ErrGRPCLeaseTTLTooLarge:                 ports.ErrStoreUnavailable,
		status.Error(codes.Unavailable, "shutting down"): ports.ErrStoreUnavailable,
		status.Error(codes.Canceled, "context canceled"): ports.ErrStoreUnavailable,
		status.Error(codes.DeadlineExceeded, "too late"): ports.ErrStoreUnavailable,
	} {
		t.Run(answer.Error(), func(t *testing.T) {
			server := newScripted(t)
			s := server.open(t, 0)
			first := server.grant
			server.set(func() {
				server.grant = func(r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
					if r.GetTTL() == 3600 {
						return first(r)
					}
					return nil, answer
				}
			})
			tx := once()
			tx.Then = append(tx.Then, ports.Write{Key: record("b"), TTL: 2 * time.Hour})
			_, err := s.Commit(t.Context(), tx)
			wantOnly(t, err, want)
			if txns, _ := server.seen(); txns != 0 {
				t.Errorf("the transaction was sent %d times", txns)
			}
			wantRevoked(t, server, true) // the one that was granted
		})
	}
}

// What one waits for no longer may have happened.
func TestGivenUp(t *testing.T) {
	server := newScripted(t)
	s := server.open(t, 200*time.Millisecond)
	arrived := make(chan struct{}, 1)
	server.set(func() {
		server.txn = func(ctx context.Context, _ *pb.TxnRequest) (*pb.TxnResponse, error) {
			arrived <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := s.Commit(ctx, once())
	wantOnly(t, err, ports.ErrOutcomeUnknown)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	_, err = s.Commit(t.Context(), once()) // the store's own time
	wantOnly(t, err, ports.ErrOutcomeUnknown)
	<-arrived
	if txns, _ := server.seen(); txns != 2 {
		t.Errorf("two transactions were sent %d times", txns)
	}
	wantRevoked(t, server, false)
}

// A connection that breaks under a transaction leaves it open whether it was
// committed; one that is not there leaves no doubt.
func TestConnectionLost(t *testing.T) {
	server := newScripted(t)
	proxy := etcdtest.NewProxy(t, server.listener.Addr().String())
	s := open(t, etcd.Config{Endpoints: []string{proxy.Address()}, Timeout: 500 * time.Millisecond})
	server.set(func() {
		server.txn = func(ctx context.Context, _ *pb.TxnRequest) (*pb.TxnResponse, error) {
			proxy.Cut()
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	tx := once()
	tx.Then[0].TTL = 0
	_, err := s.Commit(t.Context(), tx)
	wantOnly(t, err, ports.ErrOutcomeUnknown)
	_, err = s.Commit(t.Context(), tx)
	wantOnly(t, err, ports.ErrStoreUnavailable)
	_, err = s.Commit(t.Context(), once())
	wantOnly(t, err, ports.ErrStoreUnavailable)
	_, err = s.Get(t.Context(), record("a"))
	wantOnly(t, err, ports.ErrStoreUnavailable)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Commit(ctx, tx)
	wantOnly(t, err, ports.ErrStoreUnavailable)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Commit after its deadline: %v", err)
	}
	if txns, _ := server.seen(); txns != 1 {
		t.Errorf("one transaction has arrived %d times", txns)
	}
}

// Reads are repeated until there is an answer, and not where it will not change.
func TestReadsAreRepeated(t *testing.T) {
	for answer, again := range map[error]bool{
		rpctypes.ErrGRPCNoLeader:                         true,
		rpctypes.ErrGRPCLeaderChanged:                    true,
		rpctypes.ErrGRPCTimeout:                          true,
		rpctypes.ErrGRPCStopped:                          true,
		rpctypes.ErrGRPCCanceled:                         true,
		rpctypes.ErrGRPCNotSupportedForLearner:           true,
		status.Error(codes.Internal, "something"):        true,
		status.Error(codes.DeadlineExceeded, "too late"): true,
		rpctypes.ErrGRPCPermissionDenied:                 false,
		rpctypes.ErrGRPCUserEmpty:                        false,
		rpctypes.ErrGRPCCompacted:                        false,
		rpctypes.ErrGRPCCorrupt:                          false,
	} {
		t.Run(answer.Error(), func(t *testing.T) {
			server := newScripted(t)
			s := server.open(t, 0)
			_, before := server.seen()
			server.set(func() {
				server.read = func(r *pb.RangeRequest) (*pb.RangeResponse, error) {
					if _, reads := server.seen(); reads < before+4 {
						return nil, answer
					}
					return holding(&mvccpb.KeyValue{Key: r.GetKey(), ModRevision: 3, Value: []byte("x")})(r)
				}
			})
			it, err := s.Get(t.Context(), record("a"))
			_, reads := server.seen()
			switch {
			case again && (err != nil || string(it.Value) != "x" || reads != before+4):
				t.Errorf("after %d reads: %v", reads-before, err)
			case !again && reads != before+1:
				t.Errorf("after %d reads: %v", reads-before, err)
			case !again:
				wantOnly(t, err, ports.ErrStoreUnavailable)
			}
		})
	}
}

func TestClosed(t *testing.T) {
	server := newScripted(t)
	s, err := etcd.Open(t.Context(), etcd.Config{Endpoints: []string{server.listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	begun := make(chan struct{}, 1)
	go func() {
		ended <- s.Watch(t.Context(), ports.Records, func(*ports.Update) error {
			select {
			case begun <- struct{}{}:
			default:
			}
			return nil
		})
	}()
	<-begun
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wantOnly(t, <-ended, ports.ErrStoreUnavailable)
	_, err = s.Commit(t.Context(), once())
	wantOnly(t, err, ports.ErrStoreUnavailable)
	_, err = s.Get(t.Context(), record("a"))
	wantOnly(t, err, ports.ErrStoreUnavailable)
	if err := s.Close(); err != nil {
		t.Errorf("Close once more: %v", err)
	}
}
