package lifecycle

import "time"

// Bounds of the pauses between attempts.
const (
	MaxAttempts = 10 // failures in a row that are told apart
	MinPause    = time.Second
	MaxPause    = 5 * time.Minute
)

// pause is how long to wait after so many failures in a row, 1 to MaxAttempts: it
// doubles up to a bound, and never becomes 'never'.
func pause(attempts uint8) time.Duration {
	return min(MinPause<<(attempts-1), MaxPause)
}

// failedOnce counts one more failure.
func (s State) failedOnce() State {
	s.Attempts = min(s.Attempts+1, MaxAttempts)
	return s
}

// backToFresh gives up before the mark: nothing was used, nothing was stored.
func (s State) backToFresh(told Tell, after time.Duration) (State, []Effect, error) {
	s = s.failedOnce()
	s.Phase, s.Stage = Fresh, Waiting
	return s, []Effect{Forget{}, told, Announce{Phase: Fresh}, s.lookAgain(after)}, nil
}

// backToSealed gives up before the mark: the disk was not touched.
func (s State) backToSealed(told Tell, after time.Duration) (State, []Effect, error) {
	s = s.failedOnce()
	return s.lock([]Effect{Forget{}, told}, s.lookAgain(after))
}

// lookAgain waits as long as was asked for, within bounds.
func (s State) lookAgain(after time.Duration) LookForJoinService {
	return LookForJoinService{After: min(max(after, pause(s.Attempts)), MaxPause)}
}

// abandon gives up after the mark, or in a boot that gets no ticket any more: only
// a reboot makes the register innocent again, and the boot a new one. A disk whose seal was asked for is left alone even where sealing is said
// to have failed: whether the seal is there is seen at the next boot.
func (s State) abandon(told Tell) (State, []Effect, error) {
	return s.reboot(append([]Effect{told, Forget{}}, s.wipeOwn()...))
}

// wipeOwn wipes what this boot has formatted and never asked to be sealed.
func (s State) wipeOwn() []Effect {
	if !s.Disk.Own {
		return nil
	}
	return []Effect{WipeDisk{Disk: s.Disk.UUID}}
}

// reboot ends this boot.
func (s State) reboot(first []Effect) (State, []Effect, error) {
	s = s.failedOnce()
	return s.end(), append(first, Reboot{After: pause(s.Attempts), Attempts: s.Attempts}), nil
}

// stopRequested ends this boot because the machine is to be off.
func (s State) stopRequested(e StopRequested) (State, []Effect, error) {
	var first []Effect
	switch {
	case s.Phase == Ended:
		return s.misplaced(e)
	case s.Unlocked():
		first = append([]Effect{StopServices{}, Forget{}}, s.wipeOwn()...)
	default:
		first = []Effect{StopLooking{}, Forget{}}
	}
	return s.end(), append(first, PowerOff{}), nil
}

// end forgets all but what outlives a boot.
func (s State) end() State {
	next := New(s.Node)
	next.Attempts = s.Attempts
	return next
}
