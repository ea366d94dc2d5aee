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
	identities chan struct{} // large ones
	sessions   chan struct{} // with peers that do not attest
	waiting    atomic.Int64
	queue      int64
}

func newGate(l Limits) *gate {
	return &gate{
		readers:    make(chan struct{}, l.Readers),
		processors: make(chan struct{}, l.Verifications),
		identities: make(chan struct{}, l.Readers),
		sessions:   make(chan struct{}, l.Sessions),
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

// freeFrame is the length in bytes of frames that are read without a place: see
// Limits.Handshakes for what that comes to.
const freeFrame = 4 << 10

// keep takes one of the places, as many as those of readers, for identities that
// are larger than that. It returns errBusy at once where there is none: honest
// machines hardly need one, and those who hold them may do so for long.
func (g *gate) keep() (func(), error) { return takeNow(g.identities, errBusy) }

// admit takes a place for a session with a peer that does not attest, or returns
// errFull at once.
func (g *gate) admit() (func(), error) { return takeNow(g.sessions, errFull) }

func takeNow(places chan struct{}, none error) (func(), error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, giveUp(none)
	}
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
