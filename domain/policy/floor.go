package policy

import "time"

// Floor is the newest signed time that was seen: when an image was built, a
// statement signed, collateral issued. It is never later than the true time,
// since what it was taken from existed then. So a clock that shows less was
// turned back, and genuine old collateral with it is refused as what it is.
//
// The zero Floor has seen nothing. Who keeps a Floor across restarts keeps Time,
// and raises a zero Floor to it again.
type Floor struct{ seen time.Time }

// Raise returns the floor after a signed time was seen. An earlier one changes
// nothing. The caller has checked the signature, and trusts the signer to tell
// the time: a time in the far future could not be taken back.
func (f Floor) Raise(signed time.Time) Floor {
	if signed.After(f.seen) {
		return Floor{signed}
	}
	return f
}

// Now returns the time to verify at: the clock's or the floor, whichever is
// later.
func (f Floor) Now(clock time.Time) time.Time {
	if f.seen.After(clock) {
		return f.seen
	}
	return clock
}

// Time returns the newest signed time seen, the zero time where there was none.
func (f Floor) Time() time.Time { return f.seen }
