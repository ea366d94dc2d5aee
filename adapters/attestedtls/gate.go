package attestedtls

import (
	"context"
	"sync/atomic"
)

// gate is what a server's handshakes pass before evidence comes in. First a place
// to read, of which there are as many as evidence may be in memory at once, then
// a processor. A peer that stalls within its evidence blocks a place for a moment,
// but never a processor. A nil gate lets everybody pass.
type gate struct {
	readers    chan struct{}
	processors chan struct{}
	waiting    atomic.Int64
	queue      int64
}

func newGate(l Limits) *gate {
	return &gate{
		readers:    make(chan struct{}, l.Readers),
		processors: make(chan struct{}, l.Verifications),
		queue:      int64(l.Queue),
	}
}

// read waits for a place to read evidence, and returns what leaves it. It returns
// errBusy at once where the queue is full.
func (g *gate) read(ctx context.Context) (func(), error) {
	if g == nil {
		return func() {}, nil
	}
	select {
	case g.readers <- struct{}{}:
		return func() { <-g.readers }, nil
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.queue {
		return nil, giveUp(errBusy)
	}
	return take(ctx, g.readers)
}

// compute waits for a processor, and returns what leaves it.
func (g *gate) compute(ctx context.Context) (func(), error) {
	if g == nil {
		return func() {}, nil
	}
	return take(ctx, g.processors)
}

func take(ctx context.Context, places chan struct{}) (func(), error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, giveUp(context.Cause(ctx))
	}
}
