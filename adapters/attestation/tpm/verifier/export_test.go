package verifier

// Kept says how many results of checked certificates are kept, and in how many
// bytes.
func (v *Verifier) Kept() (entries, bytes int) {
	return v.ekCertificates.order.Len() + v.akCertificates.order.Len(), v.ekCertificates.bytes + v.akCertificates.bytes
}

// LRU is a cache of numbers.
type LRU = lru[int]

// NewLRU returns a cache of numbers within those bounds.
func NewLRU(limit, maxBytes int) *LRU { return newLRU[int](limit, maxBytes) }

// Put, Get and Bytes are the methods of the same names.
func (l *lru[V]) Put(key [32]byte, value V, bytes int) { l.put(key, value, bytes) }

// Get returns what is kept for the key.
func (l *lru[V]) Get(key [32]byte) (V, bool) { return l.get(key) }

// Bytes is how many bytes are kept, and whether both parts agree on the entries.
func (l *lru[V]) Bytes() (int, bool) { return l.bytes, len(l.entries) == l.order.Len() }
