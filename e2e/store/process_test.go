package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asterism-k8s/asterism/adapters/etcd/etcdtest"
	"github.com/asterism-k8s/asterism/adapters/etcd/member"
)

// configVariable makes this test binary a member of a store.
const configVariable = "ASTERISM_TEST_STORE_MEMBER"

// patience is how long a member may take to serve. It is far more than it takes
// on a machine that has other things to do.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	if config := os.Getenv(configVariable); config != "" {
		if err := serve(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is a member until it is killed, or until its parent is no more.
func serve(config string) error {
	var c member.Config
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	m, err := member.Start(ctx, c)
	if err != nil {
		return err
	}
	fmt.Println("serving")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	select {
	case <-ctx.Done():
	case <-m.Done():
		return m.Err()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return m.Stop(ctx)
}

// process is a member that can be killed and started again.
type process struct {
	config member.Config

	mu      sync.Mutex
	command *exec.Cmd
	stdin   io.Closer
}

// start starts the process and waits until the member serves.
func (p *process) start() error {
	config, err := json.Marshal(p.config)
	if err != nil {
		return fmt.Errorf("encoding a member's configuration: %w", err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), configVariable+"="+string(config))
	command.Stderr = os.Stderr
	stdin, stdinErr := command.StdinPipe()
	stdout, stdoutErr := command.StdoutPipe()
	if err := errors.Join(stdinErr, stdoutErr, command.Start()); err != nil {
		return fmt.Errorf("starting a member: %w", err)
	}
	p.mu.Lock()
	p.command, p.stdin = command, stdin
	p.mu.Unlock()
	hurry := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
	defer hurry.Stop()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return fmt.Errorf("member %s does not serve: said %q: %w", p.config.Name, line, err)
	}
	return nil
}

// kill ends the process as a crash does: nothing is told to anybody.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.command == nil {
		return
	}
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
	_ = p.stdin.Close()
	p.command = nil
}

// processes is a store whose members are processes of their own. Nothing is
// synced to a disk: a killed process loses nothing that it wrote.
type processes []*process

func startProcesses(t *testing.T, n int) processes {
	t.Helper()
	all := make(processes, n)
	var peers []member.Peer
	addresses := etcdtest.Addresses(t, 2*n)
	for i := range all {
		config := etcdtest.Config(t, fmt.Sprintf("p%d", i))
		config.ClientAddress, config.PeerAddress = addresses[2*i], addresses[2*i+1]
		config.Logger, config.Insecure = nil, true
		all[i] = &process{config: config}
		peers = append(peers, member.Peer{Name: config.Name, Address: config.PeerAddress})
	}
	t.Cleanup(func() {
		for _, p := range all {
			p.kill()
		}
	})
	for _, p := range all {
		p.config.Peers = peers
	}
	if err := all.start(); err != nil {
		t.Fatal(err)
	}
	return all
}

// start starts processes at one time: none serves before most of them are there.
func (all processes) start() error {
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, p := range all {
		group.Go(func() { errs[i] = p.start() })
	}
	group.Wait()
	return errors.Join(errs...)
}

func (all processes) endpoints() []string {
	var addresses []string
	for _, p := range all {
		addresses = append(addresses, p.config.ClientAddress)
	}
	return addresses
}
