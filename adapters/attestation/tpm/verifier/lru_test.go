package verifier_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier"
)

// TestLRU holds the cache against a list of what was used last.
func TestLRU(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit, maxBytes = 4, 100
		l := verifier.NewLRU(limit, maxBytes)
		type entry struct{ key, value, bytes int }
		var used []entry // the most recently used last
		remove := func(key int) (found entry, ok bool) {
			for i, e := range used {
				if e.key == key {
					used = append(used[:i:i], used[i+1:]...)
					return e, true
				}
			}
			return entry{}, false
		}
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			key := rapid.IntRange(0, 7).Draw(t, "key")
			if rapid.Bool().Draw(t, "get") {
				value, found := l.Get([32]byte{byte(key)})
				want, ok := remove(key)
				if found != ok || value != want.value {
					t.Fatalf("key %d: %d, %t; want %d, %t", key, value, found, want.value, ok)
				}
				if ok {
					used = append(used, want)
				}
				continue
			}
			bytes := rapid.IntRange(0, 120).Draw(t, "bytes")
			l.Put([32]byte{byte(key)}, step, bytes)
			remove(key)
			used = append(used, entry{key, step, bytes})
			for sum(used, func(e entry) int { return e.bytes }) > maxBytes || len(used) > limit {
				used = used[1:]
			}
			if got, agree := l.Bytes(); got != sum(used, func(e entry) int { return e.bytes }) || !agree {
				t.Fatalf("%d bytes are kept, want those of %v", got, used)
			}
		}
	})
}

func sum[T any](list []T, of func(T) int) (total int) {
	for _, e := range list {
		total += of(e)
	}
	return total
}
