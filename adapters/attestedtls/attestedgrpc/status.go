package attestedgrpc

import (
	"time"

	"google.golang.org/grpc/codes"
)

// State says what a Redialer is doing.
type State uint8

// The states.
const (
	Connecting State = iota // dialling, and proving
	Ready                   // calls go through
	Waiting                 // to dial again; calls wait as well
	Refused                 // to dial again, later; calls fail
	Closed
)

// String returns the state in a word.
func (s State) String() string {
	switch s {
	case Connecting:
		return "connecting"
	case Ready:
		return "ready"
	case Waiting:
		return "waiting"
	case Refused:
		return "refused"
	default:
		return "closed"
	}
}

// Status is a Redialer's state, and how it came to be.
type Status struct {
	State State
	Err   error         // why there is no session; nil while Ready, or before the first attempt ended
	Wait  time.Duration // until the next attempt, from when the state began; in Waiting and Refused
}

// statusAfter returns the status after a session was lost or could not be made.
func statusAfter(err error, wait time.Duration) Status {
	if isRefusal(err) {
		return Status{State: Refused, Err: err, Wait: wait}
	}
	return Status{State: Waiting, Err: err, Wait: wait}
}

func (s Status) callError() error {
	code := codes.Unavailable
	if s.State == Refused {
		code = codes.PermissionDenied
	}
	return &callError{code, s.Err}
}
