package porttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/ports"
)

// storeLargest: what is within the bounds is taken, also when it is all of them.
func storeLargest(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	long := strings.Repeat("n", ports.MaxKeyName-4)
	tx := &ports.Transaction{}
	for i := range ports.MaxOperations {
		key := record(fmt.Sprintf("%s%04d", long, i))
		tx.If = append(tx.If, ports.Condition{Key: key})
		tx.Then = append(tx.Then, ports.Write{Key: key})
	}
	largest := bytes.Repeat([]byte{0xa5}, ports.MaxItemSize)
	for i := range ports.MaxTransactionSize / ports.MaxItemSize {
		tx.Then[i].Value = largest
	}
	tx.Then[ports.MaxOperations-1].TTL = ports.MaxTTL
	r := commit(t, s.Store, tx)
	wantItem(t, s.Store, tx.Then[0].Key, string(largest), r)
	l, err := s.Store.List(t.Context(), ports.Records, "", ports.MaxListing)
	if err != nil || len(l.Items) != ports.MaxOperations || !bytes.Equal(l.Items[3].Value, largest) {
		t.Errorf("the listing of what was written: %v", err)
	}
	wantConflict(t, s.Store, &ports.Transaction{If: tx.If, Then: tx.Then[:1]}, keysOf(tx.Then)...)
}

func keysOf(writes []ports.Write) []ports.Key {
	keys := make([]ports.Key, len(writes))
	for i := range writes {
		keys[i] = writes[i].Key
	}
	return keys
}

// storeBounds: what is not within the bounds is refused, and nothing of it is done.
func storeBounds(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	for name, tx := range unacceptable() {
		if _, err := s.Store.Commit(t.Context(), tx); !errors.Is(err, ports.ErrStoreRequest) {
			t.Errorf("%s: %v, want ErrStoreRequest", name, err)
		}
	}
	for _, key := range badKeys() {
		if _, err := s.Store.Get(t.Context(), key); !errors.Is(err, ports.ErrStoreRequest) {
			t.Errorf("Get of %q: %v, want ErrStoreRequest", key, err)
		}
		if key.Name == "" && key.Collection == ports.Records {
			continue // lists from the beginning
		}
		if _, err := s.Store.List(t.Context(), key.Collection, key.Name, 1); !errors.Is(err, ports.ErrStoreRequest) {
			t.Errorf("List after %q: %v, want ErrStoreRequest", key, err)
		}
	}
	for _, limit := range []int{-1, 0, ports.MaxListing + 1} {
		if _, err := s.Store.List(t.Context(), ports.Records, "", limit); !errors.Is(err, ports.ErrStoreRequest) {
			t.Errorf("a listing of %d: %v, want ErrStoreRequest", limit, err)
		}
	}
	never := func(*ports.Update) error { return errors.New("delivered") }
	ctx, cancel := context.WithTimeout(t.Context(), storePatience)
	defer cancel()
	if err := s.Store.Watch(ctx, "nothing", never); !errors.Is(err, ports.ErrStoreRequest) {
		t.Errorf("Watch of no collection: %v, want ErrStoreRequest", err)
	}
	wantListing(t, s.Store, ports.Records, "", ports.MaxListing, false)
}

func badKeys() []ports.Key {
	keys := []ports.Key{
		{Collection: "", Name: "a"},
		{Collection: "nothing", Name: "a"},
		{Collection: "records/", Name: "a"},
		{Collection: ports.Records, Name: ""},
		{Collection: ports.Records, Name: strings.Repeat("a", ports.MaxKeyName+1)},
	}
	for _, name := range []string{"a/b", "/", "a b", "a\x00", "\xff", "ä", "a\n", "%41", "a,b", "a=b", "a@b", "~"} {
		keys = append(keys, record(name))
	}
	return keys
}

// unacceptable returns transactions that no store takes. Each of them also writes
// a good record, unless it writes nothing.
func unacceptable() map[string]*ports.Transaction {
	good := write("good", "x")
	all := map[string]*ports.Transaction{
		"no transaction":        nil,
		"no writes":             {If: conditions(is("a", 0))},
		"a key twice":           writes(good, write("a", "1"), write("a", "2")),
		"written and deleted":   writes(good, write("a", "1"), remove("a")),
		"a negative revision":   iff(conditions(is("a", -1)), good),
		"too large a value":     writes(good, ports.Write{Key: record("a"), Value: make([]byte, ports.MaxItemSize+1)}),
		"a negative TTL":        writes(good, expiring("a", "", -time.Second)),
		"half a second":         writes(good, expiring("a", "", 1500*time.Millisecond)),
		"too long a TTL":        writes(good, expiring("a", "", ports.MaxTTL+time.Second)),
		"a value to be deleted": writes(good, ports.Write{Key: record("a"), Value: []byte{0}, Delete: true}),
		"a TTL to be deleted":   writes(good, ports.Write{Key: record("a"), TTL: time.Second, Delete: true}),
		"too many writes":       writes(good),
		"too many conditions":   writes(good),
		"too large in all":      writes(good),
	}
	for i := range ports.MaxOperations {
		all["too many writes"].Then = append(all["too many writes"].Then, write(fmt.Sprint("a", i), ""))
	}
	for i := range ports.MaxOperations + 1 {
		all["too many conditions"].If = append(all["too many conditions"].If, is(fmt.Sprint("a", i), 0))
	}
	for i := range ports.MaxTransactionSize / ports.MaxItemSize { // with the good one, a byte too many
		w := ports.Write{Key: record(fmt.Sprint("a", i)), Value: make([]byte, ports.MaxItemSize)}
		all["too large in all"].Then = append(all["too large in all"].Then, w)
	}
	for _, key := range badKeys() {
		all[fmt.Sprintf("a write of %q", key)] = writes(good, ports.Write{Key: key})
		all[fmt.Sprintf("a condition on %q", key)] = iff([]ports.Condition{{Key: key}}, good)
	}
	return all
}
