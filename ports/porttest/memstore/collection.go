package memstore

import (
	"maps"
	"slices"

	"github.com/asterism-k8s/asterism/ports"
)

// stored is an item. Its zero value stands for none.
type stored struct {
	value    []byte
	revision ports.Revision
}

// collection is the items of one collection, and their sorted names.
type collection struct {
	kind  ports.Collection
	names []string
	items map[string]stored
}

func newCollection(kind ports.Collection) *collection {
	return &collection{kind: kind, items: map[string]stored{}}
}

// copied returns a copy. Values are never changed in place, so they are shared.
func (c *collection) copied() *collection {
	return &collection{kind: c.kind, names: slices.Clone(c.names), items: maps.Clone(c.items)}
}

// item returns a copy of an item that is there.
func (c *collection) item(name string) *ports.Item {
	it := c.items[name]
	return &ports.Item{
		Key:      ports.Key{Collection: c.kind, Name: name},
		Value:    append([]byte{}, it.value...),
		Revision: it.revision,
	}
}

// after returns the names that sort after one.
func (c *collection) after(name string) []string {
	i, found := slices.BinarySearch(c.names, name)
	if found {
		i++
	}
	return c.names[i:]
}

// size is how many bytes an item counts for; none for one that is not there.
func (c *collection) size(name string) int {
	it, there := c.items[name]
	if !there {
		return 0
	}
	return len(name) + len(it.value)
}

func (c *collection) put(name string, it stored) {
	if i, found := slices.BinarySearch(c.names, name); !found {
		c.names = slices.Insert(c.names, i, name)
	}
	c.items[name] = it
}

func (c *collection) remove(name string) {
	if i, found := slices.BinarySearch(c.names, name); found {
		c.names = slices.Delete(c.names, i, i+1)
	}
	delete(c.items, name)
}
