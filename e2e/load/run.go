package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
)

// release is what all machines run.
const release = world.Release("v1.2.0")

// result is what happened and what it cost.
type result struct {
	took        time.Duration
	latencies   []time.Duration // of completed handshakes, sorted
	failures    []error
	again       int64 // times that an honest client was told to come back
	connections int64 // of hostile clients
	deceived    int64 // admissions of hostile clients
	server      *stopped
}

// fleet is the machines, and the cluster that they join.
type fleet struct {
	clock    *world.Clock
	cluster  *world.Cluster
	facts    *world.Facts
	machines []*world.Machine // all of them, to be ended
	service  *world.Machine
	joiners  []*world.Machine
}

// run starts everything, holds the handshakes, and ends everything.
func run(ctx context.Context, o *options) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	f, err := newFleet(ctx, o)
	if f != nil {
		defer f.end()
	}
	if err != nil {
		return nil, err
	}
	passport, err := f.service.HandOver()
	if err != nil {
		return nil, err
	}
	server, err := startServer(ctx, &assignment{f.facts, passport, attestedtls.Limits{Readers: o.readers, EvidenceTime: o.slow}})
	if err != nil {
		return nil, err
	}
	r, err := f.load(ctx, o, server.address)
	end, stopErr := server.stop()
	if err := errors.Join(err, stopErr); err != nil {
		return nil, err
	}
	r.server = end
	return r, nil
}

func newFleet(ctx context.Context, o *options) (*fleet, error) {
	f := &fleet{clock: &world.Clock{}}
	maker, err := world.NewMaker()
	if err != nil {
		return nil, err
	}
	owner, err := world.NewOwner()
	if err != nil {
		return nil, err
	}
	if f.cluster, err = world.NewCluster(owner, maker, release); err != nil {
		return nil, err
	}
	if f.facts, err = f.cluster.Facts(); err != nil {
		return nil, err
	}
	if f.service, err = f.add(ctx, "service"); err != nil {
		return f, err
	}
	if err := f.service.Enrol(ctx, f.cluster); err != nil {
		return f, err
	}
	for i := range o.machines {
		m, err := f.add(ctx, fmt.Sprintf("joiner-%d", i))
		if err != nil {
			return f, err
		}
		f.joiners = append(f.joiners, m)
		if o.activate {
			continue
		}
		if err := m.Certify(ctx, f.cluster); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *fleet) add(ctx context.Context, name string) (*world.Machine, error) {
	m, err := world.NewMachine(ctx, name, f.cluster.Maker, release, f.clock)
	if err == nil {
		f.machines = append(f.machines, m)
	}
	return m, err
}

func (f *fleet) end() {
	for _, m := range f.machines {
		shut(m)
	}
}

// load has the honest clients join while the hostile ones attack.
func (f *fleet) load(ctx context.Context, o *options, address string) (*result, error) {
	sessions := &world.Sessions{Facts: f.facts, Clock: f.clock, Verifiers: world.NewVerifiers(f.clock)}
	good := &honest{address: address}
	for _, m := range f.joiners {
		good.configs = append(good.configs, sessions.Joiner(m))
	}
	known, err := f.joiners[0].Attester().Identity(ctx)
	if err != nil {
		return nil, err
	}
	bad, err := newHostile(address, known)
	if err != nil {
		return nil, err
	}
	attacking, stop := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		bad.attack(attacking, o.hostile, o.tricks())
	}()
	start := time.Now()
	good.hold(ctx, o.handshakes, o.clients)
	took := time.Since(start)
	stop()
	<-over
	slices.Sort(good.latencies)
	return &result{
		took: took, latencies: good.latencies, failures: good.failures, again: good.again.Load(),
		connections: bad.connections.Load(), deceived: bad.admitted.Load(),
	}, nil
}

// print writes the figures, and returns an error where they are not good.
func (r *result) print(w io.Writer, o *options) error {
	c := r.server.Counters
	fmt.Fprintf(w, "honest    %d joins completed, %d failed, %d at a time in %.1f s; %d times told to come back\n",
		len(r.latencies), len(r.failures), o.clients, r.took.Seconds(), r.again)
	fmt.Fprintf(w, "hostile   %d clients, %d connections, %d admitted\n", o.hostile, r.connections, r.deceived)
	fmt.Fprintf(w, "latency   p50 %.1f ms, p99 %.1f ms\n", milliseconds(r.percentile(50)), milliseconds(r.percentile(99)))
	fmt.Fprintf(w, "verdicts  %d admitted, %d refused, %d busy, %d without one, %d closed unheard\n", c.Admitted, c.Refused, c.Busy, c.Failed, c.Closed)
	fmt.Fprintf(w, "server    %.2f ms of CPU a join, hostile clients' included; peak memory %d MiB of %d\n",
		milliseconds(r.server.CPU)/float64(max(len(r.latencies), 1)), r.server.PeakMemory>>20, o.memory)
	return r.judge(o)
}

func (r *result) judge(o *options) error {
	switch {
	case len(r.failures) > 0:
		return fmt.Errorf("%d of %d honest joins failed, the first with: %w", len(r.failures), o.handshakes, r.failures[0])
	case len(r.latencies) != o.handshakes:
		return fmt.Errorf("%d honest joins completed, want %d", len(r.latencies), o.handshakes)
	case r.deceived > 0:
		return fmt.Errorf("%d hostile clients were admitted", r.deceived)
	case r.server.PeakMemory > int64(o.memory)<<20:
		return fmt.Errorf("the server has used %d MiB, more than %d", r.server.PeakMemory>>20, o.memory)
	default:
		return nil
	}
}

// percentile returns the latency that so many of a hundred joins did not exceed.
func (r *result) percentile(p int) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[(len(r.latencies)*p+99)/100-1]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
