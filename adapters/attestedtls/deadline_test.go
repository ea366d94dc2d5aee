package attestedtls_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Time in these tests is synthetic: they wait for nothing.

// TestThreat23SilentAtEveryFrame has an end stop at each of its frames, before it
// or after its first bytes. The other end waits as long as its one deadline, says
// why it does not any more, and when to come back; within a client's evidence it
// waits a second.
func TestThreat23SilentAtEveryFrame(t *testing.T) {
	for _, p := range softtest.Purposes() {
		s := session{p, softtest.Clients(p)[0]}
		for _, side := range sides() {
			for _, step := range ownSteps(&rogue{purpose: p, side: side}) {
				for _, started := range []int{0, 3, frame.HeaderSize + 1} {
					t.Run(s.String()+" frame "+step.Row, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { checkSilence(t, s, side, step, started) })
					})
				}
			}
		}
	}
}

func checkSilence(t *testing.T, s session, side attestedtls.Side, step attestedtls.Step, started int) {
	t.Helper()
	r := newRogue(t, softtest.New(t), s, side)
	var told *frame.Verdict
	var waited time.Duration
	r.alter = func(other attestedtls.Step, sent []byte) []byte {
		if other.Row != step.Row {
			return sent
		}
		_, _ = r.conn.Write(sent[:started])
		since := time.Now()
		told, _ = r.receive(attestedtls.Step{Kind: frame.KindVerdict})
		waited = time.Since(since)
		return nil
	}
	rogueEnd, honestEnd := net.Pipe()
	_, _, honest := r.over(t, rogueEnd, honestEnd)
	want := 20 * time.Second
	if step.Kind == frame.KindEvidence && side == attestedtls.ClientSide && started > frame.HeaderSize {
		want = time.Second
	}
	if waited != want {
		t.Errorf("the honest end waited %v, want %v", waited, want)
	}
	var refused *attestedtls.Refused
	if honest == nil || errors.As(honest, &refused) || !strings.Contains(honest.Error(), "took too long") {
		t.Errorf("the honest end: %v", honest)
	}
	if told == nil || told.Findings[0].Code != policy.CodeSessionRefused || told.RetryAfter == 0 {
		t.Errorf("the silent end was told %+v", told)
	}
}

// TestThreat23SilentWithoutTLS has nobody to tell.
func TestThreat23SilentWithoutTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := softtest.New(t)
		server := softtest.NewServer(t, w.Server(t, evidence.Admin))
		_, end := net.Pipe()
		since := time.Now()
		_, err := server.Handshake(t.Context(), end)
		if waited := time.Since(since); waited != 20*time.Second || !errors.Is(err, attestedtls.ErrTLS) {
			t.Errorf("after %v: %v", waited, err)
		}
	})
}

// TestThreat23DripFeed sends a hello byte by byte: each is progress, and all of
// them together are late.
func TestThreat23DripFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRogue(t, softtest.New(t), session{evidence.Admin, evidence.Owner}, attestedtls.ClientSide)
		since := time.Now()
		r.alter = func(_ attestedtls.Step, sent []byte) []byte {
			for i := range sent {
				if _, err := r.conn.Write(sent[i : i+1]); err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			return nil
		}
		rogueEnd, honestEnd := net.Pipe()
		_, _, honest := r.over(t, rogueEnd, honestEnd)
		if waited := time.Since(since); honest == nil || waited > 30*time.Second {
			t.Errorf("after %v: %v", waited, honest)
		}
	})
}

// TestThreat23DeafPeer never reads the refusal. It costs what refusals may linger.
func TestThreat23DeafPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := softtest.New(t)
		config := w.Server(t, evidence.Admin)
		config.Limits.Linger = 3 * time.Second
		server := softtest.NewServer(t, config)
		r := newRogue(t, w, session{evidence.Admin, evidence.Owner}, attestedtls.ClientSide)
		rogueEnd, honestEnd := net.Pipe()
		defer rogueEnd.Close() //nolint:errcheck // the end of the test
		go func() {
			if err := r.secure(t.Context(), rogueEnd, selfSigned(t)); err == nil {
				_, _ = r.conn.Write(framed(0, nil))
			}
		}()
		since := time.Now()
		_, err := server.Handshake(t.Context(), honestEnd)
		requireCodes(t, err, false, policy.CodeSessionRefused)
		if waited := time.Since(since); waited != 3*time.Second {
			t.Errorf("the refusal lingered %v", waited)
		}
	})
}

// TestCancelled ends handshakes whose caller does not want them any more.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := softtest.New(t)
		config := w.Server(t, evidence.Admin)
		config.Services[evidence.Admin].Attester.(*softtest.Machine).Before = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		server := softtest.NewServer(t, config)
		clientEnd, serverEnd := net.Pipe()
		served := make(chan error, 1)
		go func() {
			_, err := server.Handshake(t.Context(), serverEnd)
			served <- err
		}()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := attestedtls.Client(ctx, clientEnd, w.Client(t, evidence.Admin, evidence.Owner))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the client: %v", err)
		}
		if err := <-served; err == nil {
			t.Error("the server has a session with nobody")
		}
	})
}

// TestSessionsHaveNoDeadline reads from a session long after its handshake.
func TestSessionsHaveNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := softtest.New(t)
		clientEnd, serverEnd := net.Pipe()
		client, server := softtest.MeetOver(t, w.Client(t, evidence.Join, evidence.Joiner), softtest.NewServer(t, w.Server(t, evidence.Join)), clientEnd, serverEnd)
		requireSession(t, client, server)
		time.AfterFunc(time.Hour, func() { _, _ = server.Conn.Write([]byte("late")) })
		got := make([]byte, 4)
		if _, err := client.Conn.Read(got); err != nil || string(got) != "late" {
			t.Errorf("read %q, %v", got, err)
		}
	})
}
