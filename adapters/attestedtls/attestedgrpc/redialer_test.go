package attestedgrpc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/attestedgrpc"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// keep returns a Redialer to the service, and what it says of itself.
func keep(t *testing.T, s *service, config *attestedtls.ClientConfig, b attestedgrpc.Backoff) (*attestedgrpc.Redialer, <-chan attestedgrpc.Status) {
	t.Helper()
	changes := make(chan attestedgrpc.Status, 1000)
	r := attestedgrpc.NewRedialer(attestedgrpc.RedialerConfig{
		Dial: func(ctx context.Context) (*attestedtls.Conn, error) {
			return attestedtls.Dial(ctx, "tcp", s.address, config)
		},
		Backoff: b,
		Changed: func(s attestedgrpc.Status) { changes <- s },
	})
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, changes
}

// await returns the next status of that state.
func await(t *testing.T, changes <-chan attestedgrpc.Status, want attestedgrpc.State) attestedgrpc.Status {
	t.Helper()
	ctx := softtest.Context(t)
	for {
		select {
		case s := <-changes:
			if s.State == want {
				return s
			}
		case <-ctx.Done():
			t.Fatalf("never %v", want)
		}
	}
}

func TestRedialerComesBack(t *testing.T) {
	_, s, config := joinWorld(t)
	r, changes := keep(t, s, config, attestedgrpc.Backoff{Least: time.Millisecond})
	ctx := softtest.Context(t)
	const losses = 3
	for range losses {
		await(t, changes, attestedgrpc.Ready)
		if err := call(ctx, r); err != nil {
			t.Fatal(err)
		}
		s.cut()
		if lost := await(t, changes, attestedgrpc.Waiting); !errors.Is(lost.Err, attestedgrpc.ErrLost) {
			t.Errorf("waiting because of %v", lost.Err)
		}
	}
	if err := call(ctx, r); err != nil { // it waits for the session
		t.Errorf("a call on the last session: %v", err)
	}
	if c := s.server.Counters(); c.Started != losses+1 || c.Admitted != losses+1 {
		t.Errorf("handshakes: %+v, want %d", c, losses+1)
	}
}

// TestRedialerRefused wants refusals to be seen by whoever calls, and not to be
// tried again soon.
func TestRedialerRefused(t *testing.T) {
	w, s, config := joinWorld(t)
	config.Attester = w.MachineOf(t, evidence.ProcessVTPM, "v0.0.1")
	r, changes := keep(t, s, config, attestedgrpc.Backoff{Least: time.Millisecond})
	if refused := await(t, changes, attestedgrpc.Refused); refused.Wait < time.Minute {
		t.Errorf("the next attempt is in %v", refused.Wait)
	}
	ctx, cancel := context.WithTimeout(t.Context(), impatience)
	defer cancel()
	for range 10 {
		err := call(ctx, r)
		var refusal *attestedtls.Refused
		if status.Code(err) != codes.PermissionDenied || !errors.As(err, &refusal) || len(refusal.Findings) < 3 {
			t.Fatalf("a call gave %v", err)
		}
	}
	if c := s.server.Counters(); c.Started != 1 {
		t.Errorf("%d handshakes, want 1", c.Started)
	}
}

// TestRedialerRetriesRefusals has a machine that is refused once only.
func TestRedialerRetriesRefusals(t *testing.T) {
	w, s, config := joinWorld(t)
	bad, good := *config, *config
	bad.Attester = w.MachineOf(t, evidence.ProcessVTPM, "v0.0.1")
	configs := []*attestedtls.ClientConfig{&bad, &good}
	r := attestedgrpc.NewRedialer(attestedgrpc.RedialerConfig{
		Dial: func(ctx context.Context) (*attestedtls.Conn, error) {
			next := configs[0]
			configs = configs[1:]
			return attestedtls.Dial(ctx, "tcp", s.address, next)
		},
		Backoff: attestedgrpc.Backoff{Refused: time.Millisecond},
	})
	defer r.Close() //nolint:errcheck // the end of the test
	ctx := softtest.Context(t)
	for {
		err := call(ctx, r)
		if err == nil {
			break
		}
		if status.Code(err) != codes.PermissionDenied {
			t.Fatal(err)
		}
	}
	if got := r.Status(); got.State != attestedgrpc.Ready || got.Err != nil {
		t.Errorf("status %+v", got)
	}
}

func TestRedialerHonoursRetryTime(t *testing.T) {
	w := softtest.New(t)
	config := w.Client(t, evidence.Join, evidence.Joiner)
	machine := w.Member(t)
	machine.Before = func(context.Context) error { return errors.New("the device is busy") }
	services := w.Server(t, evidence.Join)
	services.Services[evidence.Join].Attester = machine
	services.Limits.RetryAfter = time.Hour / 4
	s := start(t, services)
	r, changes := keep(t, s, config, attestedgrpc.Backoff{Least: time.Millisecond})
	waiting := await(t, changes, attestedgrpc.Waiting)
	if waiting.Wait > time.Minute { // nobody proved anything: it may be anyone's wish
		t.Errorf("the next attempt is in %v", waiting.Wait)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := call(ctx, r); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a call that waited: %v", err)
	}
}

func TestRedialerClosed(t *testing.T) {
	_, s, config := joinWorld(t)
	r, changes := keep(t, s, config, attestedgrpc.Backoff{})
	await(t, changes, attestedgrpc.Ready)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := call(softtest.Context(t), r); status.Code(err) != codes.Unavailable || !errors.Is(err, attestedgrpc.ErrLost) {
		t.Errorf("a call on a closed Redialer: %v", err)
	}
	if got := r.Status().State; got != attestedgrpc.Closed {
		t.Errorf("it is %v", got)
	}
}
