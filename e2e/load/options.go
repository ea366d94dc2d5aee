package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// options says how much of what.
type options struct {
	handshakes int
	clients    int
	machines   int
	hostile    int
	trick      string // of all hostile clients; empty where they share all there are
	readers    int    // of evidence at the server, 0 for its default
	slow       time.Duration
	activate   bool
	memory     int // MiB
	timeout    time.Duration
}

func parse(args []string, out io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(out)
	f.IntVar(&o.handshakes, "handshakes", 1000, "honest joins to hold, one handshake each")
	f.IntVar(&o.clients, "clients", 16, "honest joins at a time")
	f.IntVar(&o.machines, "machines", 4, "software TPMs that the honest clients share")
	f.IntVar(&o.hostile, "hostile", 100, "hostile clients, all at a time, until the last join is over")
	f.StringVar(&o.trick, "trick", "", "what all hostile clients do; else each does one of:\n"+strings.Join(names(), "\n"))
	f.IntVar(&o.readers, "readers", 0, "frames of evidence that the server takes in at a time; else its default")
	f.DurationVar(&o.slow, "slow", 0, "time that the server has for one of them; else its default")
	f.BoolVar(&o.activate, "activate", false, "have every join answer a challenge, as first joins do; else machines\nhold certificates of their attestation keys")
	f.IntVar(&o.memory, "memory", 256, "MiB that the server's memory may grow to")
	f.DurationVar(&o.timeout, "timeout", 10*time.Minute, "for all of it")
	f.Usage = func() {
		fmt.Fprint(out, "Load has honest machines join a JoinService while hostile clients try to stop\nthem. It exits with 1 if an honest join fails, or the server uses too much memory.\n\nUsage: go run ./e2e/load [flags]\n\n")
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if len(o.tricks()) == 0 {
		err := fmt.Errorf("there is no trick %q", o.trick)
		fmt.Fprintln(out, err)
		return nil, err
	}
	if f.NArg() > 0 || o.readers < 0 || o.slow < 0 || o.handshakes < 1 || o.clients < 1 || o.machines < 1 || o.hostile < 0 || o.memory < 1 || o.timeout <= 0 {
		err := fmt.Errorf("numbers must be positive, and there are no arguments: %q", args)
		fmt.Fprintln(out, err)
		return nil, err
	}
	return o, nil
}

// tricks returns what the hostile clients do.
func (o *options) tricks() []trick {
	list := tricks()
	if o.trick == "" {
		return list
	}
	for _, t := range list {
		if t.name == o.trick {
			return []trick{t}
		}
	}
	return nil
}

func names() []string {
	var list []string
	for _, t := range tricks() {
		list = append(list, t.name)
	}
	return list
}
