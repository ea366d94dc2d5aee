package agent_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent"
	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// FuzzSessionRequest holds that a request that is served is for the socket's
// purpose and for the very session that it describes, in the one encoding that it
// has, and that any other is refused with a reason.
func FuzzSessionRequest(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		request := &agentpb.ActivateRequest{}
		if proto.Unmarshal(data, request) != nil {
			return
		}
		m := newMachine()
		_, err := agent.SessionService(evidence.Join, m).Activate(context.Background(), request)
		seen, _ := m.seen()
		if err != nil {
			checkReasoned(t, err)
			if len(seen) > 0 {
				t.Error("a refused request reached the machine")
			}
			return
		}
		if len(seen) != 1 || seen[0].Purpose != evidence.Join {
			t.Fatalf("the machine saw %+v, want one session to join", seen)
		}
		served := &agentpb.ActivateRequest{Session: message(&seen[0]), Challenge: m.challenges[0]}
		if !proto.Equal(served, request) {
			t.Errorf("asked for %v, served %v", request, served)
		}
		leafOf(t, &seen[0])
	})
}

// FuzzStatementRequest holds that no bytes make the verification service sign
// anything but the verification of the request's nonce and statement.
func FuzzStatementRequest(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		request := &agentpb.AttestStatementRequest{}
		if proto.Unmarshal(data, request) != nil {
			return
		}
		if len(request.ProtoReflect().GetUnknown()) > 0 {
			_, err := agent.StatementService(newMachine()).AttestStatement(context.Background(), request)
			checkReasoned(t, err)
			return
		}
		if problem := verificationSigns(request.GetNonce(), request.GetStatement()); problem != "" {
			t.Error(problem)
		}
	})
}

func checkReasoned(t *testing.T, err error) {
	t.Helper()
	switch st := status.Convert(err); {
	case st.Code() != codes.InvalidArgument && st.Code() != codes.PermissionDenied:
		t.Errorf("refused as %s: %v", st.Code(), err)
	case len(st.Details()) != 1:
		t.Errorf("refused without a reason: %v", err)
	}
}
