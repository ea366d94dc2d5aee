package attestedtls

import (
	"errors"
	"sync/atomic"
)

// Counters is a snapshot of what a server does and did.
type Counters struct {
	Running int64 // handshakes
	Readers int64 // that hold a place to read evidence
	Queued  int64 // that wait for one

	Sessions int64 // with peers that did not attest, their handshakes among them

	Started  uint64 // handshakes; all below are ways in which one ended
	Admitted uint64
	Refused  uint64 // by this server
	Declined uint64 // by the peer
	Busy     uint64 // told to come back later: no place, or shut down
	Failed   uint64 // no TLS, connection lost, time over, or own attestation failed

	Closed uint64 // connections closed unheard, not counted as started
}

// tally counts.
type tally struct {
	started, admitted, refused, declined, busy, failed, closed atomic.Uint64
}

func (t *tally) count(e *ending) {
	var r *Refused
	switch {
	case errors.Is(e.err, ErrClosed):
		t.busy.Add(1)
	case !errors.As(e.err, &r):
		t.failed.Add(1)
	case r.ByPeer:
		t.declined.Add(1)
	default:
		t.refused.Add(1)
	}
}

// Counters returns what the server does and did.
func (s *Server) Counters() Counters {
	s.mu.Lock()
	running := len(s.running)
	s.mu.Unlock()
	return Counters{
		Running:  int64(running),
		Readers:  int64(len(s.gate.readers)),
		Queued:   s.gate.waiting.Load(),
		Sessions: int64(len(s.gate.sessions)),
		Started:  s.tally.started.Load(),
		Admitted: s.tally.admitted.Load(),
		Refused:  s.tally.refused.Load(),
		Declined: s.tally.declined.Load(),
		Busy:     s.tally.busy.Load(),
		Failed:   s.tally.failed.Load(),
		Closed:   s.tally.closed.Load(),
	}
}
