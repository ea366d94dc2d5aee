package agent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent"
	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// machine stands for an attester: what it signs is computed as a real one does,
// by package evidence, and noted. Its evidence's body is the report data.
type machine struct {
	key     evidence.AttestationKey
	fails   error
	wait    chan struct{} // requests wait until it is closed, or their time is up
	arrived chan struct{} // where not nil, is told of each request

	mu         sync.Mutex
	asked      int // requests, also those that it could not bind to
	sessions   []evidence.Session
	challenges [][]byte
	leaves     []evidence.Leaf
}

func newMachine() *machine {
	return &machine{key: evidence.HashAttestationKey([]byte("attestation key"))}
}

func (m *machine) Identity(ctx context.Context) (*ports.Identity, error) {
	if err := m.delay(ctx); err != nil {
		return nil, err
	}
	return &ports.Identity{
		Platform: evidence.ProcessVTPM, EKCertificate: []byte("ek certificate"), EKPublic: []byte("ek"),
		AKPublic: []byte("ak"), AKCertificate: []byte("ak certificate"),
	}, nil
}

func (m *machine) Activate(ctx context.Context, s *evidence.Session, challenge []byte) (ports.Proof, error) {
	if err := m.delay(ctx); err != nil {
		return ports.Proof{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions, m.challenges = append(m.sessions, *s), append(m.challenges, challenge)
	return ports.Proof(bytes.Repeat([]byte{7}, ports.ProofSize)), nil
}

func (m *machine) Attest(ctx context.Context, s *evidence.Session) (*ports.Attestation, error) {
	if err := m.delay(ctx); err != nil {
		return nil, err
	}
	binding, err := s.Binding()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions = append(m.sessions, *s)
	return m.sign(binding.Leaf())
}

func (m *machine) AttestStatement(ctx context.Context, nonce, statement []byte) (*ports.Attestation, error) {
	if err := m.delay(ctx); err != nil {
		return nil, err
	}
	binding, err := evidence.NewVerificationBinding(nonce, statement)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sign(binding.Leaf())
}

func (m *machine) delay(ctx context.Context) error {
	m.mu.Lock()
	m.asked++
	m.mu.Unlock()
	if m.arrived != nil {
		m.arrived <- struct{}{}
	}
	if m.wait != nil {
		select {
		case <-m.wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return m.fails
}

func (m *machine) sign(leaf evidence.Leaf) (*ports.Attestation, error) {
	m.leaves = append(m.leaves, leaf)
	batch, err := evidence.NewBatch([]evidence.Leaf{leaf}, m.key)
	if err != nil {
		return nil, err
	}
	path, err := batch.Path(0)
	if err != nil {
		return nil, err
	}
	data := batch.ReportData()
	return &ports.Attestation{Evidence: &evidence.Evidence{Platform: evidence.ProcessVTPM, Body: data[:]}, Path: path}, nil
}

func (m *machine) seen() (sessions []evidence.Session, leaves []evidence.Leaf) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]evidence.Session(nil), m.sessions...), append([]evidence.Leaf(nil), m.leaves...)
}

// shortFolder returns a folder whose sockets have short paths, and removes it.
func shortFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "a")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "f")
}

// me lets this process in, and nobody else.
func me() agent.Access { return agent.Access{UIDs: []uint32{uint32(os.Geteuid())}} }

// somebodyElse lets in a user that this process is not.
func somebodyElse() agent.Access { return agent.Access{UIDs: []uint32{uint32(os.Geteuid()) + 1}} }

func config(folder string, m *machine) agent.Config {
	return agent.Config{
		Folder:   folder,
		Attester: m,
		Purposes: map[evidence.Purpose]agent.Access{evidence.Join: me(), evidence.Attest: me()},

		Statements: m,
		Readers:    me(),

		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// serve runs a server until the test ends, or until stop is called, which returns
// what Serve did.
func serve(t testing.TB, c agent.Config) (stop func() error) {
	t.Helper()
	server, err := agent.NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(10 * time.Second):
			return errors.New("the server does not end")
		}
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return stop
}

func dial(t testing.TB, folder string, p evidence.Purpose) *agent.Client {
	t.Helper()
	client, err := agent.Dial(agent.SocketPath(folder, p), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func dialStatements(t testing.TB, folder string) *agent.StatementClient {
	t.Helper()
	client, err := agent.DialStatements(agent.StatementsPath(folder))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// dialRaw connects without the checks that Client makes.
func dialRaw(t testing.TB, path string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix://"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func timeLimit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func session(p evidence.Purpose) *evidence.Session {
	roles := map[evidence.Purpose]evidence.Role{
		evidence.Init: evidence.Joiner, evidence.Join: evidence.Joiner, evidence.Rejoin: evidence.Locked,
		evidence.Recover: evidence.Locked, evidence.Attest: evidence.Member, evidence.Admin: evidence.Member,
		evidence.Unseal: evidence.Locked,
	}
	return &evidence.Session{
		Purpose: p, AttesterRole: roles[p],
		Exporter:     [evidence.ExporterSize]byte{1},
		AttesterSPKI: evidence.SPKIHash{2}, VerifierSPKI: evidence.SPKIHash{3},
		AttesterHello: []byte("attester's hello"), VerifierHello: []byte("verifier's hello"),
	}
}

func message(s *evidence.Session) *agentpb.Session {
	return &agentpb.Session{
		Purpose: string(s.Purpose), AttesterRole: string(s.AttesterRole), Exporter: s.Exporter[:],
		AttesterSpki: s.AttesterSPKI[:], VerifierSpki: s.VerifierSPKI[:],
		AttesterHello: s.AttesterHello, VerifierHello: s.VerifierHello,
	}
}

// leafOf is the leaf that evidence for the session must be for.
func leafOf(t testing.TB, s *evidence.Session) evidence.Leaf {
	t.Helper()
	binding, err := s.Binding()
	if err != nil {
		t.Fatal(err)
	}
	return binding.Leaf()
}

// isFor reports whether a machine's evidence is fresh for a leaf.
func isFor(t testing.TB, a *ports.Attestation, leaf evidence.Leaf, key evidence.AttestationKey) bool {
	t.Helper()
	data, err := a.Path.ReportData(leaf, key)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(data[:], a.Evidence.Body)
}
