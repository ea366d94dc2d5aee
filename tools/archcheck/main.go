package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// The exit codes.
const (
	exitClean     = 0
	exitViolated  = 1
	exitUnchecked = 2
)

const usage = `Usage: archcheck [flags]

Checks the import rules of the module in the current folder and the purity of its
domain. Prints one line a violation, "rule: where: what: what to do", and then
"archcheck: N packages, M violations".

  go run ./tools/archcheck

Exit codes: 0 when nothing is violated, 1 when something is, 2 when the tree could
not be checked, for which go list's own words are printed.

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("archcheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	complain := log.New(stderr, "archcheck: ", 0)
	flags.Usage = func() { help(flags) }
	dir := flags.String("C", ".", "check the module of `FOLDER`")
	minPackages := flags.Int("min-packages", defaultMinPackages, "fail when fewer than `N` packages are seen")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitClean
	} else if err != nil {
		return exitUnchecked
	}
	if flags.NArg() > 0 {
		complain.Printf("unexpected argument %q", flags.Arg(0))
		return exitUnchecked
	}
	t, err := loadTree(ctx, *dir, *minPackages)
	if err != nil {
		complain.Printf("could not check: %v", err)
		return exitUnchecked
	}
	violations := checkAll(t)
	if _, err := io.WriteString(stdout, report(t, violations)); err != nil {
		complain.Printf("could not report: %v", err)
		return exitUnchecked
	}
	if len(violations) > 0 {
		return exitViolated
	}
	return exitClean
}

// report is what is printed: a line a violation, and one with the counts.
func report(t *tree, violations []violation) string {
	var text strings.Builder
	for _, v := range violations {
		fmt.Fprintln(&text, v)
	}
	fmt.Fprintf(&text, "archcheck: %d packages, %d violations\n", len(t.packages), len(violations))
	return text.String()
}

func help(flags *flag.FlagSet) {
	out := log.New(flags.Output(), "", 0)
	out.Print(usage)
	flags.PrintDefaults()
	out.Print("\nRules:")
	for _, r := range rules() {
		out.Printf("  %-25s %s", r.name, r.says)
	}
}
