package agent_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent"
	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// TestThreat23HugeMessagesAreRefusedUnread sends what is larger than any request
// can be.
func TestThreat23HugeMessagesAreRefusedUnread(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	serve(t, config(folder, m))
	sessions := dialRaw(t, agent.SocketPath(folder, evidence.Join))
	huge := message(session(evidence.Join))
	huge.AttesterHello = make([]byte, 16<<10)
	_, err := agentpb.NewSessionsClient(sessions).Attest(timeLimit(t), &agentpb.AttestRequest{Session: huge})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a session of 16 KiB: %v, want %s", err, codes.ResourceExhausted)
	}
	statements := agentpb.NewStatementsClient(dialRaw(t, agent.StatementsPath(folder)))
	_, err = statements.AttestStatement(timeLimit(t), &agentpb.AttestStatementRequest{
		Nonce: make([]byte, 16), Statement: make([]byte, 1<<20),
	})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a statement of 1 MiB: %v, want %s", err, codes.ResourceExhausted)
	}
	ctx := metadata.AppendToOutgoingContext(timeLimit(t), "x", string(bytes.Repeat([]byte{'x'}, 64<<10)))
	if _, err := agentpb.NewSessionsClient(sessions).Identify(ctx, &agentpb.IdentifyRequest{}); err == nil {
		t.Error("headers of 64 KiB are read")
	}
	if sessions, leaves := m.seen(); len(sessions) != 0 || len(leaves) != 0 {
		t.Error("a refused request reached the machine")
	}
	awaitIdentity(t, dial(t, folder, evidence.Join))
}

// TestThreat23ABodyThatDoesNotCome begins a request and leaves it there.
func TestThreat23ABodyThatDoesNotCome(t *testing.T) {
	folder := shortFolder(t)
	c := config(folder, newMachine())
	c.Timeout = 100 * time.Millisecond
	serve(t, c)
	conn := dialRaw(t, agent.SocketPath(folder, evidence.Join))
	ctx, cancel := context.WithCancel(context.Background()) // the server is not told of a limit
	defer time.AfterFunc(5*time.Second, cancel).Stop()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, agentpb.Sessions_Attest_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(&agentpb.AttestResponse{}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want %s", err, codes.DeadlineExceeded)
	}
}

func TestGarbageHarmsNobody(t *testing.T) {
	folder := shortFolder(t)
	serve(t, config(folder, newMachine()))
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	for name, garbage := range map[string]string{
		"http/1":            "GET / HTTP/1.1\r\nHost: agent\r\n\r\n",
		"zeros":             string(make([]byte, 1<<16)),
		"tls":               "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + string(make([]byte, 32)),
		"frame of 16 MiB":   preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\xff\xff\xff\x00\x00\x00\x00\x00\x01",
		"data on no stream": preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x01\x00\x00\x00\x00\x00\x00x",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("unix", agent.SocketPath(folder, evidence.Join))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			_, _ = conn.Write([]byte(garbage)) // the server may close in the middle
			if err := awaitEnd(conn, 3*time.Second); err != nil {
				t.Errorf("the connection is kept: %v", err)
			}
		})
	}
	awaitIdentity(t, dial(t, folder, evidence.Join))
}

// TestRequestsAreReadStrictly sends what our client would not, and wants the reason
// that it would understand.
func TestRequestsAreReadStrictly(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	serve(t, config(folder, m))
	client := agentpb.NewSessionsClient(dialRaw(t, agent.SocketPath(folder, evidence.Join)))
	for name, change := range map[string]func(*agentpb.ActivateRequest){
		"no session":        func(r *agentpb.ActivateRequest) { r.Session = nil },
		"short exporter":    func(r *agentpb.ActivateRequest) { r.Session.Exporter = make([]byte, 63) },
		"long exporter":     func(r *agentpb.ActivateRequest) { r.Session.Exporter = append(r.Session.Exporter, 0) },
		"no exporter":       func(r *agentpb.ActivateRequest) { r.Session.Exporter = make([]byte, 64) },
		"short attester":    func(r *agentpb.ActivateRequest) { r.Session.AttesterSpki = []byte{1} },
		"no verifier":       func(r *agentpb.ActivateRequest) { r.Session.VerifierSpki = nil },
		"reflected":         func(r *agentpb.ActivateRequest) { r.Session.VerifierSpki = r.Session.AttesterSpki },
		"no hello":          func(r *agentpb.ActivateRequest) { r.Session.AttesterHello = nil },
		"long hello":        func(r *agentpb.ActivateRequest) { r.Session.VerifierHello = make([]byte, evidence.MaxHelloSize+1) },
		"verifier's role":   func(r *agentpb.ActivateRequest) { r.Session.AttesterRole = string(evidence.Owner) },
		"unknown field":     func(r *agentpb.ActivateRequest) { r.ProtoReflect().SetUnknown(unknownField(t)) },
		"unknown in it":     func(r *agentpb.ActivateRequest) { r.Session.ProtoReflect().SetUnknown(unknownField(t)) },
		"no challenge":      func(r *agentpb.ActivateRequest) { r.Challenge = nil },
		"long challenge":    func(r *agentpb.ActivateRequest) { r.Challenge = make([]byte, ports.MaxChallengeSize+1) },
		"not a known role":  func(r *agentpb.ActivateRequest) { r.Session.AttesterRole = "Joiner" },
		"purpose of no use": func(r *agentpb.ActivateRequest) { r.Session.Purpose = "JOIN" },
	} {
		t.Run(name, func(t *testing.T) {
			request := &agentpb.ActivateRequest{Session: message(session(evidence.Join)), Challenge: []byte{1}}
			change(request)
			_, err := client.Activate(timeLimit(t), request)
			if status.Code(err) != codes.InvalidArgument || len(status.Convert(err).Details()) != 1 {
				t.Errorf("got %v, want %s and a reason", err, codes.InvalidArgument)
			}
		})
	}
	if sessions, _ := m.seen(); len(sessions) > 0 {
		t.Error("a refused request reached the machine")
	}
}

// unknownField is a field that none of our messages has.
func unknownField(t *testing.T) []byte {
	t.Helper()
	field, err := proto.Marshal(wrapperspb.String("x"))
	if err != nil {
		t.Fatal(err)
	}
	field[0] = 15<<3 | 2
	return field
}
