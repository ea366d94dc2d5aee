package endorsements_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/asterism-k8s/asterism/ports"
)

// block makes writing of the file fail, whoever writes, until unblock is called.
func block(t testing.TB, folder, name string) (unblock func()) {
	t.Helper()
	path := filepath.Join(folder, name+".partial")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return func() { remove(t, path) }
}

// TestAFailedRaiseIsMadeUpFor: a floor that could not be written is not said to be
// kept before it is.
func TestAFailedRaiseIsMadeUpFor(t *testing.T) {
	for _, name := range []string{"index-0", "index-1"} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			c := s.open(t)
			put(t, c, list(1))
			unblock := block(t, s.folder, name)
			for range 2 {
				if err := c.RaiseFloor(t.Context(), list(9).Issued); err == nil {
					t.Fatal("what could not be written is said to be kept")
				}
			}
			unblock()
			if err := c.RaiseFloor(t.Context(), list(9).Issued); err != nil {
				t.Fatal(err)
			}
			remove(t, filepath.Join(s.folder, "index-"+map[string]string{"index-0": "1", "index-1": "0"}[name]))
			if floor, err := s.open(t).Floor(t.Context()); err != nil || !floor.Equal(list(9).Issued) {
				t.Errorf("afterwards the floor is %v (%v), want %v", floor, err, list(9).Issued)
			}
		})
	}
}

// TestAFailedPutIsMadeUpFor: so it is with the number of a list.
func TestAFailedPutIsMadeUpFor(t *testing.T) {
	for _, name := range []string{"index-0", "index-1"} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			c := s.open(t)
			put(t, c, list(1))
			unblock := block(t, s.folder, name)
			for range 2 {
				if err := c.Put(t.Context(), list(9)); err == nil {
					t.Fatal("what could not be written is said to be kept")
				}
			}
			if err := c.Put(t.Context(), list(8)); !errors.Is(err, ports.ErrOlder) {
				t.Errorf("an older one meanwhile: %v, want ErrOlder", err)
			}
			unblock()
			put(t, c, list(9))
			remove(t, s.fileOf(t, list(9).ID)) // it would say what the index has to
			remove(t, filepath.Join(s.folder, "index-"+map[string]string{"index-0": "1", "index-1": "0"}[name]))
			c = s.open(t)
			if err := c.Put(t.Context(), list(8)); !errors.Is(err, ports.ErrOlder) {
				t.Errorf("an older one afterwards: %v, want ErrOlder", err)
			}
			if _, err := c.Get(t.Context(), list(9).ID); !errors.Is(err, ports.ErrLost) {
				t.Errorf("the deleted one: %v, want ErrLost", err)
			}
		})
	}
}

// TestAFailedFileChangesNothing: an endorsement that could not be written leaves the
// one before in its place, and its number and time unseen.
func TestAFailedFileChangesNothing(t *testing.T) {
	s := newStore(t)
	c := s.open(t)
	put(t, c, list(1))
	unblock := block(t, s.folder, filepath.Base(files(t, s.folder, "*.endorsement")[0]))
	if err := c.Put(t.Context(), list(9)); err == nil {
		t.Fatal("what could not be written is said to be kept")
	}
	if e, err := c.Get(t.Context(), list(1).ID); err != nil || e.Number != 1 {
		t.Errorf("the one before is %+v (%v)", e, err)
	}
	if floor, err := c.Floor(t.Context()); err != nil || !floor.Equal(list(1).Issued) {
		t.Errorf("the floor is %v (%v), want %v", floor, err, list(1).Issued)
	}
	unblock()
	put(t, c, list(5))
	if e, err := s.open(t).Get(t.Context(), list(1).ID); err != nil || e.Number != 5 {
		t.Errorf("afterwards there is %+v (%v)", e, err)
	}
}

// TestCloseWritesWhatIsOwed: and says so where it cannot.
func TestCloseWritesWhatIsOwed(t *testing.T) {
	s := newStore(t)
	c := s.open(t)
	put(t, c, list(1))
	unblock := block(t, s.folder, "index-1")
	if err := c.RaiseFloor(t.Context(), list(9).Issued); err == nil {
		t.Fatal("what could not be written is said to be kept")
	}
	unblock()
	s.close(t)
	remove(t, filepath.Join(s.folder, "index-0"))
	if floor, err := s.open(t).Floor(t.Context()); err != nil || !floor.Equal(list(9).Issued) {
		t.Errorf("the floor is %v (%v), want %v", floor, err, list(9).Issued)
	}
}
