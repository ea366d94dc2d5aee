package porttest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
)

// MemoryTiles is a ports.Tiles without a disk, for tests of what stands on one. It
// may be used concurrently. The zero value is empty.
type MemoryTiles struct {
	// Fault is asked before each file is written, in the order of paths, and says
	// with which error the call is to end there; nil lets it be. It may panic, as a
	// process does that ends there. It is set before the tiles are used.
	Fault func(path string) error

	mu     sync.Mutex
	files  map[string][]byte   // of a tile only the fullest
	widths map[ledger.Tile]int // of that, by tile without width
}

var _ ports.Tiles = (*MemoryTiles)(nil)

// Files returns a copy of all files, by path.
func (m *MemoryTiles) Files() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	files := maps.Clone(m.files)
	for path, content := range files {
		files[path] = bytes.Clone(content)
	}
	return files
}

// Put sets a file, whatever it is, as damage does; nil content takes it away.
func (m *MemoryTiles) Put(path string, content []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if content != nil {
		m.set(path, content)
		return
	}
	delete(m.files, path)
	if tile, err := ledger.ParseTile(path); err == nil {
		delete(m.widths, place(tile))
	}
}

func (m *MemoryTiles) set(path string, content []byte) {
	if m.files == nil {
		m.files, m.widths = make(map[string][]byte), make(map[ledger.Tile]int)
	}
	m.files[path] = bytes.Clone(content)
	if tile, err := ledger.ParseTile(path); err == nil {
		m.widths[place(tile)] = tile.Width
	}
}

// place is a tile without its width.
func place(tile ledger.Tile) ledger.Tile {
	tile.Width = 0
	return tile
}

// ReadTile implements ports.Tiles.
func (m *MemoryTiles) ReadTile(ctx context.Context, path string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !isLooseFile(path) {
		tile, err := ledger.ParseTile(path)
		if err != nil {
			return nil, err
		}
		return m.readAtLeast(tile)
	}
	content, found := m.files[path]
	if !found {
		return nil, fmt.Errorf("%w: %s", ports.ErrNoFile, path)
	}
	return bytes.Clone(content), nil
}

func isLooseFile(path string) bool { return path == ledger.CheckpointPath || path == ports.HeadPath }

// fullest returns the fullest tile of a place and its content; width zero where
// there is none.
func (m *MemoryTiles) fullest(tile ledger.Tile) (ledger.Tile, []byte) {
	tile.Width = m.widths[place(tile)]
	return tile, m.files[tile.Path()]
}

func (m *MemoryTiles) readAtLeast(want ledger.Tile) ([]byte, error) {
	kept, content := m.fullest(want)
	if kept.Width < want.Width {
		return nil, fmt.Errorf("%w: %s", ports.ErrNoFile, want.Path())
	}
	if !kept.IsBundle() {
		if _, err := ledger.DecodeTile(kept, content); err != nil {
			return nil, fmt.Errorf("%w: %w", ports.ErrFileDamaged, err)
		}
		return bytes.Clone(content[:want.Width*merkle.HashSize]), nil
	}
	entries, err := ledger.DecodeBundle(kept, content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ports.ErrFileDamaged, err)
	}
	size := 0
	for _, entry := range entries[:want.Width] {
		size += 2 + len(entry)
	}
	return bytes.Clone(content[:size]), nil
}

// WriteTiles implements ports.Tiles.
func (m *MemoryTiles) WriteTiles(ctx context.Context, files map[string][]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	paths := slices.Sorted(maps.Keys(files))
	given := make(map[ledger.Tile][]byte)
	for _, path := range paths {
		if err := m.check(path, files[path], given); err != nil {
			return err
		}
	}
	for _, path := range paths {
		if m.Fault != nil {
			if err := m.Fault(path); err != nil {
				return err
			}
		}
		m.write(path, files[path])
	}
	return nil
}

// check holds a file against what is there, and against what else is given for its
// place.
func (m *MemoryTiles) check(path string, content []byte, given map[ledger.Tile][]byte) error {
	if isLooseFile(path) {
		if len(content) == 0 || len(content) > ports.MaxLooseFile {
			return fmt.Errorf("%w: %s with %d bytes", ledger.ErrTile, path, len(content))
		}
		return nil
	}
	tile, err := ledger.ParseTile(path)
	if err != nil {
		return err
	}
	if tile.IsBundle() {
		_, err = ledger.DecodeBundle(tile, content)
	} else {
		_, err = ledger.DecodeTile(tile, content)
	}
	if err != nil {
		return err
	}
	_, before := m.fullest(tile)
	if !continues(before, content) || !continues(given[place(tile)], content) {
		return fmt.Errorf("%w: %s", ports.ErrFileConflict, path)
	}
	given[place(tile)] = content
	return nil
}

func continues(a, b []byte) bool {
	n := min(len(a), len(b))
	return bytes.Equal(a[:n], b[:n])
}

func (m *MemoryTiles) write(path string, content []byte) {
	if isLooseFile(path) {
		m.set(path, content)
		return
	}
	tile, err := ledger.ParseTile(path)
	if err != nil {
		return // was checked
	}
	kept, _ := m.fullest(tile)
	if kept.Width >= tile.Width {
		return
	}
	if kept.Width > 0 {
		delete(m.files, kept.Path())
	}
	m.set(path, content)
}
