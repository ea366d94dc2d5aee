package etcdtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/etcd"
)

const (
	debian = "/usr/bin/etcd"
	swtpm  = "/usr/bin/swtpm"
)

// Patience is how long a server may take to begin, to end or to answer on a machine
// that is busy with other tests.
const Patience = time.Minute

// Debian starts Debian's etcd, which is older than ours, and returns its client
// address. A test is skipped on machines without it; where another program of the
// tests is installed, or in continuous integration, it has to be there.
func Debian(tb testing.TB) string {
	tb.Helper()
	if _, err := os.Stat(debian); err != nil {
		const missing = "%s is not installed: Debian's etcd-server, which tools/setup.sh installs"
		if _, err := os.Stat(swtpm); err == nil || os.Getenv("CI") != "" {
			tb.Fatalf(missing, debian)
		}
		tb.Skipf(missing, debian)
	}
	for range 5 {
		if address, ok := startDebian(tb); ok {
			return address
		}
	}
	tb.Fatal("Debian's etcd does not find a port to listen on")
	return ""
}

// startDebian starts it on ports that were free. Its second result is false if
// they were taken meanwhile.
func startDebian(tb testing.TB) (string, bool) {
	tb.Helper()
	addresses := Addresses(tb, 2)
	client, peer := "http://"+addresses[0], "http://"+addresses[1]
	var output bytes.Buffer
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), debian,
		"--name=debian", "--data-dir="+Folder(tb), "--log-level=warn",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=debian="+peer,
		"--max-request-bytes="+strconv.Itoa(etcd.MaxRequestSize))
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("starting Debian's etcd: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tb.Cleanup(func() { end(tb, cmd, ended) })
	err := answers(tb, addresses[0], ended)
	if err != nil && !strings.Contains(output.String(), "address already in use") {
		tb.Fatalf("Debian's etcd does not answer: %v\n%s", err, output.String())
	}
	return addresses[0], err == nil
}

// answers waits until a server answers, or its process has ended.
func answers(tb testing.TB, address string, ended chan error) error {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), Patience)
	defer cancel()
	for ctx.Err() == nil {
		s, err := etcd.Open(ctx, etcd.Config{Endpoints: []string{address}})
		if err == nil {
			return s.Close()
		}
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("it ended: %w", err)
		default:
		}
	}
	return ctx.Err()
}

// end ends a process, at first politely.
func end(tb testing.TB, cmd *exec.Cmd, ended chan error) {
	tb.Helper()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		if err != nil && cmd.ProcessState.ExitCode() > 0 {
			tb.Logf("Debian's etcd ended: %v", err)
		}
	case <-time.After(Patience):
		_ = cmd.Process.Kill()
		tb.Errorf("Debian's etcd did not end within %v", Patience)
	}
}
