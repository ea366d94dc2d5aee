package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Hostile clients, every trick twice among them, do not stop sixty joins, nor does
// the server's memory grow with them.
func TestThreat23HostileClientsDoNotStopJoins(t *testing.T) {
	for name, activate := range map[string]bool{"certified": false, "activated": true} {
		t.Run(name, func(t *testing.T) {
			o := &options{handshakes: 60, clients: 8, machines: 2, hostile: 2 * len(tricks()), activate: activate, memory: mebibytes(256), timeout: time.Minute}
			r := survive(t, o)
			if r.server.Counters.Refused == 0 {
				t.Errorf("the server counts %+v", r.server.Counters)
			}
		})
	}
}

// More clients than the server takes evidence from at a time withhold the last
// byte of it, and more memory than it may use is announced. They lose their places
// soon, and until they have one, they cost next to nothing.
func TestThreat23WithheldEvidenceDoesNotStopJoins(t *testing.T) {
	crowd := 160
	if raced() {
		crowd = 32 // as many as it can encrypt for
	}
	survive(t, &options{
		handshakes: 8, clients: 8, machines: 2, hostile: crowd, trick: "all but the last byte of evidence",
		readers: 16, slow: 250 * time.Millisecond, memory: mebibytes(128), timeout: time.Minute,
	})
}

// mebibytes is a bound for the memory of the server, which takes a multiple of it
// where the race detector watches.
func mebibytes(bound int) int {
	if raced() {
		return 8 * bound
	}
	return bound
}

func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// survive runs the load, and fails the test where the figures are not good.
func survive(t *testing.T, o *options) *result {
	t.Helper()
	r, err := run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var figures bytes.Buffer
	if err := r.print(&figures, o); err != nil {
		t.Error(err)
	}
	t.Log("\n" + figures.String())
	if r.connections < int64(o.hostile) {
		t.Errorf("%d hostile connections by %d clients", r.connections, o.hostile)
	}
	if c := r.server.Counters; c.Admitted != uint64(o.handshakes) {
		t.Errorf("the server counts %+v", c)
	}
	return r
}

func TestBadResultsFail(t *testing.T) {
	o := &options{handshakes: 2, clients: 1, memory: 10}
	good := func() *result {
		return &result{latencies: []time.Duration{time.Millisecond, time.Second}, server: &stopped{CPU: time.Second, PeakMemory: 1 << 20}}
	}
	if err := good().print(io.Discard, o); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	for name, spoil := range map[string]func(*result){
		"a failed join":    func(r *result) { r.failures = []error{errors.New("refused")} },
		"a join too few":   func(r *result) { r.latencies = r.latencies[1:] },
		"an admission":     func(r *result) { r.deceived = 1 },
		"too much memory":  func(r *result) { r.server.PeakMemory = 11 << 20 },
		"no join whatever": func(r *result) { r.latencies = nil },
	} {
		r := good()
		spoil(r)
		if r.print(io.Discard, o) == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

func TestPercentiles(t *testing.T) {
	r := &result{}
	for i := range 200 {
		r.latencies = append(r.latencies, time.Duration(i+1))
	}
	for p, want := range map[int]time.Duration{50: 100, 99: 198, 100: 200} {
		if got := r.percentile(p); got != want {
			t.Errorf("p%d is %d, want %d", p, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	var said strings.Builder
	if o, err := parse([]string{"-handshakes", "5", "-hostile", "0"}, &said); err != nil || o.handshakes != 5 || o.clients != 16 {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, args := range [][]string{{"-handshakes", "0"}, {"-clients", "-1"}, {"more"}, {"-no-such"}, {"-trick", "none"}, {"-readers", "-1"}} {
		if _, err := parse(args, &said); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	if !strings.Contains(said.String(), "Usage: go run ./e2e/load") {
		t.Errorf("the help says %q", said.String())
	}
}
