package sequencing

import (
	"context"
	"slices"

	"github.com/asterism-k8s/asterism/ports"
)

// state is where a call is.
type state int

const (
	queued  state = iota // nobody has sent it
	taken                // it is part of what the leader sends
	settled              // its result is known, or its caller has left
)

// call is a proposal whose caller waits. The sequencer's mutex guards state and
// leads; receipt and err are set before it is settled.
type call struct {
	proposal *Proposal
	bytes    int // of all its values, encoded
	attempts int
	alone    bool // shares no transaction

	state   state
	leads   bool
	turn    chan struct{} // receives once, when the call is settled or leads
	receipt *Receipt
	err     error
}

// enter puts the call in the queue, and says whether its caller is to lead.
func (s *Sequencer) enter(ctx context.Context, c *call) (leads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		s.settleLocked(c, nil, untouched(err))
		return false
	}
	if len(s.queue) >= s.limits.Waiting {
		s.settleLocked(c, nil, untouched(ErrBusy))
		return false
	}
	s.queue = append(s.queue, c)
	leads, s.leading = !s.leading, true
	return leads
}

// wait waits until the call is settled or its caller is to lead.
func (s *Sequencer) wait(ctx context.Context, c *call) (leads bool) {
	select {
	case <-c.turn:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.state != settled && !c.leads {
		s.leaveLocked(ctx, c)
	}
	return c.leads
}

// leaveLocked is for a caller whose context is done.
func (s *Sequencer) leaveLocked(ctx context.Context, c *call) {
	if c.state == taken {
		s.settleLocked(c, nil, unknown(ctx.Err()))
		return
	}
	s.queue = slices.DeleteFunc(s.queue, func(other *call) bool { return other == c })
	s.settleLocked(c, nil, untouched(ctx.Err()))
}

// settleLocked gives a call its result, unless its caller has left.
func (s *Sequencer) settleLocked(c *call, receipt *Receipt, err error) {
	if c.state == settled {
		return
	}
	c.state, c.receipt, c.err = settled, receipt, err
	c.wake()
}

// wake tells the caller. It may have been told already, and not yet looked.
func (c *call) wake() {
	select {
	case c.turn <- struct{}{}:
	default:
	}
}

// settle gives all calls one error.
func (s *Sequencer) settle(calls []*call, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range calls {
		s.settleLocked(c, nil, err)
	}
}

// requeue puts calls back, of which nothing was written and nothing will be.
func (s *Sequencer) requeue(calls []*call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	back := make([]*call, 0, len(calls)+len(s.queue))
	for _, c := range calls {
		c.attempts++
		switch {
		case c.state == settled:
		case c.attempts >= s.limits.Attempts:
			s.settleLocked(c, nil, untouched(ErrBusy))
		default:
			c.state = queued
			back = append(back, c)
		}
	}
	s.queue = append(back, s.queue...)
}

// take takes the calls for the next transaction out of the queue: the first, and
// those behind it that can share one with it.
func (s *Sequencer) take() []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	shared := newRoom(s.limits.Bytes)
	var calls, rest []*call
	for _, c := range s.queue {
		if !shared.admit(c) {
			rest = append(rest, c)
			continue
		}
		c.state = taken
		calls = append(calls, c)
	}
	s.queue = rest
	return calls
}

// conflict returns what of the store's complaint concerns the call; nil: nothing.
func (c *call) conflict(all *ports.ConflictError) error {
	var own []ports.Key
	for _, condition := range c.proposal.If {
		if slices.Contains(all.Keys, condition.Key) {
			own = append(own, condition.Key)
		}
	}
	if len(own) == 0 {
		return nil
	}
	return &ports.ConflictError{Keys: own}
}
