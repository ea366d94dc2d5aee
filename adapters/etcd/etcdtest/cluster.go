package etcdtest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/etcd/member"
)

// Cluster is a store whose members run in this process.
type Cluster struct {
	Members []*member.Member
	Configs []member.Config // with which Members were started
}

// Start starts a store of n members without TLS and without fsync. It ends with
// the test.
func Start(tb testing.TB, n int) *Cluster {
	tb.Helper()
	return StartWith(tb, n, func(c *member.Config) { c.Insecure = true })
}

// StartWith starts a store of n members after it has let the caller change each
// configuration.
func StartWith(tb testing.TB, n int, change func(*member.Config)) *Cluster {
	tb.Helper()
	for range 5 {
		c, err := start(tb, n, change)
		if err == nil {
			return c
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			tb.Fatalf("starting a store of %d members: %v", n, err)
		}
	}
	tb.Fatal("the store does not find ports to listen on")
	return nil
}

// Config returns the configuration of a member in memory, with ports that were
// free.
func Config(tb testing.TB, name string) member.Config {
	tb.Helper()
	addresses := Addresses(tb, 2)
	return member.Config{
		Name: name, Folder: filepath.Join(Folder(tb), "member-of-"+name),
		ClientAddress: addresses[0], PeerAddress: addresses[1],
		History: -1, UnsafeNoFsync: true, Logger: Logger(tb),
	}
}

func start(tb testing.TB, n int, change func(*member.Config)) (*Cluster, error) {
	tb.Helper()
	c := &Cluster{Members: make([]*member.Member, n), Configs: make([]member.Config, n)}
	var peers []member.Peer
	addresses := Addresses(tb, 2*n) // at once: one that is free again would be given twice
	for i := range c.Configs {
		c.Configs[i] = Config(tb, fmt.Sprintf("m%d", i))
		c.Configs[i].ClientAddress, c.Configs[i].PeerAddress = addresses[2*i], addresses[2*i+1]
		change(&c.Configs[i])
		peers = append(peers, member.Peer{Name: c.Configs[i].Name, Address: c.Configs[i].PeerAddress})
	}
	ctx, cancel := context.WithTimeout(tb.Context(), Patience)
	defer cancel()
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range c.Configs {
		c.Configs[i].Peers = peers
		group.Go(func() { // none is ready before the others are
			c.Members[i], errs[i] = member.Start(ctx, c.Configs[i])
			if errs[i] != nil {
				cancel()
			}
		})
	}
	group.Wait()
	for _, m := range c.Members {
		if m != nil {
			tb.Cleanup(func() { Stop(tb, m) })
		}
	}
	return c, errors.Join(errs...)
}

// Launch starts one member until the test ends.
func Launch(tb testing.TB, config member.Config) *member.Member {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), Patience)
	defer cancel()
	m, err := member.Start(ctx, config)
	if err != nil {
		tb.Fatalf("starting the member %s: %v", config.Name, err)
	}
	tb.Cleanup(func() { Stop(tb, m) })
	return m
}

// Stop stops a member. One that has been stopped already stays so.
func Stop(tb testing.TB, m *member.Member) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), Patience)
	defer cancel()
	if err := m.Stop(ctx); err != nil {
		tb.Errorf("stopping a member: %v", err)
	}
}

// Endpoints returns the client addresses of all members.
func (c *Cluster) Endpoints() []string {
	var all []string
	for _, m := range c.Members {
		all = append(all, m.Endpoints()...)
	}
	return all
}

// Leader returns which member leads.
func (c *Cluster) Leader(tb testing.TB) *member.Member {
	tb.Helper()
	for _, m := range c.Members {
		status, err := m.Status(tb.Context())
		if err == nil && status.Leader == m.ID() {
			return m
		}
	}
	tb.Fatal("no member leads")
	return nil
}
