package sequencing

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/merkle"
	"github.com/asterism-k8s/asterism/ports"
)

// Bounds of what is read at once.
const (
	pageBatches = 32
	gapEntries  = 16 * ledger.TileWidth
)

// page is batches that follow each other.
type page struct {
	first, end uint64 // index of the first entry, and of the one after the last
	entries    [][]byte
}

// course is where the store's ledger leads, from the copy to the store's head.
// All its waypoints are verified.
type course struct {
	gap   merkle.Head   // where the store's batches begin, if that is beyond the copy
	marks []merkle.Head // at the end of each page of batches
	only  *page         // the page, where there is only one
}

// follow brings the copy up to the store's head.
func (m *Mirror) follow(ctx context.Context, target *ledger.Head) error {
	c, err := m.survey(ctx, target)
	if err != nil {
		return err
	}
	if err := m.fill(ctx, c.gap); err != nil {
		return err
	}
	for _, mark := range c.marks {
		p := c.only
		if p == nil {
			if p, err = readPage(ctx, m.store, m.local.Size(), target.Size()); err != nil {
				return err
			}
		}
		if err := m.add(ctx, p, mark); err != nil {
			return err
		}
	}
	return nil
}

// survey reads all batches up to the store's head without keeping them, and holds
// where they lead against that head: before that nothing is written.
func (m *Mirror) survey(ctx context.Context, target *ledger.Head) (*course, error) {
	c := &course{}
	frontier := m.local.Frontier
	for frontier.Size() < target.Size() {
		p, err := readPage(ctx, m.store, frontier.Size(), target.Size())
		if err != nil {
			return nil, err
		}
		if p.first > frontier.Size() {
			if frontier, err = m.leap(ctx, c, p.first, frontier.Size()); err != nil {
				return nil, err
			}
		}
		if c.only = nil; len(c.marks) == 0 {
			c.only = p
		}
		if len(p.entries) > 0 {
			c.marks = append(c.marks, advance(&frontier, p))
		}
	}
	if frontier.Root() != target.Frontier.Root() {
		return nil, &CopyError{Forked, m.local.Tree(), target.Tree(), fmt.Errorf("the entries lead to root %v", frontier.Root())}
	}
	return c, nil
}

// advance appends the entries of a page to a tree and returns its head.
func advance(frontier *merkle.Frontier, p *page) merkle.Head {
	for _, entry := range p.entries {
		frontier.Append(merkle.LeafHash(entry))
	}
	return frontier.Head()
}

// leap takes from the source where the store's batches begin.
func (m *Mirror) leap(ctx context.Context, c *course, to, from uint64) (merkle.Frontier, error) {
	missing := func(err error) error {
		return &CopyError{Incomplete, m.local.Tree(), merkle.Head{Size: to}, fmt.Errorf("entries %d to %d: %w", from, to-1, err)}
	}
	if from != m.local.Size() {
		return merkle.Frontier{}, missing(errors.New("taken away while they were read"))
	}
	if m.source == nil {
		return merkle.Frontier{}, missing(errors.New("there is no source to ask"))
	}
	frontier, err := source{ctx, m.source}.frontier(to)
	if err != nil {
		return merkle.Frontier{}, missing(err)
	}
	c.gap = frontier.Head()
	return frontier, nil
}

// readPage reads the batches that hold entries from one index up to another, as
// many as are read at once. Where there is none, the page begins and ends at the
// second index.
func readPage(ctx context.Context, store ports.Store, from, to uint64) (*page, error) {
	after := ""
	if from > 0 {
		after = ledger.BatchName(from - 1)
	}
	listing, err := store.List(ctx, ports.LedgerBatches, after, pageBatches)
	if err != nil {
		return nil, fmt.Errorf("listing batches from %d on: %w", from, err)
	}
	p := &page{first: to, end: to}
	for i, item := range listing.Items {
		first, err := ledger.ParseBatchName(item.Key.Name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStoredLedger, err)
		}
		if first >= to {
			break
		}
		if i == 0 {
			p.first, p.end = first, first
		}
		if err := p.append(first, item.Value, to); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// append adds a batch, which has to follow.
func (p *page) append(first uint64, value []byte, to uint64) error {
	if first != p.end {
		return fmt.Errorf("%w: a batch starts at entry %d, and the one before it ends at %d", ErrStoredLedger, first, p.end)
	}
	entries, err := OpenBatch(value)
	if err != nil {
		return fmt.Errorf("batch %d: %w", first, err)
	}
	p.entries = append(p.entries, entries...)
	if p.end += uint64(len(entries)); p.end > to {
		return fmt.Errorf("%w: batch %d reaches beyond the head at %d", ErrStoredLedger, first, to)
	}
	return nil
}

// add appends a page to the copy if it leads to where it led when it was surveyed.
func (m *Mirror) add(ctx context.Context, p *page, mark merkle.Head) error {
	grown, err := m.grow(ctx, p.entries)
	if err != nil {
		return err
	}
	if p.first != m.local.Size() || grown.Frontier.Head() != mark {
		return fmt.Errorf("%w: the batches from %d on changed while they were read", ErrStoredLedger, p.first)
	}
	return m.keepGrowth(ctx, grown, p.entries[len(p.entries)-1])
}

// grow returns what the copy becomes with more entries.
func (m *Mirror) grow(ctx context.Context, entries [][]byte) (*ledger.Growth, error) {
	edge, err := source{ctx, m.tiles}.edge(m.local.Size())
	if err != nil {
		return nil, err
	}
	grown, err := ledger.Grow(m.local.Size(), edge, entries)
	if err != nil {
		return nil, &CopyError{Damaged, m.local.Tree(), merkle.Head{}, err}
	}
	return grown, nil
}

// fill takes entries from the source up to a verified head, tiles at a time, and
// keeps what that head is proved to go on from.
func (m *Mirror) fill(ctx context.Context, to merkle.Head) error {
	if to.Size <= m.local.Size() {
		return nil
	}
	from := source{ctx, m.source}
	tree := ledger.OpenTree(to.Size, from)
	for m.local.Size() < to.Size {
		end := min(m.local.Size()/gapEntries*gapEntries+gapEntries, to.Size)
		entries, err := from.entries(m.local.Size(), end)
		if err != nil {
			return fmt.Errorf("asking the source: %w", err)
		}
		grown, err := m.grow(ctx, entries)
		if err != nil {
			return err
		}
		proof, err := tree.Consistency(end)
		if err != nil {
			return fmt.Errorf("asking the source: %w", err)
		}
		if err := merkle.VerifyConsistency(grown.Frontier.Head(), to, proof.Path); err != nil {
			return &CopyError{Forked, m.local.Tree(), to, fmt.Errorf("the source's entries up to %d: %w", end, err)}
		}
		if err := m.keepGrowth(ctx, grown, entries[len(entries)-1]); err != nil {
			return err
		}
	}
	return nil
}
