package joining

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/ports"
	"github.com/asterism-k8s/asterism/usecases/sequencing"
)

// errDraft is wrapped where something is asked of a draft that it does not do.
var errDraft = errors.New("not something that a draft can do")

// draft is a store that is empty at first, and a recorder into it. What other use
// cases append to it, one after the other, becomes one proposal to a real
// recorder. One caller uses it.
type draft struct {
	items    map[ports.Key]*ports.Item
	entries  []ledger.Entry
	revision ports.Revision
}

func newDraft() *draft { return &draft{items: map[ports.Key]*ports.Item{}} }

// Get implements ports.Store.
func (d *draft) Get(_ context.Context, key ports.Key) (*ports.Item, error) {
	item, found := d.items[key]
	if !found {
		return nil, fmt.Errorf("%w: %v", ports.ErrNoItem, key)
	}
	return item, nil
}

// List implements ports.Store.
func (d *draft) List(_ context.Context, c ports.Collection, after string, limit int) (*ports.Listing, error) {
	l := &ports.Listing{Revision: d.revision}
	for _, key := range d.keys() {
		switch {
		case key.Collection != c || key.Name <= after:
		case len(l.Items) == limit:
			l.More = true
		default:
			l.Items = append(l.Items, d.items[key])
		}
	}
	return l, nil
}

// Commit implements ports.Store: everything goes through Append.
func (d *draft) Commit(context.Context, *ports.Transaction) (ports.Revision, error) {
	return 0, fmt.Errorf("%w: committing past the ledger", errDraft)
}

// Append implements Recorder.
func (d *draft) Append(_ context.Context, p *sequencing.Proposal) (*sequencing.Receipt, error) {
	for _, c := range p.If {
		if item := d.items[c.Key]; item == nil && c.Revision != 0 || item != nil && c.Revision != item.Revision {
			return nil, &ports.ConflictError{Keys: []ports.Key{c.Key}}
		}
	}
	receipt := &sequencing.Receipt{First: uint64(len(d.entries)), Revision: d.revision + 1}
	d.revision++
	d.entries = append(d.entries, p.Entries...)
	for _, w := range p.Then {
		if w.TTL != 0 {
			return nil, fmt.Errorf("%w: an item that goes away", errDraft)
		}
		delete(d.items, w.Key)
		if !w.Delete {
			d.items[w.Key] = &ports.Item{Key: w.Key, Value: bytes.Clone(w.Value), Revision: d.revision}
		}
	}
	return receipt, nil
}

// proposal is everything at once, if nothing of it is there and the ledger has no
// entry.
func (d *draft) proposal() *sequencing.Proposal {
	p := &sequencing.Proposal{
		Entries: d.entries,
		If:      []ports.Condition{{Key: ports.Key{Collection: ports.Heads, Name: "ledger"}}},
	}
	for _, key := range d.keys() {
		p.If = append(p.If, ports.Condition{Key: key})
		p.Then = append(p.Then, ports.Write{Key: key, Value: d.items[key].Value})
	}
	return p
}

// keys returns the keys of all items, sorted.
func (d *draft) keys() []ports.Key {
	return slices.SortedFunc(maps.Keys(d.items), func(a, b ports.Key) int { return strings.Compare(a.String(), b.String()) })
}
