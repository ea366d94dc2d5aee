package agent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

func TestEverySocketServesItsService(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	c := config(folder, m)
	every := []evidence.Purpose{
		evidence.Init, evidence.Join, evidence.Rejoin, evidence.Recover, evidence.Attest, evidence.Admin, evidence.Unseal,
	}
	for _, p := range every {
		c.Purposes[p] = me()
	}
	serve(t, c)
	for _, p := range every {
		t.Run(string(p), func(t *testing.T) { checkSessions(t, dial(t, folder, p), m, session(p)) })
	}
	nonce, statement := bytes.Repeat([]byte{1}, 32), []byte("statement")
	attestation, err := dialStatements(t, folder).AttestStatement(timeLimit(t), nonce, statement)
	if err != nil {
		t.Fatal(err)
	}
	binding, err := evidence.NewVerificationBinding(nonce, statement)
	if err != nil {
		t.Fatal(err)
	}
	if !isFor(t, attestation, binding.Leaf(), m.key) {
		t.Error("the evidence is not for the statement")
	}
}

// checkSessions makes every call of a client, and looks at what reached the
// machine behind it.
func checkSessions(t *testing.T, client ports.Attester, m *machine, s *evidence.Session) {
	t.Helper()
	ctx := timeLimit(t)
	id, err := client.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, id); diff != "" {
		t.Errorf("the identity differs (-want +got):\n%s", diff)
	}
	proof, err := client.Activate(ctx, s, []byte("challenge"))
	if err != nil {
		t.Fatal(err)
	}
	if proof != ports.Proof(bytes.Repeat([]byte{7}, ports.ProofSize)) {
		t.Errorf("the proof is %x", proof)
	}
	attestation, err := client.Attest(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	if !isFor(t, attestation, leafOf(t, s), m.key) {
		t.Error("the evidence is not for the session")
	}
	seen, _ := m.seen()
	for _, got := range seen[len(seen)-2:] {
		if diff := cmp.Diff(*s, got); diff != "" {
			t.Errorf("the machine was given another session (-want +got):\n%s", diff)
		}
	}
}

func TestErrorsKeepTheirTypes(t *testing.T) {
	for _, want := range []error{
		ports.ErrUnavailable, ports.ErrChallenge, ports.ErrNotServed, evidence.ErrBinding, evidence.ErrPurpose,
		fmt.Errorf("%w: %w", evidence.ErrBinding, evidence.ErrPurpose), errors.New("something else"),
	} {
		t.Run(want.Error(), func(t *testing.T) {
			folder, m := shortFolder(t), newMachine()
			m.fails = fmt.Errorf("asking the device: %w", want)
			serve(t, config(folder, m))
			ctx, client := timeLimit(t), dial(t, folder, evidence.Join)
			_, errIdentity := client.Identity(ctx)
			_, errActivate := client.Activate(ctx, session(evidence.Join), []byte{1})
			_, errAttest := client.Attest(ctx, session(evidence.Join))
			_, errStatement := dialStatements(t, folder).AttestStatement(ctx, make([]byte, 16), []byte{1})
			for _, err := range []error{errIdentity, errActivate, errAttest, errStatement} {
				checkSameTypes(t, m.fails, err)
			}
		})
	}
}

// checkSameTypes fails where an error that was sent and the one that was received
// do not wrap the same errors of the port.
func checkSameTypes(t *testing.T, sent, received error) {
	t.Helper()
	if received == nil || !bytes.Contains([]byte(received.Error()), []byte(sent.Error())) {
		t.Errorf("received %v, want the words of %v", received, sent)
	}
	for _, typed := range []error{
		ports.ErrUnavailable, ports.ErrChallenge, ports.ErrNotServed, evidence.ErrBinding, evidence.ErrPurpose,
		agent.ErrDenied, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(sent, typed) != errors.Is(received, typed) {
			t.Errorf("sent %v, received %v: one of them is %v", sent, received, typed)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*agent.Config){
		"nothing to serve":      func(c *agent.Config) { c.Purposes, c.Attester, c.Statements = nil, nil, nil },
		"no attester":           func(c *agent.Config) { c.Attester = nil },
		"no purpose":            func(c *agent.Config) { c.Purposes = nil },
		"unknown purpose":       func(c *agent.Config) { c.Purposes["../join"] = me() },
		"purpose for nobody":    func(c *agent.Config) { c.Purposes[evidence.Join] = agent.Access{} },
		"statements for nobody": func(c *agent.Config) { c.Readers = agent.Access{} },
		"overflow user":         func(c *agent.Config) { c.Readers.UIDs = []uint32{0, 65534} },
		"no user":               func(c *agent.Config) { c.Readers.UIDs = []uint32{1<<32 - 1} },
		"negative bound":        func(c *agent.Config) { c.MaxRequests = -1 },
		"negative timeout":      func(c *agent.Config) { c.Timeout = -1 },
		"folder is missing":     func(c *agent.Config) { c.Folder += "/missing/parent" },
	} {
		t.Run(name, func(t *testing.T) {
			folder := shortFolder(t)
			c := config(folder, newMachine())
			change(&c)
			if _, err := agent.NewServer(c); err == nil {
				t.Error("the configuration is accepted")
			}
			if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the folder was touched: %v", err)
			}
		})
	}
}

func TestClientChecksItsSessions(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	serve(t, config(folder, m))
	client := dial(t, folder, evidence.Join)
	for name, c := range map[string]struct {
		change func(*evidence.Session)
		want   error
	}{
		"no exporter":   {func(s *evidence.Session) { s.Exporter = [64]byte{} }, evidence.ErrBinding},
		"huge hello":    {func(s *evidence.Session) { s.VerifierHello = make([]byte, 1<<20) }, evidence.ErrBinding},
		"role":          {func(s *evidence.Session) { s.AttesterRole = evidence.Owner }, evidence.ErrPurpose},
		"other purpose": {func(s *evidence.Session) { *s = *session(evidence.Attest) }, ports.ErrNotServed},
	} {
		t.Run(name, func(t *testing.T) {
			s := session(evidence.Join)
			c.change(s)
			if _, err := client.Attest(timeLimit(t), s); !errors.Is(err, c.want) {
				t.Errorf("Attest: got %v, want %v", err, c.want)
			}
			if _, err := client.Activate(timeLimit(t), s, []byte{1}); !errors.Is(err, c.want) {
				t.Errorf("Activate: got %v, want %v", err, c.want)
			}
		})
	}
	for _, size := range []int{0, ports.MaxChallengeSize + 1} {
		if _, err := client.Activate(timeLimit(t), session(evidence.Join), make([]byte, size)); !errors.Is(err, ports.ErrChallenge) {
			t.Errorf("a challenge of %d bytes: %v, want ErrChallenge", size, err)
		}
	}
	if sessions, _ := m.seen(); len(sessions) > 0 {
		t.Error("a refused session reached the machine")
	}
}

func TestLargestMessagesPass(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	serve(t, config(folder, m))
	s := session(evidence.Join)
	s.AttesterHello = bytes.Repeat([]byte{1}, evidence.MaxHelloSize)
	s.VerifierHello = bytes.Repeat([]byte{2}, evidence.MaxHelloSize)
	if _, err := dial(t, folder, evidence.Join).Activate(timeLimit(t), s, make([]byte, ports.MaxChallengeSize)); err != nil {
		t.Errorf("Activate: %v", err)
	}
	nonce, statement := make([]byte, evidence.MaxNonceSize), make([]byte, evidence.MaxStatementSize)
	if _, err := dialStatements(t, folder).AttestStatement(timeLimit(t), nonce, statement); err != nil {
		t.Errorf("AttestStatement: %v", err)
	}
}

func TestAClientWaitsNoLongerThanItsContext(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	m.wait = make(chan struct{})
	serve(t, config(folder, m))
	client := dial(t, folder, evidence.Join)
	ctx, cancel := context.WithCancel(timeLimit(t))
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := client.Attest(ctx, session(evidence.Join)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	ctx, cancel = context.WithTimeout(timeLimit(t), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Attest(ctx, session(evidence.Join)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestTheServerBoundsRequestsInTime(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	m.wait = make(chan struct{})
	c := config(folder, m)
	c.Timeout = 50 * time.Millisecond
	serve(t, c)
	_, err := dial(t, folder, evidence.Join).Attest(timeLimit(t), session(evidence.Join))
	if !errors.Is(err, ports.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that it is unavailable since the time was up", err)
	}
}

func TestNoAgentIsUnavailable(t *testing.T) {
	folder := shortFolder(t)
	client := dial(t, folder, evidence.Join)
	if _, err := client.Identity(timeLimit(t)); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("without an agent: %v, want ErrUnavailable", err)
	}
	stop := serve(t, config(folder, newMachine()))
	awaitIdentity(t, client)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Identity(timeLimit(t)); !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("after the agent: %v, want ErrUnavailable", err)
	}
	serve(t, config(folder, newMachine()))
	awaitIdentity(t, client)
}

// awaitIdentity asks until the agent answers.
func awaitIdentity(t *testing.T, client ports.Attester) {
	t.Helper()
	ctx := timeLimit(t)
	for {
		_, err := client.Identity(ctx)
		if err == nil {
			return
		}
		if !errors.Is(err, ports.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable or an answer", err)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the client does not come back: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestShutdownIsBounded ends a server with a request that would not end by itself.
func TestShutdownIsBounded(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	m.wait, m.arrived = make(chan struct{}), make(chan struct{}, 1)
	server, err := agent.NewServer(config(folder, m))
	if err != nil {
		t.Fatal(err)
	}
	agent.SetGrace(server, 50*time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended, answered := make(chan error, 1), make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	client, limit := dial(t, folder, evidence.Join), timeLimit(t)
	go func() {
		_, err := client.Identity(limit)
		answered <- err
	}()
	<-m.arrived
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	case <-limit.Done():
		t.Fatal("the server does not end")
	}
	if err := <-answered; !errors.Is(err, ports.ErrUnavailable) {
		t.Errorf("the request that was cut off: %v, want ErrUnavailable", err)
	}
}

func TestManyCallersShareASocket(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	serve(t, config(folder, m))
	ctx := timeLimit(t)
	clients := []ports.Attester{dial(t, folder, evidence.Join), dial(t, folder, evidence.Join)}
	var callers sync.WaitGroup
	for i := range 300 {
		callers.Go(func() {
			s := session(evidence.Join)
			s.AttesterHello = fmt.Appendf(nil, "hello %d", i)
			attestation, err := clients[i%len(clients)].Attest(ctx, s)
			if err != nil {
				t.Errorf("caller %d: %v", i, err)
			} else if !isFor(t, attestation, leafOf(t, s), m.key) {
				t.Errorf("caller %d got the evidence of another", i)
			}
		})
	}
	callers.Wait()
}

// attestAll makes n requests at once, and hands out their errors.
func attestAll(ctx context.Context, client ports.Attester, n int) <-chan error {
	ended := make(chan error, n)
	for range n {
		go func() { _, err := client.Attest(ctx, session(evidence.Join)); ended <- err }()
	}
	return ended
}

// await receives n times, and fails when that takes too long.
func await[T any](ctx context.Context, t *testing.T, from <-chan T, n int) {
	t.Helper()
	for i := range n {
		select {
		case <-from:
		case <-ctx.Done():
			t.Fatalf("%d of %d came", i, n)
		}
	}
}

// TestThousandRequestsReachASlowMachine: what one signature can serve reaches the
// attester, and does not wait on the way where nobody sees it.
func TestThousandRequestsReachASlowMachine(t *testing.T) {
	const many = 1000
	folder, m := shortFolder(t), newMachine()
	m.wait, m.arrived = make(chan struct{}), make(chan struct{}, many)
	serve(t, config(folder, m))
	client := dial(t, folder, evidence.Join)
	if got := agent.Room(client); got != evidence.MaxBatch || agent.DefaultMaxRequests != evidence.MaxBatch {
		t.Errorf("a client makes %d requests at a time, a server takes %d, want both %d", got, agent.DefaultMaxRequests, evidence.MaxBatch)
	}
	ctx := timeLimit(t)
	ended := attestAll(ctx, client, many)
	await(ctx, t, m.arrived, many)
	close(m.wait)
	for range many {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestThreat23WhatIsBeyondTheBoundIsRefusedAtOnce: the server refuses what clients
// want beyond its bound, a client what it wants beyond its own, and both have room
// again afterwards.
func TestThreat23WhatIsBeyondTheBoundIsRefusedAtOnce(t *testing.T) {
	const bound = 20
	folder, m := shortFolder(t), newMachine()
	m.wait, m.arrived = make(chan struct{}), make(chan struct{}, 10*bound)
	c := config(folder, m)
	c.MaxRequests = bound
	serve(t, c)
	first, second := dial(t, folder, evidence.Join), dial(t, folder, evidence.Join)
	agent.SetRoom(first, bound)
	ctx := timeLimit(t)
	ended := attestAll(ctx, first, bound)
	await(ctx, t, m.arrived, bound)
	for name, client := range map[string]ports.Attester{"by the client": first, "by the server": second} {
		if _, err := client.Attest(ctx, session(evidence.Join)); !errors.Is(err, ports.ErrUnavailable) || ctx.Err() != nil {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
	}
	if len(m.arrived) > 0 {
		t.Error("a refused request reached the machine")
	}
	close(m.wait)
	for range bound {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	awaitIdentity(t, first)
	awaitIdentity(t, second)
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	m.wait, m.arrived = make(chan struct{}), make(chan struct{}, 1)
	stop := serve(t, config(folder, m))
	client := dial(t, folder, evidence.Join)
	answered := make(chan error, 1)
	ctx := timeLimit(t)
	go func() {
		_, err := client.Attest(ctx, session(evidence.Join))
		answered <- err
	}()
	<-m.arrived
	time.AfterFunc(100*time.Millisecond, func() { close(m.wait) })
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the request that was under way: %v", err)
	}
}
