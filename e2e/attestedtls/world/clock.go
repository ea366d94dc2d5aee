package world

import (
	"sync/atomic"
	"time"
)

// Clock is the machine's clock, moved by an offset that may be changed at any
// time: who owns the infrastructure sets the clock.
type Clock struct{ offset atomic.Int64 }

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Move sets the clock that far from the truth.
func (c *Clock) Move(offset time.Duration) { c.offset.Store(int64(offset)) }
