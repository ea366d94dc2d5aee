package endorsements_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestation/endorsements"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
)

// TestThreat22Loss: a list that is deleted or damaged is not taken for one that
// never was.
func TestThreat22Loss(t *testing.T) {
	for name, lose := range map[string]func(testing.TB, string){
		"deleted":   remove,
		"damaged":   func(t testing.TB, path string) { t.Helper(); damage(t, path, 200) },
		"emptied":   func(t testing.TB, path string) { t.Helper(); write(t, path, nil) },
		"exchanged": exchange,
	} {
		t.Run(name, func(t *testing.T) {
			porttest.TestEndorsementCacheLoss(t, func(t *testing.T) porttest.LossyStore {
				t.Helper()
				s := newStore(t)
				return porttest.LossyStore{
					Open: func(t *testing.T) ports.EndorsementCache { t.Helper(); return s.open(t) },
					Lose: func(t *testing.T, id ports.EndorsementID) { t.Helper(); lose(t, s.fileOf(t, id)) },
				}
			})
		})
	}
}

// fileOf closes the cache, and returns the file of an endorsement.
func (s *store) fileOf(t testing.TB, id ports.EndorsementID) string {
	t.Helper()
	s.close(t)
	// The name is asked of a cache of its own, in which there is nothing else.
	other := newStore(t)
	e := list(1)
	e.ID = id
	put(t, other.open(t), e)
	other.close(t)
	return filepath.Join(s.folder, filepath.Base(files(t, other.folder, "*.endorsement")[0]))
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// exchange puts an intact endorsement of another name into the file.
func exchange(t testing.TB, path string) {
	t.Helper()
	other := newStore(t)
	e := list(99)
	e.ID.Subject = "CRL of somebody else"
	put(t, other.open(t), e)
	other.close(t)
	write(t, path, must(os.ReadFile(files(t, other.folder, "*.endorsement")[0]))(t))
}

// TestOneAtATime: two caches of one folder would undo each other's index.
func TestOneAtATime(t *testing.T) {
	s := newStore(t)
	c := s.open(t)
	put(t, c, list(1))
	if _, err := endorsements.Open(s.folder); !errors.Is(err, endorsements.ErrInUse) {
		t.Errorf("a second one: %v, want ErrInUse", err)
	}
	s.close(t)
	put(t, s.open(t), list(2))
	wantClosed := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", what, err)
		}
	}
	_, err := c.Get(t.Context(), list(1).ID)
	wantClosed("Get", err)
	_, err = c.Floor(t.Context())
	wantClosed("Floor", err)
	wantClosed("Put", c.Put(t.Context(), list(3)))
	wantClosed("RaiseFloor", c.RaiseFloor(t.Context(), list(3).Issued))
	if err := c.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}
