package agent_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent"
	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// everyMethod lists what a caller could try on a socket: all methods of both
// services, those that gRPC servers like to offer, and ones that do not exist.
func everyMethod() []string {
	methods := []string{
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
		"/grpc.health.v1.Health/Check",
		"/grpc.channelz.v1.Channelz/GetServers",
		"/asterism.agent.v1.Sessions/Sign",
		"/asterism.agent.v1.Statements/Attest",
	}
	return append(methods, slices.Concat(methodsOf(&agentpb.Sessions_ServiceDesc), methodsOf(&agentpb.Statements_ServiceDesc))...)
}

func methodsOf(service *grpc.ServiceDesc) []string {
	var methods []string
	for _, m := range service.Methods {
		methods = append(methods, "/"+service.ServiceName+"/"+m.MethodName)
	}
	for _, s := range service.Streams {
		methods = append(methods, "/"+service.ServiceName+"/"+s.StreamName)
	}
	return methods
}

// call makes a request that each method of both services would take.
func call(t *testing.T, conn *grpc.ClientConn, method string) codes.Code {
	t.Helper()
	var request proto.Message = &agentpb.ActivateRequest{Session: message(session(evidence.Join)), Challenge: []byte{1}}
	switch method {
	case agentpb.Sessions_Identify_FullMethodName:
		request = &agentpb.IdentifyRequest{}
	case agentpb.Sessions_Attest_FullMethodName:
		request = &agentpb.AttestRequest{Session: message(session(evidence.Join))}
	case agentpb.Statements_AttestStatement_FullMethodName:
		request = &agentpb.AttestStatementRequest{Nonce: make([]byte, 16), Statement: []byte{1}}
	}
	return status.Code(conn.Invoke(timeLimit(t), method, request, &agentpb.IdentifyRequest{}))
}

// Threat row 4: the verification socket speaks a service without sessions. Its
// one request has nowhere to put one, and what is behind it can make no other
// evidence.
func TestThreat04VerificationSocketKnowsNoSessions(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	serve(t, config(folder, m))
	conn := dialRaw(t, agent.StatementsPath(folder))
	for _, method := range everyMethod() {
		want := codes.Unimplemented
		if method == agentpb.Statements_AttestStatement_FullMethodName {
			want = codes.OK
		}
		if got := call(t, conn, method); got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
	}
	if sessions, leaves := m.seen(); len(sessions) != 0 || len(leaves) != 1 {
		t.Errorf("the machine saw %d sessions and signed %d leaves, want none and the statement's", len(sessions), len(leaves))
	}
	if got := fieldsOf(&agentpb.AttestStatementRequest{}); !slices.Equal(got, []string{"nonce", "statement"}) {
		t.Errorf("a request for verification holds %v", got)
	}
	if n := reflect.TypeFor[ports.StatementAttester]().NumMethod(); n != 1 {
		t.Errorf("a statement attester has %d methods, want one", n)
	}
}

func fieldsOf(m proto.Message) []string {
	var names []string
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		names = append(names, string(fields.Get(i).Name()))
		if fields.Get(i).Kind() == protoreflect.MessageKind {
			names = append(names, "a message")
		}
	}
	return names
}

// Threat row 4: whatever a caller asks of the verification service, what is signed
// is the verification of those very bytes and the leaf of no session, also where
// nonce and statement are made of a session's parts.
func TestThreat04NoRequestMakesTheVerificationSignerSignASession(t *testing.T) {
	s := session(evidence.Join)
	encoded, err := proto.Marshal(message(s))
	if err != nil {
		t.Fatal(err)
	}
	binding, err := s.Binding()
	if err != nil {
		t.Fatal(err)
	}
	pieces := []string{
		string(encoded), string(binding.Bytes()), string(s.Exporter[:]), "asterism/attested-tls/v1",
		"\x00\x00\x00\x04join\x00\x00\x00\x06joiner\x00\x00\x00\x40", string(s.AttesterHello), "\x00\x00\x00\x20",
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 8).Draw(t, "pieces"), "")
		filler := rapid.SliceOfN(rapid.Byte(), evidence.MinNonceSize, 200).Draw(t, "filler")
		nonce := rapid.SampledFrom([][]byte{filler, []byte(text), binding.Bytes()}).Draw(t, "nonce")
		statement := rapid.SampledFrom([][]byte{filler, []byte(text), binding.Bytes()}).Draw(t, "statement")
		if problem := verificationSigns(nonce[:min(len(nonce), evidence.MaxNonceSize)], statement); problem != "" {
			t.Fatal(problem)
		}
	})
}

// verificationSigns asks for a verification and says what is wrong with what the
// machine signed for it.
func verificationSigns(nonce, statement []byte) (problem string) {
	m := newMachine()
	request := &agentpb.AttestStatementRequest{Nonce: nonce, Statement: statement}
	_, err := agent.StatementService(m).AttestStatement(context.Background(), request)
	sessions, leaves := m.seen()
	want, invalid := evidence.NewVerificationBinding(nonce, statement)
	switch {
	case (err == nil) != (invalid == nil):
		return "the service and the binding do not agree on what can be asked"
	case len(sessions) > 0:
		return "the machine was given a session"
	case invalid != nil && m.asked > 0:
		return "a request that was refused reached the machine"
	case invalid == nil && !slices.Equal(leaves, []evidence.Leaf{want.Leaf()}):
		return "something else was signed than the verification of nonce and statement"
	}
	for _, s := range sessionsOf(nonce, statement) {
		if binding, err := s.Binding(); err == nil && slices.Contains(leaves, binding.Leaf()) {
			return "the leaf of a session was signed"
		}
	}
	return ""
}

// sessionsOf returns sessions that somebody might hope to get evidence for: a
// well-known one of each purpose, and ones made of the request's bytes.
func sessionsOf(nonce, statement []byte) []*evidence.Session {
	var all []*evidence.Session
	for _, p := range []evidence.Purpose{
		evidence.Init, evidence.Join, evidence.Rejoin, evidence.Recover, evidence.Attest, evidence.Admin, evidence.Unseal,
	} {
		known, made := session(p), session(p)
		made.AttesterHello, made.VerifierHello = nonce, statement
		copy(made.Exporter[:], nonce)
		copy(made.AttesterSPKI[:], statement)
		all = append(all, known, made)
	}
	return all
}

// Threat row 10: a user who may not use a socket reaches no method of it, whether
// it exists or not, and nothing that a request says changes that.
func TestThreat10StrangersReachNoMethod(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	c := config(folder, m)
	c.Purposes = map[evidence.Purpose]agent.Access{evidence.Join: somebodyElse()}
	c.Readers = somebodyElse()
	serve(t, c)
	for _, path := range []string{agent.SocketPath(folder, evidence.Join), agent.StatementsPath(folder)} {
		conn := dialRaw(t, path)
		for _, method := range everyMethod() {
			if got := call(t, conn, method); got != codes.PermissionDenied {
				t.Errorf("%s on %s: %s, want %s", method, path, got, codes.PermissionDenied)
			}
		}
	}
	if _, err := dial(t, folder, evidence.Join).Identity(timeLimit(t)); !errors.Is(err, agent.ErrDenied) {
		t.Errorf("a client is told %v, want ErrDenied", err)
	}
	if _, err := dialStatements(t, folder).AttestStatement(timeLimit(t), make([]byte, 16), []byte{1}); !errors.Is(err, agent.ErrDenied) {
		t.Errorf("a client is told %v, want ErrDenied", err)
	}
	if sessions, leaves := m.seen(); len(sessions) != 0 || len(leaves) != 0 {
		t.Error("a stranger's request reached the machine")
	}
}

// Threat row 10: the socket of a purpose serves the methods of sessions, to those
// who may use it, and no other.
func TestThreat10SocketsServeNothingElse(t *testing.T) {
	folder := shortFolder(t)
	serve(t, config(folder, newMachine()))
	conn := dialRaw(t, agent.SocketPath(folder, evidence.Join))
	for _, method := range everyMethod() {
		want := codes.Unimplemented
		if slices.Contains(methodsOf(&agentpb.Sessions_ServiceDesc), method) {
			want = codes.OK
		}
		if got := call(t, conn, method); got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
	}
}

// Threat row 31: who holds the socket of one purpose obtains nothing of another,
// even if they leave out the checks of our client.
func TestThreat31ASocketServesItsPurposeOnly(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	serve(t, config(folder, m))
	for _, own := range []evidence.Purpose{evidence.Join, evidence.Attest} {
		client := agentpb.NewSessionsClient(dialRaw(t, agent.SocketPath(folder, own)))
		for _, p := range []evidence.Purpose{
			evidence.Init, evidence.Join, evidence.Rejoin, evidence.Recover, evidence.Attest, evidence.Admin, evidence.Unseal, "", "verification",
		} {
			if p == own {
				continue
			}
			_, err := client.Attest(timeLimit(t), &agentpb.AttestRequest{Session: message(session(p))})
			if code := status.Code(err); code != codes.PermissionDenied && code != codes.InvalidArgument {
				t.Errorf("Attest for %q on the socket of %q: %v", p, own, err)
			}
			_, err = client.Activate(timeLimit(t), &agentpb.ActivateRequest{Session: message(session(p)), Challenge: []byte{1}})
			if code := status.Code(err); code != codes.PermissionDenied && code != codes.InvalidArgument {
				t.Errorf("Activate for %q on the socket of %q: %v", p, own, err)
			}
		}
	}
	if sessions, leaves := m.seen(); len(sessions) != 0 || len(leaves) != 0 {
		t.Error("a request for another purpose reached the machine")
	}
}
