package ports

import (
	"fmt"
	"slices"
	"time"
)

// Check reports whether the key is one that a store can hold: one of the
// Collections, and a name of 1 to MaxKeyName bytes of its alphabet. Its error
// wraps ErrStoreRequest.
func (k Key) Check() error {
	if err := k.Collection.Check(); err != nil {
		return err
	}
	if len(k.Name) == 0 || len(k.Name) > MaxKeyName {
		return badRequest("a name in %s has %d bytes, not 1 to %d", k.Collection, len(k.Name), MaxKeyName)
	}
	for i := range len(k.Name) {
		if !inKeyAlphabet(k.Name[i]) {
			return badRequest("a name in %s has byte %#02x at %d", k.Collection, k.Name[i], i)
		}
	}
	return nil
}

// Check reports whether there is such a collection. Its error wraps
// ErrStoreRequest.
func (c Collection) Check() error {
	if !slices.Contains(Collections(), c) {
		return badRequest("there is no collection %q", string(c))
	}
	return nil
}

// CheckListing reports whether List can be asked this. Its error wraps
// ErrStoreRequest.
func CheckListing(c Collection, after string, limit int) error {
	if limit < 1 || limit > MaxListing {
		return badRequest("a listing of %d items, not 1 to %d", limit, MaxListing)
	}
	if after == "" {
		return c.Check()
	}
	return Key{Collection: c, Name: after}.Check()
}

// Check reports whether the transaction keeps to the bounds of stores: it writes,
// each key at most once, and has neither too many operations nor too large ones.
// Its error wraps ErrStoreRequest.
func (tx *Transaction) Check() error {
	if tx == nil || len(tx.Then) == 0 {
		return badRequest("a transaction that writes nothing")
	}
	if len(tx.If) > MaxOperations || len(tx.Then) > MaxOperations {
		return badRequest("a transaction of %d conditions and %d writes, each at most %d", len(tx.If), len(tx.Then), MaxOperations)
	}
	for _, c := range tx.If {
		if err := c.check(); err != nil {
			return err
		}
	}
	return tx.checkWrites()
}

func (tx *Transaction) checkWrites() error {
	written := make(map[Key]bool, len(tx.Then))
	size := 0
	for i := range tx.Then {
		w := &tx.Then[i]
		if err := w.check(); err != nil {
			return err
		}
		if written[w.Key] {
			return badRequest("%s is written twice", w.Key)
		}
		written[w.Key] = true
		size += len(w.Value)
	}
	if size > MaxTransactionSize {
		return badRequest("a transaction of %d bytes, more than %d", size, MaxTransactionSize)
	}
	return nil
}

func (c Condition) check() error {
	if c.Revision < 0 {
		return badRequest("a condition on revision %d of %s", c.Revision, c.Key)
	}
	return c.Key.Check()
}

func (w *Write) check() error {
	switch {
	case len(w.Value) > MaxItemSize:
		return badRequest("%s with %d bytes, more than %d", w.Key, len(w.Value), MaxItemSize)
	case w.TTL < 0 || w.TTL > MaxTTL || w.TTL%time.Second != 0:
		return badRequest("%s for %v, not whole seconds up to %v", w.Key, w.TTL, MaxTTL)
	case w.Delete && (len(w.Value) > 0 || w.TTL > 0):
		return badRequest("%s deleted and written at once", w.Key)
	}
	return w.Key.Check()
}

func inKeyAlphabet(b byte) bool {
	switch {
	case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		return true
	}
	return b == '.' || b == '_' || b == ':' || b == '-' || b == '+'
}

func badRequest(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrStoreRequest, fmt.Sprintf(format, args...))
}
