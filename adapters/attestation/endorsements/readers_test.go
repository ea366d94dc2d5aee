package endorsements_test

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/endorsements"
	"github.com/asterism-k8s/asterism/ports"
)

// TestReadersShareALargeList has many read a large list at once, which is changed
// meanwhile: each gets one list or the other, as its own.
func TestReadersShareALargeList(t *testing.T) {
	c := newStore(t).open(t)
	large := func(number uint64) *ports.CachedEndorsement {
		e := list(number)
		e.Data = make([]byte, ports.MaxEndorsementSize)
		for i := range e.Data {
			e.Data[i] = byte(number)
		}
		return e
	}
	put(t, c, large(1))
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 20 {
				e, err := c.Get(t.Context(), list(1).ID)
				if err != nil || len(e.Data) != ports.MaxEndorsementSize || e.Data[0] != byte(e.Number) || e.Data[len(e.Data)-1] != byte(e.Number) {
					t.Errorf("got %d bytes of %v (%v)", len(e.Data), e.ID, err)
					return
				}
				clear(e.Data)
			}
		})
	}
	for number := uint64(2); number < 6; number++ {
		put(t, c, large(number))
	}
	readers.Wait()
}

// TestReadersWaitForNoDisk: while a write does not end, what is in memory is read.
func TestReadersWaitForNoDisk(t *testing.T) {
	s := newStore(t)
	c := s.open(t)
	put(t, c, list(1))
	pipe := filepath.Join(s.folder, "index-0.partial")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- c.RaiseFloor(t.Context(), list(9).Issued) }()
	defer func() {
		reader := must(os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0))(t)
		defer reader.Close() //nolint:errcheck // nothing is read from it
		if err := <-written; err == nil {
			t.Error("a pipe was synced")
		}
	}()
	awaitFloor(t, c, list(9).Issued)
	read := make(chan error, 1)
	go func() { _, err := c.Get(t.Context(), list(1).ID); read <- err }()
	select {
	case err := <-read:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("a reader waits for the disk")
	}
}

// awaitFloor waits until the floor is raised, which is before it is written.
func awaitFloor(t testing.TB, c *endorsements.Cache, want time.Time) {
	t.Helper()
	raised := make(chan struct{})
	go func() {
		defer close(raised)
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if floor, err := c.Floor(t.Context()); err == nil && floor.Equal(want) {
				return
			}
		}
	}()
	select {
	case <-raised:
	case <-time.After(10 * time.Second):
		t.Error("whoever reads the floor waits for the disk")
	}
}
