package attestedtls

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
)

// Server holds the server's end of handshakes. It may be used concurrently.
type Server struct {
	config ServerConfig
	gate   *gate
	tally  tally

	mu      sync.Mutex
	running map[*running]struct{}
	closed  bool
	idle    chan struct{} // closed when the last handshake of a closed server ends
}

// running is a handshake that can be given up from outside.
type running struct{ cancel context.CancelCauseFunc }

// NewServer returns a server. The error wraps ErrConfig.
func NewServer(c ServerConfig) (*Server, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c.Limits = c.Limits.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{config: c, gate: newGate(c.Limits), running: map[*running]struct{}{}, idle: make(chan struct{})}, nil
}

// Handshake takes a connection that was accepted, and returns the session if both
// ends admit each other; else it closes the connection, after the peer was told
// why. The error is or wraps a *Refused where one end refused, ErrTLS where there
// was no session to refuse in, ErrClosed where there is no room, the attester's
// errors where the server itself cannot attest, or the context's.
func (s *Server) Handshake(ctx context.Context, raw net.Conn) (*Conn, error) {
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		s.tally.closed.Add(1)
		return nil, errors.Join(err, raw.Close())
	}
	defer leave()
	secured, err := secure(ctx, raw, ServerSide, s.config.Keys)
	if err != nil {
		s.tally.failed.Add(1)
		return nil, err
	}
	h := newServerHandshake(s, raw, secured)
	if err := h.run(ctx); err != nil {
		if h.leave != nil {
			h.leave()
		}
		return nil, s.refuse(ctx, h, endingOf(ctx, err))
	}
	s.tally.admitted.Add(1)
	conn := h.finish()
	if h.leave != nil {
		conn.lend(s.config.Limits.Unproven, h.leave)
	}
	return conn, nil
}

// enter gives a handshake its place and its deadline.
func (s *Server) enter(ctx context.Context) (context.Context, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, nil, errStopping
	case len(s.running) >= s.config.Limits.Handshakes:
		return nil, nil, fmt.Errorf("%w: %d handshakes run already", ErrClosed, len(s.running))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	ctx, expire := context.WithTimeoutCause(ctx, s.config.Limits.Timeout, errTimeout)
	r := &running{cancel}
	s.running[r] = struct{}{}
	s.tally.started.Add(1)
	return ctx, func() {
		expire()
		cancel(nil)
		s.leave(r)
	}, nil
}

func (s *Server) leave(r *running) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, r)
	if s.closed && len(s.running) == 0 {
		close(s.idle)
	}
}

// refuse ends a handshake and returns the caller's error.
func (s *Server) refuse(ctx context.Context, h *serverHandshake, e *ending) error {
	s.tally.count(e)
	s.log(ctx, h, e)
	e.after = s.retryAfter()
	h.end(ctx, e, s.config.Limits.Linger)
	return e.err
}

// retryAfter spreads those who come back over time.
func (s *Server) retryAfter() time.Duration {
	least := s.config.Limits.RetryAfter
	after := least + rand.N(2*least) //nolint:gosec // nothing depends on its being unpredictable
	return min(after, frame.MaxRetryAfter).Truncate(time.Millisecond)
}

// log tells of peers that were judged loudly, of all others only on request: what
// a stranger can cause for free must not fill logs, its own refusal least of all.
func (s *Server) log(ctx context.Context, h *serverHandshake, e *ending) {
	level := slog.LevelDebug
	var r *Refused
	if errors.As(e.err, &r) && !errors.Is(e.err, ErrProtocol) && !(r.ByPeer && !h.peer.Attested()) {
		level = slog.LevelInfo
	}
	found := ""
	if r != nil {
		found = codes(r.Findings)
	}
	s.config.Logger.LogAttrs(ctx, level, "attested handshake ended without a session",
		slog.String("purpose", string(h.purpose)), slog.String("peer", h.line.raw.RemoteAddr().String()),
		slog.String("findings", found), slog.String("error", clip(e.err.Error(), maxLogged)))
}

// Shutdown takes no more handshakes, waits for those that run until the context
// is done, then has the rest refused with a time to come back, and returns when
// none is left. Sessions stay as they are. It may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.close()
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for r := range s.running {
		r.cancel(errStopping)
	}
	s.mu.Unlock()
	<-s.idle // soon: refusals linger for a bounded time
	return context.Cause(ctx)
}

func (s *Server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if len(s.running) == 0 {
		close(s.idle)
	}
}
