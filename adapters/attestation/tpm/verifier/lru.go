package verifier

import (
	"container/list"
	"crypto/sha256"
	"sync"
)

// lru keeps the results of checks that are dear and whose outcome depends on the
// key alone, the most recently used ones, within a number of entries and a number
// of bytes. It may be used concurrently.
type lru[V any] struct {
	mu       sync.Mutex
	entries  map[[sha256.Size]byte]*list.Element
	order    *list.List // of *lruEntry[V], the most recently used first
	limit    int        // entries
	maxBytes int
	bytes    int // of all entries, as stated
}

type lruEntry[V any] struct {
	key   [sha256.Size]byte
	value V
	bytes int
}

func newLRU[V any](limit, maxBytes int) *lru[V] {
	return &lru[V]{limit: limit, maxBytes: maxBytes, entries: make(map[[sha256.Size]byte]*list.Element), order: list.New()}
}

func (l *lru[V]) get(key [sha256.Size]byte) (value V, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	element, found := l.entries[key]
	if !found {
		return value, false
	}
	l.order.MoveToFront(element)
	return element.Value.(*lruEntry[V]).value, true //nolint:errcheck // nothing else is put there
}

// put keeps a value that takes about that many bytes.
func (l *lru[V]) put(key [sha256.Size]byte, value V, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if element, found := l.entries[key]; found {
		l.remove(element)
	}
	l.entries[key] = l.order.PushFront(&lruEntry[V]{key, value, bytes})
	l.bytes += bytes
	for l.order.Len() > l.limit || l.bytes > l.maxBytes {
		l.remove(l.order.Back())
	}
}

func (l *lru[V]) remove(element *list.Element) {
	entry := l.order.Remove(element).(*lruEntry[V]) //nolint:errcheck // nothing else is put there
	delete(l.entries, entry.key)
	l.bytes -= entry.bytes
}
