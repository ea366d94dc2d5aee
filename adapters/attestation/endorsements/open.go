package endorsements

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// Option says how a cache is opened.
type Option func(*options)

type options struct {
	now   func() time.Time
	known time.Time
}

// WithClock gives the cache another clock than time.Now.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// WithKnownTime raises the floor to a time that the program itself vouches for, as
// its image's build time or what its seal holds. It is not held against the clock:
// a machine whose clock starts at zero knows by it alone what lies in the future.
func WithKnownTime(signed time.Time) Option { return func(o *options) { o.known = signed } }

// Open uses the folder, which is made where there is none. The caller closes the
// Cache. The error wraps ErrInUse where another one has the folder, and ErrDamaged
// where the folder does not say any more what was seen.
func Open(folder string, opts ...Option) (*Cache, error) {
	o := options{now: time.Now}
	for _, option := range opts {
		option(&o)
	}
	lock, err := lockFolder(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the cache of endorsements in %s: %w", folder, err)
	}
	c := &Cache{folder: folder, lock: lock, now: o.now, kept: make(map[string]*ports.CachedEndorsement)}
	if err := c.restore(o.known.UTC()); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the cache of endorsements in %s: %w", folder, err), lock.Close())
	}
	return c, nil
}

// lockFolder makes the folder where it is missing, and locks it until the file is
// closed or the process ends.
func lockFolder(path string) (*os.File, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder: %w", err)
	}
	folder, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	err = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(ErrInUse, folder.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the folder: %w", err), folder.Close())
	}
	return folder, nil
}

// restore reads the index, mends it and raises its floor to the known time.
func (c *Cache) restore(known time.Time) error {
	x, err := readIndex(c.folder)
	if err != nil {
		return err
	}
	c.index = x.index
	found, news, err := c.catchUp()
	if err != nil {
		return err
	}
	if x.none && found > 0 {
		return fmt.Errorf("%w: it is gone", ErrDamaged)
	}
	c.dirty = c.index.raiseFloor(known) || x.stale || news
	return c.settle()
}

// catchUp removes what a crash left half written, and raises the index to the
// endorsements that were written before it could be.
func (c *Cache) catchUp() (found int, news bool, err error) {
	entries, err := os.ReadDir(c.folder)
	if err != nil {
		return 0, false, fmt.Errorf("listing the endorsements: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, partial) {
			if err := os.Remove(filepath.Join(c.folder, name)); err != nil {
				return 0, false, fmt.Errorf("removing what a crash left: %w", err)
			}
		}
		if !strings.HasSuffix(name, ending) {
			continue
		}
		found++
		if e, err := load(c.folder, name); err == nil {
			news = c.index.raise(name, high{e.Number, e.Issued}) || news
		} else if !errors.Is(err, errDamaged) {
			return 0, false, err
		}
	}
	return found, news, nil
}
