package endorsements

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Bounds of a cache.
const (
	MaxEndorsements = 256      // by number
	maxSubject      = 256      // bytes of a subject
	maxKept         = 32 << 20 // bytes of endorsements that are kept in memory as well

	ending = ".endorsement"
)

// Errors of the folder.
var (
	// ErrDamaged is wrapped where the folder does not say any more what was seen.
	ErrDamaged = errors.New("the index of endorsements is damaged")
	// ErrFull is wrapped where the cache holds MaxEndorsements others.
	ErrFull = errors.New("the cache of endorsements is full")
	// ErrInvalid is wrapped where something is none of a cache's endorsements.
	ErrInvalid = errors.New("not an endorsement to be cached")
)

// Cache keeps endorsements in a folder. It implements ports.EndorsementCache.
type Cache struct {
	folder string

	mu    sync.Mutex
	index *index
	kept  map[string]*ports.CachedEndorsement // by the name of the file
	bytes int                                 // of the kept ones
}

// stored is an endorsement as its file holds it.
type stored struct {
	Kind    policy.EndorsementKind `json:"kind"`
	Subject string                 `json:"subject"`
	Number  uint64                 `json:"number"`
	Issued  time.Time              `json:"issued"`
	Expires time.Time              `json:"expires"`
	Data    []byte                 `json:"data"`
}

// Open uses the folder, which is made where there is none. The error wraps
// ErrDamaged where it does not say any more what was seen.
func Open(folder string) (*Cache, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("opening the cache of endorsements: %w", err)
	}
	x, err := readIndex(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the cache of endorsements in %s: %w", folder, err)
	}
	c := &Cache{folder: folder, index: x.index, kept: make(map[string]*ports.CachedEndorsement)}
	found, news, err := c.catchUp()
	if err != nil {
		return nil, err
	}
	if x.none && found > 0 {
		return nil, fmt.Errorf("opening the cache of endorsements in %s: %w: it is gone", folder, ErrDamaged)
	}
	if !x.stale && !news {
		return c, nil
	}
	if err := x.write(folder); err != nil {
		return nil, err
	}
	return c, nil
}

// catchUp removes what a crash left half written, and raises the index to the
// endorsements that were written before it could be.
func (c *Cache) catchUp() (found int, news bool, err error) {
	entries, err := os.ReadDir(c.folder)
	if err != nil {
		return 0, false, fmt.Errorf("opening the cache of endorsements: %w", err)
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
		if e, err := c.load(name); err == nil {
			news = c.index.raise(name, high{e.Number, e.Issued}) || news
		} else if !errors.Is(err, errDamaged) {
			return 0, false, err
		}
	}
	return found, news, nil
}

// Get returns an endorsement. See ports.EndorsementCache.
func (c *Cache) Get(ctx context.Context, id ports.EndorsementID) (*ports.CachedEndorsement, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("looking for %q: %w", id.Subject, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, err := c.get(id)
	if err != nil {
		return nil, fmt.Errorf("looking for %q: %w", id.Subject, err)
	}
	copied := *e
	copied.Data = bytes.Clone(e.Data)
	return &copied, nil
}

// get returns the endorsement that the index speaks of: what is older than that was
// put there by somebody else.
func (c *Cache) get(id ports.EndorsementID) (*ports.CachedEndorsement, error) {
	name := fileName(id)
	if e := c.kept[name]; e != nil {
		return e, nil
	}
	e, err := c.load(name)
	switch {
	case errors.Is(err, errDamaged), errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w", ports.ErrNotCached, err)
	case err != nil:
		return nil, err
	case e.ID != id || c.index.Newest[name].newer(high{e.Number, e.Issued}):
		return nil, fmt.Errorf("%w: what is in its place is another or an older one", ports.ErrNotCached)
	}
	c.keep(name, e)
	return e, nil
}

func (c *Cache) load(name string) (*ports.CachedEndorsement, error) {
	var s stored
	if err := readFile(filepath.Join(c.folder, name), &s); err != nil {
		return nil, err
	}
	return &ports.CachedEndorsement{
		ID:     ports.EndorsementID{Kind: s.Kind, Subject: s.Subject},
		Number: s.Number, Issued: s.Issued, Expires: s.Expires, Data: s.Data,
	}, nil
}

// keep holds the endorsement in memory while there is room.
func (c *Cache) keep(name string, e *ports.CachedEndorsement) {
	if old := c.kept[name]; old != nil {
		c.bytes -= len(old.Data)
		delete(c.kept, name)
	}
	if c.bytes+len(e.Data) <= maxKept {
		c.kept[name] = e
		c.bytes += len(e.Data)
	}
}

// Put keeps an endorsement. See ports.EndorsementCache; beyond that the error wraps
// ErrInvalid or ErrFull.
func (c *Cache) Put(ctx context.Context, e *ports.CachedEndorsement) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("caching an endorsement: %w", err)
	}
	if err := check(e); err != nil {
		return fmt.Errorf("caching %q: %w", e.ID.Subject, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.put(e); err != nil {
		return fmt.Errorf("caching %q: %w", e.ID.Subject, err)
	}
	return nil
}

func (c *Cache) put(e *ports.CachedEndorsement) error {
	name, seen := fileName(e.ID), high{e.Number, e.Issued.UTC()}
	known, found := c.index.Newest[name]
	if known.newer(seen) {
		return fmt.Errorf("%w: number %d of %v, after number %d of %v", ports.ErrOlder, seen.Number, seen.Issued, known.Number, known.Issued)
	}
	if !found && len(c.index.Newest) >= MaxEndorsements {
		return fmt.Errorf("%w: %d", ErrFull, MaxEndorsements)
	}
	if cached, err := c.get(e.ID); err == nil && !seen.newer(known) && bytes.Equal(cached.Data, e.Data) {
		return nil
	}
	s := stored{e.ID.Kind, e.ID.Subject, e.Number, seen.Issued, e.Expires.UTC(), e.Data}
	if err := writeFile(filepath.Join(c.folder, name), &s); err != nil {
		return err
	}
	c.keep(name, &ports.CachedEndorsement{ID: e.ID, Number: s.Number, Issued: s.Issued, Expires: s.Expires, Data: bytes.Clone(e.Data)})
	if !c.index.raise(name, seen) {
		return nil
	}
	return c.index.write(c.folder)
}

// Floor returns the newest signed time. See ports.EndorsementCache.
func (c *Cache) Floor(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, fmt.Errorf("reading the time floor: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.index.Floor, nil
}

// RaiseFloor keeps a signed time. See ports.EndorsementCache.
func (c *Cache) RaiseFloor(ctx context.Context, signed time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("raising the time floor: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.index.raiseFloor(signed.UTC()) {
		return nil
	}
	return c.index.write(c.folder)
}

func check(e *ports.CachedEndorsement) error {
	switch {
	case e.ID.Kind == "" || e.ID.Subject == "" || len(e.ID.Subject) > maxSubject:
		return fmt.Errorf("%w: it has no name of at most %d bytes", ErrInvalid, maxSubject)
	case len(e.Data) == 0 || len(e.Data) > ports.MaxEndorsementSize:
		return fmt.Errorf("%w: %d bytes, want 1 to %d", ErrInvalid, len(e.Data), ports.MaxEndorsementSize)
	case e.Issued.IsZero() || e.Expires.Before(e.Issued):
		return fmt.Errorf("%w: it holds from %v to %v", ErrInvalid, e.Issued, e.Expires)
	default:
		return nil
	}
}

// fileName is the hash of the ID. The kind has no zero in it.
func fileName(id ports.EndorsementID) string {
	sum := sha256.Sum256([]byte(string(id.Kind) + "\x00" + id.Subject))
	return hex.EncodeToString(sum[:]) + ending
}
