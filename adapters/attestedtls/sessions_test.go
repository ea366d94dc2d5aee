package attestedtls_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/adapters/attestedtls/internal/softtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// TestThreat23Sessions bounds sessions with peers that proved nothing, in number
// and in time.
func TestThreat23Sessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := softtest.New(t)
		config := w.Server(t, evidence.Admin)
		config.Limits.Sessions, config.Limits.Unproven = 2, time.Minute
		server := softtest.NewServer(t, config)
		meet := func() (client, served softtest.Outcome) {
			near, far := net.Pipe()
			return softtest.MeetOver(t, w.Client(t, evidence.Admin, evidence.Owner), server, near, far)
		}
		first, firstServed := meet()
		second, secondServed := meet()
		requireSession(t, first, firstServed)
		requireSession(t, second, secondServed)
		third, _ := meet()
		requireCodes(t, third.Err, true, policy.CodeServerBusy)

		secondServed.Conn.Proven()
		ended := make(chan time.Time, 1)
		since := time.Now()
		go func() {
			_, _ = first.Conn.Read(make([]byte, 1))
			ended <- time.Now()
		}()
		if waited := (<-ended).Sub(since); waited != time.Minute {
			t.Errorf("who proved nothing was let go after %v", waited)
		}
		go func() { _, _ = secondServed.Conn.Write([]byte("x")) }()
		if n, err := second.Conn.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("who proved itself reads %d bytes, %v", n, err)
		}
		third, thirdServed := meet()
		requireSession(t, third, thirdServed)
		for _, end := range []softtest.Outcome{secondServed, thirdServed, thirdServed} { // one of them twice
			go func() { _ = end.Conn.Close() }()
		}
		_, _ = second.Conn.Read(make([]byte, 1))
		_, _ = third.Conn.Read(make([]byte, 1))
		synctest.Wait()
		if c := server.Counters(); c.Sessions != 0 {
			t.Errorf("counters: %+v", c)
		}
	})
}

// TestThreat23Logs has a stranger refuse the server with as much as it may say.
func TestThreat23Logs(t *testing.T) {
	var logged bytes.Buffer
	w := softtest.New(t)
	refusal := &frame.Verdict{}
	for range 60 {
		refusal.Findings = append(refusal.Findings, policy.Finding{Code: policy.Code(strings.Repeat("A", 60)), Severity: policy.Refuse, Subject: "s", Remedy: "r"})
	}
	serve := func(level slog.Level) {
		config := w.Server(t, evidence.Join)
		config.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: level}))
		r := newRogue(t, w, session{evidence.Join, evidence.Joiner}, attestedtls.ClientSide)
		r.server = softtest.NewServer(t, config)
		r.alter = func(attestedtls.Step, []byte) []byte {
			_, _ = r.conn.Write(encoded(t, refusal.Within(attestedtls.MaxClientVerdict)))
			return nil
		}
		_, _, honest := r.against(t)
		var refused *attestedtls.Refused
		if !errors.As(honest, &refused) || !refused.ByPeer || len(refused.Findings) < 20 {
			t.Errorf("the server: %v", honest)
		}
	}
	serve(slog.LevelInfo)
	if logged.Len() > 0 {
		t.Errorf("a stranger's refusal is logged: %s", logged.String())
	}
	serve(slog.LevelDebug)
	if logged.Len() == 0 || logged.Len() > 2<<10 {
		t.Errorf("on request %d bytes are logged", logged.Len())
	}
}

// TestThreat03HelloOfAServer sends a server the hello that another server sent, as
// a client's.
func TestThreat03HelloOfAServer(t *testing.T) {
	w := softtest.New(t)
	for _, p := range []evidence.Purpose{evidence.Attest, evidence.Init} {
		t.Run(string(p), func(t *testing.T) {
			s := session{p, softtest.Clients(p)[0]}
			var recorded []byte
			first := newRogue(t, w, s, attestedtls.ClientSide)
			first.alter = func(step attestedtls.Step, sent []byte) []byte {
				if step.Row == "1" {
					return sent
				}
				recorded = first.itsHello
				return nil
			}
			_, _, _ = first.against(t)
			if recorded == nil {
				t.Fatal("no hello was recorded")
			}
			second := newRogue(t, w, s, attestedtls.ClientSide)
			second.alter = func(step attestedtls.Step, sent []byte) []byte {
				if step.Row == "1" {
					return framed(frame.KindHello, recorded)
				}
				return sent
			}
			_, _, honest := second.against(t)
			requireCodes(t, honest, false, policy.CodeSessionRefused)
			var refused *attestedtls.Refused
			if errors.As(honest, &refused) && refused.Findings[0].Subject != "role and purpose" {
				t.Errorf("refused for %+v", refused.Findings[0])
			}
		})
	}
}

// TestNeedlessIdentity has a server show an identity that needs no challenge.
func TestNeedlessIdentity(t *testing.T) {
	w := softtest.New(t)
	certified := w.Member(t)
	for _, p := range []evidence.Purpose{evidence.Init, evidence.Recover} {
		t.Run(string(p), func(t *testing.T) {
			r := newRogue(t, w, session{p, softtest.Clients(p)[0]}, attestedtls.ServerSide)
			r.alter = func(step attestedtls.Step, sent []byte) []byte {
				if step.Row != "3a" {
					return sent
				}
				id, err := certified.Identity(context.Background())
				if err != nil {
					t.Error(err)
				}
				return encoded(t, &frame.Identity{Identity: *id})
			}
			_, _, honest := r.against(t)
			requireCodes(t, honest, false, policy.CodeSessionRefused)
			if !errors.Is(honest, frame.ErrUnexpected) || !errors.Is(honest, attestedtls.ErrProtocol) {
				t.Errorf("refused with %v", honest)
			}
		})
	}
}

// TestRefusalReachesASender refuses a client that is still sending a megabyte.
func TestRefusalReachesASender(t *testing.T) {
	w := softtest.New(t)
	r := newRogue(t, w, session{evidence.Join, evidence.Joiner}, attestedtls.ClientSide)
	r.alter = func(attestedtls.Step, []byte) []byte { return append(framed(0, nil), make([]byte, 1<<20)...) }
	near, far := net.Pipe() // holds nothing: what is not read away cannot be sent
	told, err, honest := r.over(t, near, far)
	requireCodes(t, honest, false, policy.CodeSessionRefused)
	if told == nil || err != nil || told.Findings[0].Code != policy.CodeSessionRefused {
		t.Errorf("the client was told %+v, %v", told, err)
	}
}

// brokenWriter is a connection that takes nothing any more, as one that the peer
// has closed; what came before can be read.
type brokenWriter struct {
	net.Conn

	broken atomic.Bool
}

// Write fails once it is broken.
func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.broken.Load() {
		return 0, syscall.EPIPE
	}
	return b.Conn.Write(p)
}

// TestLastWord has the connection break while the peer's refusal lies in it.
func TestLastWord(t *testing.T) {
	w := softtest.New(t)
	near, far := softtest.Pair(t)
	end := &brokenWriter{Conn: far}
	r := newRogue(t, w, session{evidence.Admin, evidence.Owner}, attestedtls.ClientSide)
	r.alter = func(_ attestedtls.Step, sent []byte) []byte {
		end.broken.Store(true)
		return append(sent, encoded(t, &frame.Verdict{Verdict: policy.Verdict{Findings: []policy.Finding{
			{Code: policy.CodePeerMismatch, Severity: policy.Refuse, Subject: "a test", Remedy: "None."},
		}}})...)
	}
	_, _, honest := r.over(t, near, end)
	requireCodes(t, honest, true, policy.CodePeerMismatch)
}
