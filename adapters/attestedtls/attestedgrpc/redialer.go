package attestedgrpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
)

// RedialerConfig is what a Redialer is made of.
type RedialerConfig struct {
	// Dial makes a session, as attestedtls.Dial does. Each call is one attempt.
	Dial    func(context.Context) (*attestedtls.Conn, error)
	Options []grpc.DialOption // for NewClientConn
	Backoff Backoff
	// Changed is told each new status, in order. It may be nil, and must not block.
	Changed func(Status)
}

// Redialer is a gRPC connection that lasts: when its session is lost it makes a
// new one, by itself and not through gRPC. It implements grpc.ClientConnInterface.
//
// Calls wait for a session within their context. While the server refuses, or is
// refused, they fail at once with codes.PermissionDenied, and errors.As finds the
// *attestedtls.Refused in their error.
type Redialer struct {
	config RedialerConfig
	cancel context.CancelFunc
	done   chan struct{}

	retired sync.WaitGroup // sessions whose calls end

	mu      sync.Mutex
	status  Status
	session *session
	changed chan struct{} // closed at the next change
}

// session is one grpc.ClientConn with the calls on it.
type session struct {
	cc    *grpc.ClientConn
	calls sync.WaitGroup
}

// NewRedialer returns a Redialer that starts to dial. Close ends it.
func NewRedialer(c RedialerConfig) *Redialer {
	c.Backoff = c.Backoff.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	r := &Redialer{config: c, cancel: cancel, done: make(chan struct{}), changed: make(chan struct{})}
	go r.run(ctx)
	return r
}

// Status returns what the Redialer is doing now.
func (r *Redialer) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Close ends the session and the calls on it.
func (r *Redialer) Close() error {
	r.cancel()
	<-r.done
	r.retired.Wait()
	return nil
}

// run dials, watches, waits, and dials again.
func (r *Redialer) run(ctx context.Context) {
	defer close(r.done)
	failures := 0
	for ctx.Err() == nil {
		r.set(Status{State: Connecting, Err: r.Status().Err}, nil)
		s, err := r.connect(ctx)
		if err == nil {
			failures = 0
			r.set(Status{State: Ready}, s)
			err = s.watch(ctx)
		}
		failures++
		wait := r.config.Backoff.after(failures, err)
		r.set(statusAfter(err, wait), nil)
		if s != nil { // which gets no more calls now
			r.retired.Go(func() { s.retire(ctx) })
		}
		pause(ctx, wait)
	}
	r.set(Status{State: Closed, Err: ErrLost}, nil)
}

func (r *Redialer) connect(ctx context.Context) (*session, error) {
	conn, err := r.config.Dial(ctx)
	if err != nil {
		return nil, err
	}
	cc, err := NewClientConn(conn, r.config.Options...)
	if err != nil {
		return nil, err
	}
	return &session{cc: cc}, nil
}

func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (r *Redialer) set(now Status, s *session) {
	r.mu.Lock()
	r.status, r.session = now, s
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	if r.config.Changed != nil {
		r.config.Changed(now)
	}
}

// watch returns when the session is lost, or the context is done. NewClientConn
// has left Idle behind: a session that is Idle again was lost since.
func (s *session) watch(ctx context.Context) error {
	for {
		state := s.cc.GetState()
		if state != connectivity.Connecting && state != connectivity.Ready {
			return ErrLost
		}
		if !s.cc.WaitForStateChange(ctx, state) {
			return context.Cause(ctx)
		}
	}
}

// retire closes a session that gets no more calls. A server that shuts down lets
// those that run finish.
func (s *session) retire(ctx context.Context) {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		s.calls.Wait()
	}()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	_ = s.cc.Close() // ends the calls that are left
	<-finished
}

// take returns the session for a call, and counts the call in.
func (r *Redialer) take(ctx context.Context) (*session, error) {
	for {
		r.mu.Lock()
		s, st, changed := r.session, r.status, r.changed
		if s != nil {
			s.calls.Add(1)
		}
		r.mu.Unlock()
		switch {
		case s != nil:
			return s, nil
		case st.State == Refused || st.State == Closed:
			return nil, st.callError()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, errors.Join(status.FromContextError(ctx.Err()).Err(), st.Err)
		}
	}
}

// Invoke implements grpc.ClientConnInterface.
func (r *Redialer) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	s, err := r.take(ctx)
	if err != nil {
		return err
	}
	defer s.calls.Done()
	return s.cc.Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface.
func (r *Redialer) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	finished := sync.OnceFunc(s.calls.Done)
	stream, err := s.cc.NewStream(ctx, desc, method, append(opts, grpc.OnFinish(func(error) { finished() }))...)
	if err != nil {
		finished()
	}
	return stream, err
}

// callError is what calls get that find no session. It keeps the *Refused.
type callError struct {
	code codes.Code
	err  error
}

// Error returns what keeps the session from being.
func (e *callError) Error() string { return "no attested session: " + e.err.Error() }

// Unwrap returns what keeps the session from being.
func (e *callError) Unwrap() error { return e.err }

// GRPCStatus returns the status that gRPC and its callers see.
func (e *callError) GRPCStatus() *status.Status { return status.New(e.code, e.Error()) }
