package endorsements

import (
	"context"
	"fmt"
	"time"
)

// Floor returns the newest signed time. See ports.EndorsementCache.
func (c *Cache) Floor(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, fmt.Errorf("reading the time floor: %w", err)
	}
	if err := c.isClosed(); err != nil {
		return time.Time{}, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.index.Floor, nil
}

// RaiseFloor keeps a signed time. See ports.EndorsementCache; beyond that the error
// wraps ErrFuture.
func (c *Cache) RaiseFloor(ctx context.Context, signed time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("raising the time floor: %w", err)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.raiseFloor(signed); err != nil {
		return fmt.Errorf("raising the time floor: %w", err)
	}
	return nil
}

func (c *Cache) raiseFloor(signed time.Time) error {
	if err := c.isClosed(); err != nil {
		return err
	}
	if err := c.checkTime(signed); err != nil {
		return err
	}
	c.mu.Lock()
	c.dirty = c.index.raiseFloor(signed.UTC()) || c.dirty
	c.mu.Unlock()
	return c.settle()
}

// checkTime refuses a time that nobody can have signed yet. One authority's mistake
// would otherwise lift the floor, which never sinks, beyond all other endorsements.
func (c *Cache) checkTime(signed time.Time) error {
	latest := c.now()
	if c.index.Floor.After(latest) {
		latest = c.index.Floor
	}
	if signed.After(latest.Add(MaxAhead)) {
		return fmt.Errorf("%w: %v, and it is %v; is the clock right?", ErrFuture, signed.UTC(), latest.UTC())
	}
	return nil
}
