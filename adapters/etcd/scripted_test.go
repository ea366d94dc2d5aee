package etcd_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"

	"github.com/asterism-k8s/asterism/adapters/etcd"
)

// scripted is a server that speaks etcd's protocol and answers as a test wants.
// What real servers answer under the same circumstances takes luck to see.
type scripted struct {
	pb.UnimplementedKVServer
	pb.UnimplementedLeaseServer
	pb.UnimplementedWatchServer
	listener net.Listener
	server   *grpc.Server

	mu      sync.Mutex
	txn     func(context.Context, *pb.TxnRequest) (*pb.TxnResponse, error)
	read    func(*pb.RangeRequest) (*pb.RangeResponse, error)
	grant   func(*pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error)
	txns    int
	reads   int
	revoked []int64
	scripts [][]*pb.WatchResponse // of the watches, one after the other
	began   []int64               // at which revisions watches began
}

// newScripted starts a server that is empty and takes everything.
func newScripted(t *testing.T) *scripted {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{
		listener: l, server: grpc.NewServer(),
		txn: func(context.Context, *pb.TxnRequest) (*pb.TxnResponse, error) {
			return &pb.TxnResponse{Header: &pb.ResponseHeader{Revision: 7}, Succeeded: true}, nil
		},
		read: func(*pb.RangeRequest) (*pb.RangeResponse, error) {
			return &pb.RangeResponse{Header: &pb.ResponseHeader{Revision: 7}}, nil
		},
		grant: func(r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
			return &pb.LeaseGrantResponse{Header: &pb.ResponseHeader{Revision: 7}, ID: 1000 + r.GetTTL(), TTL: r.GetTTL()}, nil
		},
	}
	pb.RegisterKVServer(s.server, s)
	pb.RegisterLeaseServer(s.server, s)
	pb.RegisterWatchServer(s.server, s)
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(l) }()
	t.Cleanup(func() {
		s.server.Stop()
		<-served
	})
	return s
}

// open opens the store that the server plays.
func (s *scripted) open(t *testing.T, timeout time.Duration) *etcd.Store {
	t.Helper()
	return open(t, etcd.Config{Endpoints: []string{s.listener.Addr().String()}, Timeout: timeout})
}

// set changes the answers.
func (s *scripted) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// seen returns how many transactions and reads have come.
func (s *scripted) seen() (txns, reads int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.txns, s.reads
}

func (s *scripted) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	s.mu.Lock()
	s.txns++
	txn := s.txn
	s.mu.Unlock()
	return txn(ctx, r)
}

func (s *scripted) Range(_ context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	s.mu.Lock()
	s.reads++
	read := s.read
	s.mu.Unlock()
	return read(r)
}

func (s *scripted) LeaseGrant(_ context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	s.mu.Lock()
	grant := s.grant
	s.mu.Unlock()
	return grant(r)
}

func (s *scripted) LeaseRevoke(_ context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = append(s.revoked, r.GetID())
	return &pb.LeaseRevokeResponse{Header: &pb.ResponseHeader{Revision: 7}}, nil
}

// at is the header of an answer at a revision.
func at(revision int64) *pb.ResponseHeader { return &pb.ResponseHeader{Revision: revision} }

// holding is the answer to a read that finds these.
func holding(kvs ...*mvccpb.KeyValue) func(*pb.RangeRequest) (*pb.RangeResponse, error) {
	return func(*pb.RangeRequest) (*pb.RangeResponse, error) {
		return &pb.RangeResponse{Header: &pb.ResponseHeader{Revision: 9}, Kvs: kvs, Count: int64(len(kvs))}, nil
	}
}

// Watch gives each watch the next of the scripts' answers, and keeps the revision
// that it begins at. Without a script it has forgotten what happened.
func (s *scripted) Watch(stream pb.Watch_WatchServer) error {
	for {
		request, err := stream.Recv()
		if err != nil {
			return err
		}
		create := request.GetCreateRequest()
		if create == nil {
			continue
		}
		s.mu.Lock()
		s.began = append(s.began, create.GetStartRevision())
		id, answers := int64(len(s.began)), []*pb.WatchResponse{{Canceled: true, CompactRevision: 20}}
		if s.scripts != nil {
			answers, s.scripts = s.scripts[0], append(s.scripts[1:], nil)
		}
		s.mu.Unlock()
		for _, answer := range append([]*pb.WatchResponse{{Created: true}}, answers...) {
			answer.WatchId = id
			if answer.Header == nil {
				answer.Header = &pb.ResponseHeader{Revision: 9}
			}
			if err := stream.Send(answer); err != nil {
				return err
			}
		}
	}
}
