package main

import (
	"errors"
	"flag"
	"os"
	"runtime/debug"
)

// The exit codes.
const (
	exitSound  = 0
	exitBroken = 1
	exitUsage  = 2
)

func main() {
	o, err := parseOptions(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(exitSound)
	case err != nil:
		os.Exit(exitUsage)
	}
	debug.SetGCPercent(800) // worlds are small, and made by the thousand
	os.Exit(run(o, os.Stdout))
}
