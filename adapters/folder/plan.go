package folder

import (
	"fmt"
	"maps"
	"slices"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
)

// plan is what is to be done so that the folder holds some files.
type plan struct {
	write []file
	tiles []ledger.Tile // of what is written, those that are tiles
	last  []string      // what is there already and has to last
	// contents are those given for a place, by its full tile.
	contents map[ledger.Tile][]byte
}

// plan holds files against what is there, and refuses all of them if one does not
// continue it. The caller holds the mutex.
func (t *Tiles) plan(files map[string][]byte) (*plan, error) {
	p := &plan{contents: make(map[ledger.Tile][]byte)}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var err error
		if isLoose(name) {
			err = p.addLoose(name, files[name])
		} else {
			err = t.planTile(p, name, files[name])
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *plan) addLoose(name string, content []byte) error {
	if len(content) == 0 || len(content) > ports.MaxLooseFile {
		return fmt.Errorf("%w: %s with %d bytes, want 1 to %d", ledger.ErrTile, name, len(content), ports.MaxLooseFile)
	}
	p.write = append(p.write, file{name, content})
	return nil
}

func (t *Tiles) planTile(p *plan, name string, content []byte) error {
	tile, err := ledger.ParseTile(name)
	if err != nil {
		return err
	}
	if err := checkContent(tile, content); err != nil {
		return err
	}
	place := fullTile(tile)
	if !continues(p.contents[place], content) {
		return fmt.Errorf("%w: %s is given twice, as two things", ports.ErrFileConflict, place.Path())
	}
	p.contents[place] = content
	kept, before, err := t.readFullest(tile)
	switch {
	case err != nil:
		return fmt.Errorf("reading what is there of %s: %w", name, err)
	case !continues(before, content):
		return fmt.Errorf("%w: %s does not continue %s", ports.ErrFileConflict, name, kept.Path())
	case kept.Width >= tile.Width:
		p.last = append(p.last, kept.Path())
	default:
		p.write = append(p.write, file{name, content})
		p.tiles = append(p.tiles, tile)
	}
	return nil
}

// carryOut does what was planned.
func (t *Tiles) carryOut(p *plan) error {
	for _, name := range p.last {
		if err := t.makeLast(name); err != nil {
			return err
		}
	}
	if err := t.write(p.write); err != nil {
		return err
	}
	for _, tile := range p.tiles {
		t.dropNarrower(tile)
	}
	return nil
}
