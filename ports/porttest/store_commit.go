package porttest

import (
	"errors"
	"slices"
	"testing"

	"github.com/asterism-k8s/asterism/ports"
)

// wantConflict demands that the transaction fails for exactly these keys.
func wantConflict(t *testing.T, s ports.Store, tx *ports.Transaction, want ...ports.Key) {
	t.Helper()
	_, err := s.Commit(t.Context(), tx)
	var conflict *ports.ConflictError
	if !errors.As(err, &conflict) || !errors.Is(err, ports.ErrStoreConflict) {
		t.Errorf("Commit: %v, want a conflict of %v", err, want)
		return
	}
	if !slices.Equal(conflict.Keys, want) {
		t.Errorf("the conflict is one of %v, want %v in the order of the conditions", conflict.Keys, want)
	}
}

// iff is a transaction under conditions.
func iff(conditions []ports.Condition, then ...ports.Write) *ports.Transaction {
	return &ports.Transaction{If: conditions, Then: then}
}

func conditions(all ...ports.Condition) []ports.Condition { return all }

func storeConditions(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	r1 := commit(t, s.Store, iff(conditions(is("a", 0)), write("a", "1")))
	wantConflict(t, s.Other, iff(conditions(is("a", 0)), write("a", "x")), record("a"))
	r2 := commit(t, s.Other, iff(conditions(is("a", r1)), write("a", "2")))
	wantConflict(t, s.Store, iff(conditions(is("a", r1)), write("a", "x")), record("a"))
	wantConflict(t, s.Store, iff(conditions(is("a", r2+1)), write("a", "x")), record("a"))
	wantItem(t, s.Store, record("a"), "2", r2)
	commit(t, s.Store, iff(conditions(is("a", r2)), remove("a")))
	wantConflict(t, s.Store, iff(conditions(is("a", r2)), write("a", "x")), record("a"))
	wantNoItem(t, s.Store, record("a"))
	// A condition need not be on what is written.
	r3 := commit(t, s.Store, iff(conditions(is("a", 0), is("b", 0)), write("c", "3")))
	wantItem(t, s.Store, record("c"), "3", r3)
}

// storeRecreated: an item that was deleted and written again with the same value
// is another one.
func storeRecreated(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	r1 := commit(t, s.Store, writes(write("a", "same")))
	commit(t, s.Other, writes(remove("a")))
	r2 := commit(t, s.Other, iff(conditions(is("a", 0)), write("a", "same")))
	if r1 == r2 {
		t.Errorf("both have revision %d", r1)
	}
	wantConflict(t, s.Store, iff(conditions(is("a", r1)), write("a", "x")), record("a"))
	wantItem(t, s.Store, record("a"), "same", r2)
	r3 := commit(t, s.Other, writes(write("a", "same"))) // without being deleted
	wantConflict(t, s.Store, iff(conditions(is("a", r2)), write("a", "x")), record("a"))
	wantItem(t, s.Store, record("a"), "same", r3)
}

func storeAllOrNothing(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	r := commit(t, s.Store, writes(write("a", "1"), write("b", "1")))
	other := ports.Key{Collection: ports.Heads, Name: "a"}
	wantConflict(t, s.Store, iff(
		conditions(is("a", r), is("b", 0)),
		write("a", "2"), remove("b"), write("c", "2"), ports.Write{Key: other},
	), record("b"))
	wantItem(t, s.Other, record("a"), "1", r)
	wantItem(t, s.Other, record("b"), "1", r)
	wantNoItem(t, s.Other, record("c"))
	wantNoItem(t, s.Other, other)
	r2 := commit(t, s.Store, iff(
		conditions(is("a", r), is("b", r), is("c", 0)),
		write("a", "2"), remove("b"), write("c", "2"), ports.Write{Key: other},
	))
	wantItem(t, s.Other, record("a"), "2", r2)
	wantNoItem(t, s.Other, record("b"))
	wantItem(t, s.Other, record("c"), "2", r2)
	wantItem(t, s.Other, other, "", r2)
}

func storeConflicts(t *testing.T, s *StoreUnderTest) {
	t.Helper()
	r := commit(t, s.Store, writes(write("a", "1"), write("b", "1"), write("c", "1")))
	lease := ports.Key{Collection: ports.Leases, Name: "a"} // the name of a record, too
	for _, tt := range []struct {
		conditions []ports.Condition
		want       []ports.Key
	}{
		{conditions(is("a", r), is("b", r), is("d", r)), []ports.Key{record("d")}},
		{conditions(is("c", r-1), is("b", r), is("a", r+1)), []ports.Key{record("c"), record("a")}},
		{conditions(is("d", 0), is("c", 0), ports.Condition{Key: lease, Revision: r}), []ports.Key{record("c"), lease}},
	} {
		wantConflict(t, s.Store, iff(tt.conditions, write("x", "x")), tt.want...)
	}
	wantNoItem(t, s.Store, record("x"))
}
