package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestedtls"
)

// patience is how often an honest client comes back to a busy server.
const patience = 20

// honest is the clients that must not be stopped.
type honest struct {
	address string
	configs []*attestedtls.ClientConfig // one a machine

	next      atomic.Int64
	again     atomic.Int64 // how often the server was busy
	mu        sync.Mutex
	latencies []time.Duration
	failures  []error
}

// hold holds the handshakes, so many at a time.
func (h *honest) hold(ctx context.Context, handshakes, clients int) {
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for n := h.next.Add(1); n <= int64(handshakes); n = h.next.Add(1) {
				h.one(ctx, h.configs[int(n)%len(h.configs)])
			}
		})
	}
	group.Wait()
}

func (h *honest) one(ctx context.Context, c *attestedtls.ClientConfig) {
	start := time.Now()
	err := h.dial(ctx, c)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.failures = append(h.failures, err)
		return
	}
	h.latencies = append(h.latencies, time.Since(start))
}

// dial comes back as often as a busy server says so.
func (h *honest) dial(ctx context.Context, c *attestedtls.ClientConfig) error {
	for attempt := 1; ; attempt++ {
		conn, err := attestedtls.Dial(ctx, "tcp", h.address, c)
		if err == nil {
			return conn.Close()
		}
		var refused *attestedtls.Refused
		if !errors.As(err, &refused) || refused.RetryAfter == 0 || attempt == patience {
			return fmt.Errorf("attempt %d: %w", attempt, err)
		}
		h.again.Add(1)
		select {
		case <-time.After(refused.RetryAfter):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
