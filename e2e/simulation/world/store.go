package world

import (
	"context"
	"fmt"
	"time"

	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
	"github.com/asterism-k8s/asterism/ports"
)

// client is the store as one boot of a machine sees it: calls take time, and any
// of them may fail or be the machine's last.
type client struct {
	m *Machine
	c *cluster
}

var _ ports.Store = (*client)(nil)

// Get implements ports.Store.
func (c *client) Get(ctx context.Context, key ports.Key) (*ports.Item, error) {
	return request(ctx, c, func() (*ports.Item, error) { return c.c.store.Get(ctx, key) })
}

// List implements ports.Store.
func (c *client) List(ctx context.Context, col ports.Collection, after string, limit int) (*ports.Listing, error) {
	return request(ctx, c, func() (*ports.Listing, error) { return c.c.store.List(ctx, col, after, limit) })
}

// Commit implements ports.Store. Besides failing, it may be carried out and never
// answered, or be carried out when its caller has long given up.
func (c *client) Commit(ctx context.Context, tx *ports.Transaction) (ports.Revision, error) {
	w := c.m.w
	if err := c.reach(ctx); err != nil {
		return 0, err
	}
	before := w.k.Chance(0.5)
	if w.k.Chance(w.faults.unknown) {
		return 0, c.lose(tx, before)
	}
	revision, err := c.c.store.Commit(context.Background(), tx)
	if err == nil {
		w.judge.committed(c.c, tx)
	}
	c.m.pause()
	return revision, err
}

// lose lets a transaction go without an answer: done, not done, or done later.
func (c *client) lose(tx *ports.Transaction, now bool) error {
	w := c.m.w
	switch {
	case now:
		if _, err := c.c.store.Commit(context.Background(), tx); err == nil {
			w.judge.committed(c.c, tx)
		}
		c.m.say(kernel.Fault, "gets no answer from the store: the transaction was carried out")
	case w.k.Chance(0.5):
		c.m.say(kernel.Fault, "gets no answer from the store: the transaction is late")
		w.k.After(nil, w.k.Between(10*time.Millisecond, 3*time.Second), func() {
			if _, err := c.c.store.Commit(context.Background(), tx); err == nil {
				w.judge.committed(c.c, tx)
			}
		})
	default:
		c.m.say(kernel.Fault, "gets no answer from the store: the transaction was lost")
	}
	w.k.Sleep(w.k.Between(time.Second, 3*time.Second))
	return fmt.Errorf("%w: the connection broke", ports.ErrOutcomeUnknown)
}

// request is a call that changes nothing.
func request[T any](ctx context.Context, c *client, do func() (T, error)) (T, error) {
	var none T
	if err := c.reach(ctx); err != nil {
		return none, err
	}
	return do()
}

// reach takes the time that a call takes, and says whether the store hears it.
func (c *client) reach(ctx context.Context) error {
	w := c.m.w
	c.m.pause()
	w.k.Sleep(w.k.Between(200*time.Microsecond, 3*time.Millisecond))
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ports.ErrStoreUnavailable, ctx.Err())
	case w.faults.storeDown || c.m.island != 0:
		return fmt.Errorf("%w: it does not answer", ports.ErrStoreUnavailable)
	default:
		return nil
	}
}

// pause is where a machine may lose its power: between any two effects, and before
// and after each call of a port.
func (m *Machine) pause() {
	k := m.w.k
	k.Alive()
	if k.Chance(m.w.faults.crash) {
		back := k.Between(2*time.Second, 2*time.Minute)
		k.After(nil, back, m.powerOn)
		m.w.judge.counts.Crashes++
		m.powerOff(kernel.Fault, "loses power")
	}
}
