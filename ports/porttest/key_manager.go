package porttest

import (
	"errors"
	"sync"
	"testing"

	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/ports"
)

// TestKeyManager is the contract of ports.KeyManager. newManager makes one that has
// given out nothing; all that it makes in one test know the same keys.
func TestKeyManager(t *testing.T, newManager func(*testing.T) ports.KeyManager) {
	t.Helper()
	tests := map[string]func(*testing.T, func(*testing.T) ports.KeyManager){
		"Stable":      keysStable,
		"Independent": keysIndependent,
		"Own":         keysOwn,
		"Bounds":      keysBounds,
		"Concurrency": keysConcurrency,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newManager) })
	}
}

func keyID(t *testing.T, purpose keys.Purpose, name string) keys.ID {
	t.Helper()
	id, err := keys.NewID(purpose, name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func dataKey(t *testing.T, m ports.KeyManager, id keys.ID, length int) keys.Secret {
	t.Helper()
	key, err := m.DataKey(t.Context(), id, length)
	if err != nil || key.Len() != length {
		t.Fatalf("DataKey of %v: %d bytes, %v, want %d", id, key.Len(), err, length)
	}
	return key
}

func keysStable(t *testing.T, newManager func(*testing.T) ports.KeyManager) {
	t.Helper()
	id := keyID(t, keys.Volume, "pvc-1")
	first := newManager(t)
	want := dataKey(t, first, id, 32)
	for _, m := range []ports.KeyManager{first, newManager(t)} {
		if !dataKey(t, m, id, 32).Equal(want) {
			t.Errorf("%v is another key than before", id)
		}
	}
}

func keysIndependent(t *testing.T, newManager func(*testing.T) ports.KeyManager) {
	t.Helper()
	m := newManager(t)
	seen := []keys.Secret{}
	for _, id := range []keys.ID{
		keyID(t, keys.Volume, "a"), keyID(t, keys.Volume, "b"), keyID(t, keys.ObjectStore, "a"), keyID(t, keys.LedgerSigning, "a"),
	} {
		key := dataKey(t, m, id, 32)
		for _, other := range seen {
			if key.Equal(other) {
				t.Errorf("%v has another's key", id)
			}
		}
		seen = append(seen, key)
	}
}

// keysOwn: a caller that wipes its key wipes nobody else's.
func keysOwn(t *testing.T, newManager func(*testing.T) ports.KeyManager) {
	t.Helper()
	m, id := newManager(t), keyID(t, keys.Volume, "a")
	dataKey(t, m, id, 32).Wipe()
	if key := dataKey(t, m, id, 32); key.Equal(keys.NewSecret(make([]byte, 32))) {
		t.Error("the key is zero")
	}
}

func keysBounds(t *testing.T, newManager func(*testing.T) ports.KeyManager) {
	t.Helper()
	m, id := newManager(t), keyID(t, keys.Volume, "a")
	dataKey(t, m, id, keys.MinLength)
	dataKey(t, m, id, keys.MaxLength)
	var wrong *keys.LengthError
	for _, length := range []int{-1, 0, keys.MinLength - 1, keys.MaxLength + 1} {
		if key, err := m.DataKey(t.Context(), id, length); !errors.As(err, &wrong) || key.Len() > 0 {
			t.Errorf("%d bytes: %v, want a *keys.LengthError", length, err)
		}
	}
	var none *keys.IDError
	if key, err := m.DataKey(t.Context(), keys.ID{}, 32); !errors.As(err, &none) || key.Len() > 0 {
		t.Errorf("the key of nothing: %v, want a *keys.IDError", err)
	}
}

func keysConcurrency(t *testing.T, newManager func(*testing.T) ports.KeyManager) {
	t.Helper()
	m, id := newManager(t), keyID(t, keys.Volume, "first-use")
	given := make([]keys.Secret, 16)
	var group sync.WaitGroup
	for i := range given {
		group.Go(func() {
			key, err := m.DataKey(t.Context(), id, 32)
			if err != nil {
				t.Errorf("DataKey: %v", err)
			}
			given[i] = key
		})
	}
	group.Wait()
	for _, key := range given {
		if !key.Equal(given[0]) {
			t.Error("two callers got two keys")
		}
	}
}
