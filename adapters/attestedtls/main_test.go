package attestedtls_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// processVariable makes this program a server in place of tests, so that a test
// can look at the memory of a server alone.
const processVariable = "ASTERISM_ATTESTEDTLS_TEST_SERVER"

func TestMain(m *testing.M) {
	if seed := os.Getenv(processVariable); seed != "" {
		if err := serveProcess(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// report is what the server's process says of itself, a line for each asked.
type report struct {
	Address  string
	Bytes    uint64 // heap and stacks in use, after collection
	Read     int64  // from all connections
	Counters attestedtls.Counters
}

// metered counts what goes over connections.
type metered struct {
	net.Conn

	read, written *atomic.Int64
}

// Read counts.
func (m metered) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.read.Add(int64(n))
	return n, err
}

// Write counts.
func (m metered) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.written.Add(int64(n))
	return n, err
}

// serveProcess serves joiners and owners until its input ends. They never get to
// the end of what they send: there is one place to read it, and an hour for that.
func serveProcess(in io.Reader, out io.Writer) error {
	t := &processT{}
	w := softtest.New(t)
	config := w.Server(t, evidence.Join, evidence.Init)
	config.Limits = attestedtls.Limits{Readers: 1, Queue: 1 << 20, EvidenceTime: time.Hour, Timeout: time.Hour}
	server, err := attestedtls.NewServer(config)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var read, written atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = server.Handshake(context.Background(), metered{conn, &read, &written}) }()
		}
	}()
	asked := bufio.NewScanner(in)
	for asked.Scan() {
		if err := json.NewEncoder(out).Encode(report{l.Addr().String(), inUse(), read.Load(), server.Counters()}); err != nil {
			return err
		}
	}
	return asked.Err()
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC() // stacks shrink in the first
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc + stats.StackInuse
}

// processT stands for a test where there is none.
type processT struct{ testing.TB }

// Helper does nothing.
func (*processT) Helper() {}

// Fatal ends the process.
func (*processT) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}

// process is a server in a process of its own.
type process struct {
	in  io.WriteCloser
	out *json.Decoder
}

func startProcess(t *testing.T) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env, cmd.Stderr = append(os.Environ(), processVariable+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &process{in, json.NewDecoder(out)}
}

// ask returns how the server is doing.
func (p *process) ask(t *testing.T) report {
	t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := p.out.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}
