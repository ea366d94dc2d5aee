package agent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent"
	"github.com/asterism-k8s/asterism/adapters/attestation/agent/agentpb"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

const stranger = 65533 // a user whom nobody's configuration names

// dialAs connects as another user. A thread of its own becomes that user, and
// ends with the goroutine that is locked to it.
func dialAs(uid uintptr, path string) (net.Conn, error) {
	type dialled struct {
		conn net.Conn
		err  error
	}
	done := make(chan dialled)
	go func() {
		runtime.LockOSThread()
		keep := ^uintptr(0)
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uid, keep); errno != 0 {
			done <- dialled{err: errno}
			return
		}
		conn, err := net.DialTimeout("unix", path, time.Second)
		done <- dialled{conn, err}
	}()
	got := <-done
	return got.conn, got.err
}

// openToAll lets every user of the machine reach the sockets: what is left is the
// server's own look at the peer. It skips the test where nobody can be played.
func openToAll(t *testing.T, folder string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can act as another user")
	}
	for _, path := range []string{filepath.Dir(folder), folder} {
		if err := os.Chmod(path, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	sockets, err := filepath.Glob(filepath.Join(folder, "*.sock"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range sockets {
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := dialAs(stranger, sockets[0])
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) {
		t.Skip("this sandbox has no second user to act as")
	} else if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// Threat row 31: a process of another user that reaches the socket file is told so
// and obtains nothing; the one that may use it is served beside it.
func TestThreat31AnotherUserIsRefused(t *testing.T) {
	folder, m := shortFolder(t), newMachine()
	c := config(folder, m)
	log := &syncBuffer{}
	c.Logger = slog.New(slog.NewTextHandler(log, nil))
	serve(t, c)
	openToAll(t, folder)
	path := agent.SocketPath(folder, evidence.Join)
	conn, err := grpc.NewClient("passthrough:///stranger", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return dialAs(stranger, path) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = agentpb.NewSessionsClient(conn).Attest(timeLimit(t), &agentpb.AttestRequest{Session: message(session(evidence.Join))})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("got %v, want %s", err, codes.PermissionDenied)
	}
	if _, leaves := m.seen(); len(leaves) > 0 {
		t.Error("something was signed for a stranger")
	}
	if !strings.Contains(log.String(), "peer.uid=65533") {
		t.Errorf("the log does not name the stranger: %s", log)
	}
	awaitIdentity(t, dial(t, folder, evidence.Join))
}

// Threat row 23: strangers who open connections and say nothing lose them at once
// or in a moment, and keep nobody out.
func TestThreat23StrangersKeepNobodyOut(t *testing.T) {
	folder := shortFolder(t)
	serve(t, config(folder, newMachine()))
	openToAll(t, folder)
	path := agent.SocketPath(folder, evidence.Join)
	var flood []net.Conn
	for range 4 * agent.MaxConnections {
		conn, err := dialAs(stranger, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		flood = append(flood, conn)
	}
	if _, err := dial(t, folder, evidence.Join).Identity(timeLimit(t)); err != nil {
		t.Errorf("the honest client: %v", err)
	}
	for i, conn := range flood {
		if err := awaitEnd(conn, 10*time.Second); err != nil {
			t.Errorf("connection %d of the flood is still there: %v", i, err)
		}
	}
}

// Threat row 23: connections that say nothing are bounded in number too where
// their user may use the socket, and harm only that user's next ones.
func TestThreat23SilentConnectionsAreBounded(t *testing.T) {
	folder := shortFolder(t)
	serve(t, config(folder, newMachine()))
	client := dial(t, folder, evidence.Join)
	awaitIdentity(t, client)
	path := agent.SocketPath(folder, evidence.Join)
	var silent []net.Conn
	for range agent.MaxConnections { // one too many: the client has a place
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		silent = append(silent, conn)
	}
	if err := awaitEnd(silent[len(silent)-1], 3*time.Second); err != nil {
		t.Errorf("one connection too many is kept: %v", err)
	}
	if _, err := client.Identity(timeLimit(t)); err != nil {
		t.Errorf("the client that was there before: %v", err)
	}
	for _, conn := range silent {
		_ = conn.Close()
	}
	awaitIdentity(t, dial(t, folder, evidence.Join))
}

// awaitEnd reads until the server closes the connection, so long at most.
func awaitEnd(conn net.Conn, limit time.Duration) error {
	if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, conn)
	if errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
