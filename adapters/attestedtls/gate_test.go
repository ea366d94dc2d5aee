package attestedtls_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// stall has a client begin its evidence and not go on. It returns when the server
// reads it, or has it wait; what it is told arrives later.
func stall(t *testing.T, w *softtest.World, server *attestedtls.Server) <-chan *frame.Verdict {
	t.Helper()
	r := newRogue(t, w, session{evidence.Join, evidence.Joiner}, attestedtls.ClientSide)
	told := make(chan *frame.Verdict, 1)
	r.alter = func(step attestedtls.Step, sent []byte) []byte {
		if step.Kind != frame.KindEvidence {
			return sent
		}
		_, _ = r.conn.Write(sent[:frame.HeaderSize])
		v, _ := r.receive(attestedtls.Step{Kind: frame.KindVerdict})
		told <- v
		return nil
	}
	r.server = server
	rogueEnd, honestEnd := net.Pipe()
	go func() { _, _, _ = r.over(t, rogueEnd, honestEnd) }()
	synctest.Wait()
	return told
}

// TestThreat23Gate fills the one place to read evidence and the one place to wait
// for it, with clients that stall.
func TestThreat23Gate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := softtest.New(t)
		config := w.Server(t, evidence.Join)
		config.Limits.Readers, config.Limits.Queue, config.Limits.RetryAfter = 1, 1, time.Minute
		server := softtest.NewServer(t, config)

		reading, waiting, busy := stall(t, w, server), stall(t, w, server), stall(t, w, server)
		if c := server.Counters(); c.Readers != 1 || c.Queued != 1 {
			t.Errorf("counters: %+v", c)
		}
		told := <-busy
		if told.Findings[0].Code != policy.CodeServerBusy || told.RetryAfter < time.Minute || told.RetryAfter > 3*time.Minute {
			t.Errorf("the third is told %+v", told)
		}
		since := time.Now()
		<-reading
		if waited := time.Since(since); waited != time.Second {
			t.Errorf("the place was lost after %v", waited)
		}
		<-waiting
		if waited := time.Since(since); waited != 2*time.Second {
			t.Errorf("the next place was lost after %v", waited)
		}
		synctest.Wait()
		if c := server.Counters(); c.Busy != 1 || c.Failed != 2 || c.Readers != 0 || c.Queued != 0 || c.Running != 0 {
			t.Errorf("counters: %+v", c)
		}
	})
}

// TestThreat23HonestBehindStallers has an honest client wait behind stallers, and
// pass when their second is over.
func TestThreat23HonestBehindStallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := softtest.New(t)
		config := w.Server(t, evidence.Join)
		config.Limits.Readers = 2
		server := softtest.NewServer(t, config)
		for range 10 {
			stall(t, w, server)
		}
		since := time.Now()
		clientEnd, serverEnd := net.Pipe()
		client, served := softtest.MeetOver(t, w.Client(t, evidence.Join, evidence.Joiner), server, clientEnd, serverEnd)
		requireSession(t, client, served)
		if waited := time.Since(since); waited != 5*time.Second {
			t.Errorf("it waited %v", waited)
		}
	})
}

// TestThreat23Handshakes bounds handshakes: one more is closed unheard.
func TestThreat23Handshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := softtest.New(t)
		config := w.Server(t, evidence.Join)
		config.Limits.Handshakes = 3
		server := softtest.NewServer(t, config)
		for range 3 {
			_, end := net.Pipe()
			go func() { _, _ = server.Handshake(t.Context(), end) }()
		}
		synctest.Wait()
		near, far := net.Pipe()
		if _, err := server.Handshake(t.Context(), far); !errors.Is(err, attestedtls.ErrClosed) {
			t.Errorf("the fourth: %v", err)
		}
		if _, err := near.Read(make([]byte, 1)); err == nil {
			t.Error("the fourth was spoken to")
		}
		if c := server.Counters(); c.Closed != 1 || c.Running != 3 {
			t.Errorf("counters: %+v", c)
		}
	})
}

// TestShutdown lets a handshake finish that can, refuses one that cannot, and
// takes no more.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := softtest.New(t)
		config := w.Server(t, evidence.Join, evidence.Admin)
		config.Services[evidence.Admin].Attester.(*softtest.Machine).Before = func(context.Context) error {
			time.Sleep(3 * time.Second)
			return nil
		}
		server := softtest.NewServer(t, config)
		stuck := stuckClient(t, w, server)
		admitted := make(chan softtest.Outcome, 1)
		go func() {
			clientEnd, serverEnd := net.Pipe()
			client, _ := softtest.MeetOver(t, w.Client(t, evidence.Admin, evidence.Owner), server, clientEnd, serverEnd)
			admitted <- client
		}()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		since := time.Now()
		if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutting down: %v", err)
		}
		if waited := time.Since(since); waited != 5*time.Second {
			t.Errorf("it took %v", waited)
		}
		if client := <-admitted; client.Err != nil {
			t.Errorf("a handshake that could finish: %v", client.Err)
		}
		told := <-stuck
		if told == nil || told.Findings[0].Code != policy.CodeServerBusy || told.RetryAfter == 0 {
			t.Errorf("a handshake that could not finish is told %+v", told)
		}
		_, end := net.Pipe()
		if _, err := server.Handshake(t.Context(), end); !errors.Is(err, attestedtls.ErrClosed) {
			t.Errorf("a handshake after all that: %v", err)
		}
	})
}

// stuckClient is a client that says nothing after TLS.
func stuckClient(t *testing.T, w *softtest.World, server *attestedtls.Server) <-chan *frame.Verdict {
	t.Helper()
	r := newRogue(t, w, session{evidence.Join, evidence.Joiner}, attestedtls.ClientSide)
	told := make(chan *frame.Verdict, 1)
	r.server = server
	r.alter = func(attestedtls.Step, []byte) []byte {
		v, _ := r.receive(attestedtls.Step{Kind: frame.KindVerdict})
		told <- v
		return nil
	}
	rogueEnd, honestEnd := net.Pipe()
	go func() { _, _, _ = r.over(t, rogueEnd, honestEnd) }()
	return told
}

func TestShutdownOfIdleServer(t *testing.T) {
	w := softtest.New(t)
	server := softtest.NewServer(t, w.Server(t, evidence.Admin))
	for range 2 {
		if err := server.Shutdown(t.Context()); err != nil {
			t.Errorf("shutting down: %v", err)
		}
	}
}
