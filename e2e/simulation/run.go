package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
	"github.com/asterism-k8s/asterism/e2e/simulation/world"
)

// run lets all worlds live and returns the exit code.
func run(o *options, out io.Writer) int {
	began := time.Now()
	results := all(o, out)
	var events, broken uint64
	var counts world.Counts
	for _, r := range results {
		events += r.Events
		counts = counts.Plus(r.Counts)
		if len(r.Violations) > 0 {
			broken++
			explain(out, o, r)
		}
	}
	if o.seeds == 1 {
		r := results[0]
		fmt.Fprintf(out, "\nseed %d, %d nodes: %v of virtual time, %d events\n%v\ntrace %x\n", r.Seed, r.Nodes, r.Elapsed, r.Events, counts, r.Hash)
	} else {
		took := time.Since(began)
		fmt.Fprintf(out, "%d seeds, %d broken, %d events in %v: %.0f seeds/s\n%v\n",
			o.seeds, broken, events, took.Round(time.Millisecond), float64(o.seeds)/took.Seconds(), counts)
	}
	if broken > 0 {
		return exitBroken
	}
	return exitSound
}

// all runs every seed, as many side by side as there are processors, and returns
// the results in the order of seeds.
func all(o *options, out io.Writer) []*world.Result {
	results := make([]*world.Result, o.seeds)
	var next atomic.Uint64
	var broken atomic.Bool
	var workers sync.WaitGroup
	for range min(uint64(runtime.GOMAXPROCS(0)), o.seeds) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < o.seeds; i = next.Add(1) - 1 {
				if broken.Load() {
					return
				}
				results[i] = world.Run(o.world(o.seed+i, out))
				broken.Store(broken.Load() || o.stop && len(results[i].Violations) > 0)
			}
		})
	}
	workers.Wait()
	return slices.DeleteFunc(results, func(r *world.Result) bool { return r == nil })
}

func (o *options) world(seed uint64, out io.Writer) world.Options {
	w := world.Options{Seed: seed, Nodes: o.nodes.of(seed), Faults: o.faults}
	if o.trace {
		w.Print = func(l kernel.Line) { fmt.Fprintln(out, l) }
	}
	return w
}

// explain says what was broken, what happened before, and how to see all of it.
func explain(out io.Writer, o *options, r *world.Result) {
	fmt.Fprintf(out, "\nseed %d with %d nodes: BROKEN\n", r.Seed, r.Nodes)
	for _, v := range r.Violations {
		fmt.Fprintln(out, "  ", v)
	}
	if !o.trace {
		for _, l := range r.Tail {
			fmt.Fprintln(out, l)
		}
	}
	fmt.Fprintf(out, "to see all of it: %s\n", rerun(o, r))
}

func rerun(o *options, r *world.Result) string {
	command := fmt.Sprintf("go run ./e2e/simulation -seed %d -nodes %d -trace", r.Seed, r.Nodes)
	switch {
	case o.faults == nil:
		return command
	case len(o.faults) == 0:
		return command + " -faults none"
	default:
		return command + " -faults " + strings.ReplaceAll(names(o.faults), " ", "")
	}
}
