package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/e2e/simulation/world"
)

const usage = `Usage: simulation [flags]

Lets small worlds of nodes, owners and attackers live under a virtual clock, and
checks what must always be so. The same seed gives the same world.

  go run ./e2e/simulation -seed 7 -nodes 5 -trace       # one story, readable
  go run ./e2e/simulation -seeds 1000 -nodes 3-7        # many, quietly
  go run ./e2e/simulation -seed 7 -faults crash,network # with that trouble only
  go run ./e2e/simulation -faults none                  # a day on which nothing goes wrong

Exit codes: 0 when all is as it should be, 1 when something is not, 2 when the
command line is wrong.

Flags:
`

// options is the command line.
type options struct {
	seed   uint64
	seeds  uint64
	nodes  span
	faults []world.Fault
	trace  bool
	stop   bool // at the first world that is broken
}

// span is a range of numbers, as in "3-7".
type span struct{ low, high int }

// of draws the number for a seed.
func (s span) of(seed uint64) int { return s.low + int(seed%uint64(s.high-s.low+1)) }

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	var nodes, faults string
	f := flag.NewFlagSet("simulation", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	f.Uint64Var(&o.seed, "seed", 1, "the first `seed`")
	f.Uint64Var(&o.seeds, "seeds", 1, "how many `seeds` to run")
	f.StringVar(&nodes, "nodes", "5", "how many honest machines: `N` or N-M, by seed")
	f.StringVar(&faults, "faults", "all", "what may go wrong: all, none, or a `list` of "+names(world.Faults()))
	f.BoolVar(&o.stop, "stop", false, "stop at the first seed that is broken")
	f.BoolVar(&o.trace, "trace", false, "tell the story")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if err := o.complete(nodes, faults, f.Args()); err != nil {
		fmt.Fprintln(stderr, "simulation:", err)
		return nil, err
	}
	return o, nil
}

func (o *options) complete(nodes, faults string, rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("%q: what is that?", rest[0])
	}
	if o.seeds == 0 {
		return fmt.Errorf("-seeds 0: nothing to do")
	}
	var err error
	if o.nodes, err = parseSpan(nodes); err != nil {
		return err
	}
	o.faults, err = parseFaults(faults)
	return err
}

func parseSpan(text string) (span, error) {
	var s span
	if n, err := fmt.Sscanf(text, "%d-%d", &s.low, &s.high); err != nil || n != 2 {
		if _, err := fmt.Sscanf(text, "%d", &s.low); err != nil {
			return s, fmt.Errorf("-nodes %q: want N or N-M", text)
		}
		s.high = s.low
	}
	if s.low < 1 || s.high < s.low || s.high > 1000 {
		return s, fmt.Errorf("-nodes %q: want 1 to 1000", text)
	}
	return s, nil
}

func parseFaults(text string) ([]world.Fault, error) {
	switch text {
	case "all":
		return nil, nil
	case "none":
		return []world.Fault{}, nil
	}
	var list []world.Fault
	for name := range strings.SplitSeq(text, ",") {
		if !slices.Contains(world.Faults(), world.Fault(name)) {
			return nil, fmt.Errorf("-faults %q: there is no such fault; there are %s", name, names(world.Faults()))
		}
		list = append(list, world.Fault(name))
	}
	return list, nil
}

func names(faults []world.Fault) string {
	all := make([]string, len(faults))
	for i, f := range faults {
		all[i] = string(f)
	}
	return strings.Join(all, ", ")
}
