package attestedtls_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/e2e/attestedtls/world"
)

// errandVariable tells the test's binary that it is the clients' process.
const errandVariable = "ASTERISM_E2E_ERRAND"

// errand is what a process of clients is sent for. It is told on its standard
// input, and how many sessions to hold after that.
type errand struct {
	Address   string // of the server
	Facts     *world.Facts
	Passports []*world.Passport // of the joiners
	Plain     bool              // mutual TLS 1.3 and nothing more
}

type round struct{ Sessions, Parallel int }

type report struct{ Failed string }

// runErrand is the main function of the process of clients.
func runErrand(in io.Reader, out io.Writer) error {
	var e errand
	orders, reports := json.NewDecoder(in), json.NewEncoder(out)
	if err := orders.Decode(&e); err != nil {
		return err
	}
	hold, end, err := e.prepare()
	if err != nil {
		return err
	}
	defer end()
	for {
		var r round
		if err := orders.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		done := report{}
		if err := r.run(hold); err != nil {
			done.Failed = err.Error()
		}
		if err := reports.Encode(done); err != nil {
			return err
		}
	}
}

// prepare returns what holds the nth session.
func (e *errand) prepare() (hold func(n int) error, end func(), err error) {
	if e.Plain {
		certificate, err := selfSigned()
		return func(int) error { return plainSession(e.Address, certificate) }, func() {}, err
	}
	clock := &world.Clock{}
	sessions := &world.Sessions{Facts: e.Facts, Clock: clock, Verifiers: world.NewVerifiers(clock)}
	var configs []*attestedtls.ClientConfig
	var machines []*world.Machine
	end = func() {
		for _, m := range machines {
			shut(m)
		}
	}
	for _, p := range e.Passports {
		m, err := p.Take(context.Background(), clock)
		if err != nil {
			end()
			return nil, nil, err
		}
		machines = append(machines, m)
		configs = append(configs, sessions.Joiner(m))
	}
	return func(n int) error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn, err := attestedtls.Dial(ctx, "tcp", e.Address, configs[n%len(configs)])
		if err != nil {
			return err
		}
		return conn.Close()
	}, end, nil
}

// run holds the sessions, so many at a time, and returns the first error.
func (r round) run(hold func(int) error) error {
	var next atomic.Int64
	failed := make([]error, r.Parallel)
	var group sync.WaitGroup
	for i := range r.Parallel {
		group.Go(func() {
			for n := next.Add(1); n <= int64(r.Sessions) && failed[i] == nil; n = next.Add(1) {
				failed[i] = hold(int(n))
			}
		})
	}
	group.Wait()
	return errors.Join(failed...)
}

func plainSession(address string, certificate *tls.Certificate) error {
	conn, err := tls.Dial("tcp", address, plainConfig(certificate))
	if err != nil {
		return err
	}
	defer shut(conn)
	_, err = conn.Read(make([]byte, 1)) // the server's word that it took the certificate
	return err
}

func plainConfig(certificate *tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519}, InsecureSkipVerify: true, SessionTicketsDisabled: true,
	}
}

// clients is a process of clients.
type clients struct {
	orders  *json.Encoder
	reports *json.Decoder
}

// send starts the process, which ends with the test.
func (e *errand) send(t testing.TB) *clients {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), errandVariable+"=1")
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		shut(in)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the clients' process: %v: %s", err, said.String())
		}
	})
	c := &clients{json.NewEncoder(in), json.NewDecoder(out)}
	if err := c.orders.Encode(e); err != nil {
		t.Fatal(err)
	}
	return c
}

// hold has the process hold sessions and returns when all are over.
func (c *clients) hold(r round) error {
	if err := c.orders.Encode(r); err != nil {
		return err
	}
	var done report
	if err := c.reports.Decode(&done); err != nil {
		return fmt.Errorf("the clients' process says nothing: %w", err)
	}
	if done.Failed != "" {
		return errors.New(done.Failed)
	}
	return nil
}
