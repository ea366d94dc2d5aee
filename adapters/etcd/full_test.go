package etcd_test

import (
	"context"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asterism-k8s/asterism/adapters/etcd"
	"github.com/asterism-k8s/asterism/ports"
)

// That there is no room says nothing about a transaction. Only where what was to be
// written has not been since before it was sent nothing was written of it. The
// client has seen the store at revision 7.
func TestThreat30NoRoomIsNoAnswer(t *testing.T) {
	key := []byte(etcd.DefaultPrefix + "records/a")
	found := func(now, modified int64) func(*pb.RangeRequest) (*pb.RangeResponse, error) {
		return func(*pb.RangeRequest) (*pb.RangeResponse, error) {
			return &pb.RangeResponse{Header: at(now), Kvs: []*mvccpb.KeyValue{{Key: key, ModRevision: modified}}, Count: 1}, nil
		}
	}
	failing := func(*pb.RangeRequest) (*pb.RangeResponse, error) {
		return nil, status.Error(codes.PermissionDenied, "no")
	}
	write := ports.Write{Key: record("a"), Value: []byte("x")}
	for name, tt := range map[string]struct {
		tx   ports.Transaction
		read func(*pb.RangeRequest) (*pb.RangeResponse, error)
		want error
	}{
		"there since before":        {ports.Transaction{Then: []ports.Write{write}}, found(20, 5), ports.ErrStoreFull},
		"written since":             {ports.Transaction{Then: []ports.Write{write}}, found(20, 8), ports.ErrOutcomeUnknown},
		"as the condition has it":   {ports.Transaction{If: []ports.Condition{{Key: write.Key, Revision: 12}}, Then: []ports.Write{write}}, found(20, 12), ports.ErrStoreFull},
		"later than the condition":  {ports.Transaction{If: []ports.Condition{{Key: write.Key, Revision: 12}}, Then: []ports.Write{write}}, found(20, 13), ports.ErrOutcomeUnknown},
		"not there, nothing since":  {ports.Transaction{Then: []ports.Write{write}}, atRevision(7), ports.ErrStoreFull},
		"not there, others since":   {ports.Transaction{Then: []ports.Write{write}}, atRevision(8), ports.ErrOutcomeUnknown},
		"the store went back":       {ports.Transaction{Then: []ports.Write{write}}, found(6, 5), ports.ErrOutcomeUnknown},
		"no answer":                 {ports.Transaction{Then: []ports.Write{write}}, failing, ports.ErrOutcomeUnknown},
		"nothing but what it takes": {ports.Transaction{Then: []ports.Write{{Key: write.Key, Delete: true}}}, atRevision(7), ports.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			server := newScripted(t)
			s := server.open(t, time.Second)
			server.set(func() {
				server.read = tt.read
				server.txn = func(context.Context, *pb.TxnRequest) (*pb.TxnResponse, error) { return nil, rpctypes.ErrGRPCNoSpace }
			})
			_, err := s.Commit(t.Context(), &tt.tx)
			wantOnly(t, err, tt.want)
			if txns, _ := server.seen(); txns != 1 {
				t.Errorf("the transaction was sent %d times", txns)
			}
		})
	}
}
