package memstore_test

import (
	"sync"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/ports/porttest"
	"github.com/asterism-k8s/asterism/ports/porttest/memstore"
)

// sharedClock is a time that one goroutine moves while others read it.
type sharedClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *sharedClock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *sharedClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func underTest(*testing.T) *porttest.StoreUnderTest {
	c := &sharedClock{now: time.Unix(1_800_000_000, 0)}
	s := memstore.New(c.read)
	return &porttest.StoreUnderTest{
		Store: s,
		Other: s.Client(func(memstore.Moment, *memstore.Call) error { return nil }),
		Advance: func(_ *testing.T, d time.Duration) {
			c.advance(d)
			s.Expire()
		},
		Forget: func(_ *testing.T, meanwhile func()) {
			meanwhile()
			s.Compact()
		},
	}
}

func TestStoreKeepsTheContract(t *testing.T)   { porttest.TestStore(t, underTest) }
func TestWatcherKeepsTheContract(t *testing.T) { porttest.TestWatcher(t, underTest) }
