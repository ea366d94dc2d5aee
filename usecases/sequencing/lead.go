package sequencing

import (
	"context"
	"errors"
	"slices"

	"github.com/asterism-k8s/asterism/ports"
)

// lead commits what waits until the leader's own call is settled, and hands over
// to another caller.
func (s *Sequencer) lead(ctx context.Context, own *call) {
	for !s.isSettled(own) {
		if ctx.Err() != nil {
			s.leave(ctx, own)
			break
		}
		s.round(ctx)
	}
	s.handOver()
}

func (s *Sequencer) isSettled(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.state == settled
}

func (s *Sequencer) leave(ctx context.Context, c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveLocked(ctx, c)
}

// handOver appoints who leads next: a caller whose proposal has been sent, so that
// its outcome is learnt first, else whoever waits longest.
func (s *Sequencer) handOver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	candidates := s.queue
	if s.doubt != nil {
		candidates = slices.Concat(s.doubt.calls, s.queue)
	}
	next := slices.IndexFunc(candidates, func(c *call) bool { return c.state != settled })
	if s.leading = next >= 0; s.leading {
		candidates[next].leads = true
		candidates[next].wake()
	}
}

// round sends one transaction: one that is in doubt once more, else one of what
// waits.
func (s *Sequencer) round(ctx context.Context) {
	s.forget()
	if s.doubt != nil {
		s.again(ctx, s.doubt)
		return
	}
	calls := s.take()
	b, err := s.readBase(ctx)
	if err != nil {
		s.refuse(ctx, calls, err)
		return
	}
	a, err := s.prepare(b, calls)
	if err != nil {
		s.refuse(ctx, calls, err)
		return
	}
	s.send(ctx, a)
}

// forget drops what is in doubt and nobody waits for any more: all were told that it
// may have happened, and nobody brings it about later. Whatever is committed next
// rests on the head as it is then, and keeps what is still under way from happening.
func (s *Sequencer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubt != nil && !slices.ContainsFunc(s.doubt.calls, func(c *call) bool { return c.state != settled }) {
		s.doubt, s.base = nil, nil
	}
}

// again sends once more what had no answer, after a pause.
func (s *Sequencer) again(ctx context.Context, a *attempt) {
	if err := s.pause(ctx, a.sent); err != nil {
		if ctx.Err() == nil {
			s.abandon(a, err)
		}
		return // else another leader goes on, if anybody waits for it
	}
	s.send(ctx, a)
}

// refuse is for calls of which nothing was written and nothing will be. Where it
// is the leader's own context that ended they wait for another leader, and where
// it may be one that spoils the request each is tried alone.
func (s *Sequencer) refuse(ctx context.Context, calls []*call, err error) {
	s.base = nil
	switch {
	case ctx.Err() != nil:
		s.requeue(calls)
	case len(calls) > 1 && errors.Is(err, ports.ErrStoreRequest):
		for _, c := range calls {
			c.alone = true
		}
		s.requeue(calls)
	default:
		s.settle(calls, err)
	}
}
