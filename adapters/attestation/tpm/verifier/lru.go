package verifier

import (
	"container/list"
	"crypto/sha256"
	"sync"
)

// lru keeps the results of checks that are dear and whose outcome depends on the
// key alone, the most recently used ones. It may be used concurrently.
type lru[V any] struct {
	mu      sync.Mutex
	limit   int
	entries map[[sha256.Size]byte]*list.Element
	order   *list.List // of *lruEntry[V], the most recently used first
}

type lruEntry[V any] struct {
	key   [sha256.Size]byte
	value V
}

func newLRU[V any](limit int) *lru[V] {
	return &lru[V]{limit: limit, entries: make(map[[sha256.Size]byte]*list.Element), order: list.New()}
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

func (l *lru[V]) put(key [sha256.Size]byte, value V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if element, found := l.entries[key]; found {
		element.Value = &lruEntry[V]{key, value}
		l.order.MoveToFront(element)
		return
	}
	l.entries[key] = l.order.PushFront(&lruEntry[V]{key, value})
	if oldest := l.order.Back(); l.order.Len() > l.limit {
		l.order.Remove(oldest)
		delete(l.entries, oldest.Value.(*lruEntry[V]).key) //nolint:errcheck // nothing else is put there
	}
}
