package swtpm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Config says where a software TPM lives.
type Config struct {
	// StateDir is the TPM's memory. It is made if it is not there. One process
	// at a time uses it.
	StateDir string
	// Address is where the TPM listens: "unix:PATH", or "tcp:127.0.0.1:PORT".
	// Empty is a unix socket in StateDir. Paths of sockets have at most 107
	// bytes.
	Address string
}

// ErrNotInstalled is wrapped where there is no swtpm.
var ErrNotInstalled = errors.New("swtpm is not installed")

// Bounds of starting and ending.
const (
	startTimeout = 10 * time.Second
	stopTimeout  = 5 * time.Second
	firstPause   = time.Millisecond
	maxPause     = 20 * time.Millisecond
)

// Process is a running software TPM. It has been started: it takes commands. It
// ends with the process that started it, however that ends.
type Process struct {
	address string
	pid     int
	output  *tail
	ended   chan struct{} // closed when the process is gone
	err     error         // why it ended; read it after ended
}

// Start runs the TPM and returns when it takes commands. The context bounds the
// start, not the TPM's life.
func Start(ctx context.Context, c Config) (*Process, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the TPM's state folder: %w", err)
	}
	address := c.Address
	if address == "" {
		address = "unix:" + filepath.Join(c.StateDir, "socket")
	}
	server, err := serverOption(address)
	if err != nil {
		return nil, err
	}
	p := &Process{address: address, output: &tail{}, ended: make(chan struct{})}
	cmd := exec.Command(program, "socket", "--tpm2", "--tpmstate", "dir="+c.StateDir, //nolint:noctx // the context bounds the start alone
		"--server", server, "--flags", "not-need-init,startup-clear")
	cmd.Stdout, cmd.Stderr = p.output, p.output
	if err := p.run(cmd); err != nil {
		return nil, err
	}
	if err := p.awaitReady(ctx); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// find looks where PATH says, and where it is without one.
func find() (string, error) {
	for _, name := range []string{"swtpm", "/usr/bin/swtpm", "/usr/local/bin/swtpm"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: install the package swtpm", ErrNotInstalled)
}

func serverOption(address string) (string, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok && !strings.Contains(path, ",") {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("removing the socket of an earlier TPM: %w", err)
		}
		return "type=unixio,mode=0600,path=" + path, nil
	}
	if rest, ok := strings.CutPrefix(address, "tcp:"); ok {
		host, port, err := net.SplitHostPort(rest)
		if err == nil && !strings.Contains(rest, ",") {
			return "type=tcp,bindaddr=" + host + ",port=" + port, nil
		}
	}
	return "", fmt.Errorf("a software TPM cannot listen at %q: want unix:PATH or tcp:HOST:PORT", address)
}

// run starts the command on a thread of its own, which lives until the TPM has
// ended: the kernel's signal on a parent's death is about the thread that
// started the child, and the runtime may end any other one.
func (p *Process) run(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting swtpm: %w", err)
	}
	return nil
}

// Address returns where the TPM listens, as tpm/device takes it. It serves one
// connection at a time; others wait.
func (p *Process) Address() string { return p.address }

// Ended is closed when the process is gone, whoever ended it.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// awaitReady dials until the TPM answers. swtpm says in no other way that it
// listens.
func (p *Process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		conn, err := p.dial(ctx)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("swtpm ended (%w): %s", p.exitError(), p.output)
		case <-ctx.Done():
			return fmt.Errorf("swtpm does not listen at %s (%w): %s", p.address, errors.Join(ctx.Err(), err), p.output)
		case <-time.After(pause):
		}
	}
}

func (p *Process) dial(ctx context.Context) (net.Conn, error) {
	network, address, _ := strings.Cut(p.address, ":")
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}

func (p *Process) exitError() error {
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

// Stop shuts the TPM down and returns when its process is gone. Where somebody
// still holds its connection, it is as if the power were cut. A TPM that is gone
// already is no error.
func (p *Process) Stop() error {
	p.shutdown()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTimeout):
	}
	p.kill()
	return fmt.Errorf("swtpm did not end within %v and was killed: %s", stopTimeout, p.output)
}

// Kill ends the process at once, as a crash would.
func (p *Process) Kill() { p.kill() }

func (p *Process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// signal reaches our own child only: its number is free for others no sooner
// than it was waited for.
func (p *Process) signal(s syscall.Signal) {
	select {
	case <-p.ended:
	default:
		syscall.Kill(p.pid, s) //nolint:errcheck // a process that ended meanwhile is what we want
	}
}

// shutdown tells the TPM that the power goes, so that it need not take an attack
// for the reason (TPM2_Shutdown, TPM 2.0 Library, Part 3, section 9.4).
func (p *Process) shutdown() {
	const patience = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := p.dial(ctx)
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // the power goes anyhow
	// TPM2_Shutdown with TPM_SU_CLEAR, in 12 bytes.
	command := []byte{0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x45, 0, 0}
	if conn.SetDeadline(time.Now().Add(patience)) != nil {
		return
	}
	if _, err := conn.Write(command); err == nil {
		conn.Read(make([]byte, 10)) //nolint:errcheck // whether it answered or not, the power goes
	}
}
