package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
)

// serverVariable tells the program that it is the server's process.
const serverVariable = "ASTERISM_LOAD_SERVER"

// shutdownTime is for handshakes to end. All clients have gone by then.
const shutdownTime = 5 * time.Second

// assignment is what the server's process is told on its standard input. When that
// ends, it stops.
type assignment struct {
	Facts    *world.Facts
	Passport *world.Passport
	Limits   attestedtls.Limits
}

// started and stopped are what it says on its standard output.
type started struct{ Address string }

type stopped struct {
	Counters   attestedtls.Counters
	CPU        time.Duration // since it had started
	PeakMemory int64         // resident, in bytes
}

// serve is the main function of the server's process.
func serve(in io.Reader, out io.Writer) error {
	var a assignment
	orders, reports := json.NewDecoder(in), json.NewEncoder(out)
	if err := orders.Decode(&a); err != nil {
		return fmt.Errorf("reading what to serve: %w", err)
	}
	clock := &world.Clock{}
	machine, err := a.Passport.Take(context.Background(), clock)
	if err != nil {
		return err
	}
	sessions := &world.Sessions{Facts: a.Facts, Clock: clock, Verifiers: world.NewVerifiers(clock)}
	config := sessions.JoinService(machine)
	config.Limits = a.Limits
	server, err := attestedtls.NewServer(config)
	if err != nil {
		return errors.Join(err, machine.Close())
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, machine.Close())
	}
	go accept(listener, server)
	before := processorTime()
	if err := reports.Encode(started{listener.Addr().String()}); err != nil {
		return err
	}
	if err := orders.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return fmt.Errorf("waiting for the end: %w", err)
	}
	end := stopped{CPU: processorTime() - before, PeakMemory: peakMemory()}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	err = errors.Join(listener.Close(), server.Shutdown(ctx), machine.Close())
	end.Counters = server.Counters() // what its clients saw, it has counted by now
	return errors.Join(err, reports.Encode(end))
}

// accept hands each session what a service would, and ends it.
func accept(listener net.Listener, server *attestedtls.Server) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			if session, err := server.Handshake(context.Background(), conn); err == nil {
				shut(session)
			}
		}()
	}
}

// shut closes what is not needed any more, whatever becomes of it.
func shut(c io.Closer) { _ = c.Close() }

// processorTime is what this process has used, in user mode and the kernel's.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// peakMemory reads VmHWM (proc_pid_status(5)). What getrusage says is the maximum
// of the process before exec too.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), "VmHWM:"); found {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}

// serverProcess is the server, seen from the clients.
type serverProcess struct {
	address string
	cmd     *exec.Cmd
	in      io.WriteCloser
	reports *json.Decoder
}

// startServer runs the program again as the server. It ends with the context.
func startServer(ctx context.Context, a *assignment) (*serverProcess, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, program) //nolint:gosec // it is this program's own name
	cmd.Env = append(os.Environ(), serverVariable+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	s := &serverProcess{cmd: cmd, in: in, reports: json.NewDecoder(out)}
	var up started
	if err := json.NewEncoder(in).Encode(a); err != nil {
		return nil, errors.Join(err, s.cmd.Wait())
	}
	if err := s.reports.Decode(&up); err != nil {
		return nil, errors.Join(fmt.Errorf("the server does not start: %w", err), s.cmd.Wait())
	}
	s.address = up.Address
	return s, nil
}

// stop ends the server and returns what it cost.
func (s *serverProcess) stop() (*stopped, error) {
	if err := s.in.Close(); err != nil {
		return nil, err
	}
	var end stopped
	err := s.reports.Decode(&end)
	if err := errors.Join(err, s.cmd.Wait()); err != nil {
		return nil, fmt.Errorf("the server has ended badly: %w", err)
	}
	if end.PeakMemory == 0 || end.CPU == 0 {
		return nil, errors.New("the server does not know what it cost")
	}
	return &end, nil
}
