package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/asterism-k8s/asterism/adapters/etcd/internal/layout"
	"github.com/asterism-k8s/asterism/ports"
)

// Store is one client of the engine's store. It may be used concurrently.
type Store struct {
	client  *clientv3.Client
	layout  layout.Layout
	timeout time.Duration
	logger  *slog.Logger
	newest  atomic.Int64 // revision that an answer has told of

	ctx    context.Context //nolint:containedctx // until Close: of what is done after a call has returned
	cancel context.CancelFunc
	mu     sync.Mutex // group is added to only while ctx is not done
	group  sync.WaitGroup
}

var (
	_ ports.Store   = (*Store)(nil)
	_ ports.Watcher = (*Store)(nil)
)

// Open returns a client of the store after it has answered for the first time. The
// error wraps ErrConfig, or ports.ErrStoreUnavailable if it did not within the
// context's and Config's time. The context is not used later on.
func Open(ctx context.Context, config Config) (*Store, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	s := &Store{layout: layout.Layout(config.Prefix), timeout: config.Timeout, logger: config.Logger}
	if s.client, err = clientv3.New(config.client(noteError, s.noteRevision)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if _, err := s.List(ctx, ports.Heads, "", 1); err != nil {
		return nil, errors.Join(fmt.Errorf("asking the store for the first time: %w", err), s.Close())
	}
	return s, nil
}

// Close ends all calls and watches and gives the connections up. Further calls
// fail with ports.ErrStoreUnavailable.
func (s *Store) Close() error {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	err := s.client.Close()
	s.group.Wait()
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("closing the store's client: %w", err)
	}
	return nil
}

// later does something after the call that it belongs to, unless the store has
// been closed.
func (s *Store) later(do func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.group.Go(func() {
		ctx, cancel := context.WithTimeout(s.ctx, s.timeout)
		defer cancel()
		do(ctx)
	})
}

// bounded returns a context that ends with the caller's, with the time that a call
// may take, and with the store. Servers without a leader are to refuse at once.
func (s *Store) bounded(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), timeout)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}
