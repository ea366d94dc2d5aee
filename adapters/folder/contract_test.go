package folder_test

import (
	"testing"

	"github.com/asterism-k8s/asterism/adapters/folder"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/ports/porttest"
)

func TestTiles(t *testing.T) {
	porttest.TestTiles(t, func(t *testing.T) func(*testing.T) ports.Tiles {
		t.Helper()
		name, opened := t.TempDir(), (*folder.Tiles)(nil)
		t.Cleanup(func() { closed(t, opened) })
		return func(t *testing.T) ports.Tiles {
			t.Helper()
			closed(t, opened)
			opened = openTiles(t, name)
			return opened
		}
	})
}

func TestBlobs(t *testing.T) {
	porttest.TestBlobs(t, func(t *testing.T) func(*testing.T) ports.Blobs {
		t.Helper()
		name, opened := t.TempDir(), (*folder.Blobs)(nil)
		t.Cleanup(func() { closed(t, opened) })
		return func(t *testing.T) ports.Blobs {
			t.Helper()
			closed(t, opened)
			var err error
			if opened, err = folder.OpenBlobs(name); err != nil {
				t.Fatal(err)
			}
			return opened
		}
	})
}

// TestMemoryTiles holds what stands for a folder in tests to the same contract.
func TestMemoryTiles(t *testing.T) {
	porttest.TestTiles(t, func(*testing.T) func(*testing.T) ports.Tiles {
		tiles := &porttest.MemoryTiles{}
		return func(*testing.T) ports.Tiles { return tiles }
	})
}

func openTiles(t *testing.T, name string) *folder.Tiles {
	t.Helper()
	tiles, err := folder.OpenTiles(name)
	if err != nil {
		t.Fatal(err)
	}
	return tiles
}

// closed closes what was opened, if anything.
func closed[F interface {
	comparable
	Close() error
}](t *testing.T, opened F,
) {
	t.Helper()
	var none F
	if opened == none {
		return
	}
	if err := opened.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
