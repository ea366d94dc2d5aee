package endorsements

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// Bounds of a cache.
const (
	MaxEndorsements = 256 // by number
	// MaxAhead is how far a signed time may be ahead of the clock and the floor.
	MaxAhead = 24 * time.Hour

	maxKept = 32 << 20 // bytes of endorsements that are kept in memory as well
)

// Errors of the folder.
var (
	// ErrDamaged is wrapped where the folder does not say any more what was seen.
	ErrDamaged = errors.New("the index of endorsements is damaged")
	// ErrInUse is wrapped where another Cache, of whatever process, has the folder.
	ErrInUse = errors.New("another cache of endorsements has the folder")
	// ErrFull is wrapped where the cache holds MaxEndorsements others.
	ErrFull = errors.New("the cache of endorsements is full")
	// ErrFuture is wrapped where a signed time is more than MaxAhead later than
	// both the clock and the floor.
	ErrFuture = errors.New("the signed time lies in the future")
	// ErrInvalid is wrapped where something is none of a cache's endorsements.
	ErrInvalid = errors.New("not an endorsement to be cached")
)

// Cache keeps endorsements in a folder. It implements ports.EndorsementCache.
type Cache struct {
	folder string
	lock   *os.File
	now    func() time.Time

	// writing is held by whoever reads or writes the folder; they alone change
	// the index.
	writing sync.Mutex
	dirty   bool // the index says what its copies in the folder may not

	// mu guards what is below, and is never held while a disk works.
	mu     sync.RWMutex
	index  *index
	kept   map[string]*ports.CachedEndorsement // by the name of the file; never changed
	bytes  int                                 // of the kept ones
	closed bool
}

// Close gives the folder to the next. The Cache is of no use any more: its
// methods' errors wrap fs.ErrClosed.
func (c *Cache) Close() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.isClosed() != nil {
		return nil
	}
	err := c.settle()
	c.mu.Lock()
	c.closed, c.kept = true, nil
	c.mu.Unlock()
	return errors.Join(err, c.lock.Close())
}

func (c *Cache) isClosed() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return fmt.Errorf("the cache of endorsements: %w", fs.ErrClosed)
	}
	return nil
}

// Get returns an endorsement. See ports.EndorsementCache.
func (c *Cache) Get(ctx context.Context, id ports.EndorsementID) (*ports.CachedEndorsement, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("looking for %q: %w", id.Subject, err)
	}
	e, err := c.find(id)
	if err != nil {
		return nil, fmt.Errorf("looking for %q: %w", id.Subject, err)
	}
	copied := *e
	copied.Data = bytes.Clone(e.Data) // while others read and write
	return &copied, nil
}

// find returns what is not to be changed. What is in memory waits for no disk.
func (c *Cache) find(id ports.EndorsementID) (*ports.CachedEndorsement, error) {
	name := fileName(id)
	if e := c.recall(name); e != nil {
		return e, nil
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.isClosed(); err != nil {
		return nil, err
	}
	return c.get(name)
}

// recall returns what is in memory, or nil.
func (c *Cache) recall(name string) *ports.CachedEndorsement {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.kept[name]
}

// get returns the endorsement that the index speaks of, or a newer one: what is
// older was put there by somebody else. Hold writing.
func (c *Cache) get(name string) (*ports.CachedEndorsement, error) {
	if e := c.recall(name); e != nil {
		return e, nil
	}
	known, seen := c.index.Newest[name]
	e, err := load(c.folder, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !seen:
		return nil, fmt.Errorf("%w: %w", ports.ErrNotCached, err)
	case errors.Is(err, errDamaged), errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w", ports.ErrLost, err)
	case err != nil:
		return nil, err
	case known.newer(high{e.Number, e.Issued}):
		return nil, fmt.Errorf("%w: an older one is in its place", ports.ErrLost)
	}
	c.learn(name, e)
	return e, nil
}

// learn holds the endorsement in memory while there is room, and raises the index
// to it. Hold writing.
func (c *Cache) learn(name string, e *ports.CachedEndorsement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(name)
	if c.bytes+len(e.Data) <= maxKept {
		c.kept[name] = e
		c.bytes += len(e.Data)
	}
	c.dirty = c.index.raise(name, high{e.Number, e.Issued}) || c.dirty
}

// drop takes the endorsement out of memory. Hold mu.
func (c *Cache) drop(name string) {
	if old := c.kept[name]; old != nil {
		c.bytes -= len(old.Data)
		delete(c.kept, name)
	}
}

// settle writes the index where its copies are behind. What could not be written
// counts all the same while the process lives, and is written with the next call.
// Hold writing.
func (c *Cache) settle() error {
	if !c.dirty {
		return nil
	}
	if err := c.index.write(c.folder); err != nil {
		return err
	}
	c.dirty = false
	return nil
}

// Put keeps an endorsement. See ports.EndorsementCache; beyond that the error wraps
// ErrInvalid, ErrFull or ErrFuture.
func (c *Cache) Put(ctx context.Context, e *ports.CachedEndorsement) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("caching an endorsement: %w", err)
	}
	if err := check(e); err != nil {
		return fmt.Errorf("caching %q: %w", e.ID.Subject, err)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.put(e); err != nil {
		return fmt.Errorf("caching %q: %w", e.ID.Subject, err)
	}
	return nil
}

func (c *Cache) put(e *ports.CachedEndorsement) error {
	if err := c.isClosed(); err != nil {
		return err
	}
	name, seen := fileName(e.ID), high{e.Number, e.Issued.UTC()}
	cached, err := c.get(name) // what cannot be read is written again
	if err := c.checkNews(name, seen); err != nil {
		return err
	}
	if err == nil && !seen.newer(c.index.Newest[name]) && bytes.Equal(cached.Data, e.Data) {
		return c.settle()
	}
	return c.store(name, e)
}

// checkNews says what is wrong with a number and its time.
func (c *Cache) checkNews(name string, seen high) error {
	known, found := c.index.Newest[name]
	if known.newer(seen) {
		return fmt.Errorf("%w: number %d of %v, after number %d of %v", ports.ErrOlder, seen.Number, seen.Issued, known.Number, known.Issued)
	}
	if !found && len(c.index.Newest) >= MaxEndorsements {
		return fmt.Errorf("%w: %d", ErrFull, MaxEndorsements)
	}
	return c.checkTime(seen.Issued)
}

// store replaces the file. Where that fails, the folder decides what is there.
func (c *Cache) store(name string, e *ports.CachedEndorsement) error {
	own := *e
	own.Issued, own.Expires, own.Data = e.Issued.UTC(), e.Expires.UTC(), bytes.Clone(e.Data)
	if err := writeFile(filepath.Join(c.folder, name), toStored(&own)); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.drop(name)
		return err
	}
	c.learn(name, &own)
	return c.settle()
}
