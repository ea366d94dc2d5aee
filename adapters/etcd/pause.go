package etcd

import (
	"context"
	"math/rand/v2"
	"time"
)

// The shortest and the longest pause before something is tried again.
const (
	shortestPause = 10 * time.Millisecond
	longestPause  = time.Second
)

// pause is how long to wait before the next attempt: each time twice as long, of
// which a random half, so that clients do not come all at once.
type pause struct{ next time.Duration }

func newPause() *pause { return &pause{next: shortestPause} }

// wait waits, and says whether there is still time after it.
func (p *pause) wait(ctx context.Context) bool {
	timer := time.NewTimer(p.next/2 + rand.N(p.next/2)) //nolint:gosec // no secret is made of it
	defer timer.Stop()
	p.next = min(2*p.next, longestPause)
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
