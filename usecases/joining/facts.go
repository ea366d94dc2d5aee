package joining

import (
	"context"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// known is what the store says that bears on a candidate, and at which revisions:
// whatever is decided on it is committed only if that still holds.
type known struct {
	join.Facts
	own, name, disk ports.Revision // name is zero in a rejoin, which names none
}

func (t *Tickets) facts(ctx context.Context, c *join.Candidate, w *word) (*known, error) {
	k := &known{Facts: join.Facts{Standing: w.standing}}
	var err error
	if k.Own, k.own, err = t.book.record(ctx, c.Identity); err != nil {
		return nil, err
	}
	if c.Request.Kind == join.FirstJoin {
		if k.ByName, k.name, err = t.holding(ctx, nameKey(c.Request.Name), k.Own); err != nil {
			return nil, err
		}
	}
	if k.ByDisk, k.disk, err = t.holding(ctx, diskKey(c.Request.Disk), k.Own); err != nil {
		return nil, err
	}
	return k, t.whole(ctx, c, k)
}

// whole says whether what was read is of one moment, as far as a decision must not
// rest on less: a disk may have become the machine's own after its record was
// read. The error wraps ports.ErrStoreConflict, and reading again helps.
func (t *Tickets) whole(ctx context.Context, c *join.Candidate, k *known) error {
	if k.ByDisk == nil || k.ByDisk.Identity != c.Identity {
		return nil
	}
	_, now, err := t.book.get(ctx, recordKey(c.Identity))
	if err == nil && now != k.own {
		return changed(recordKey(c.Identity))
	}
	return err
}

// changed says that an item is not as it was read before.
func changed(key ports.Key) error {
	return fmt.Errorf("reading what a decision rests on: %w", &ports.ConflictError{Keys: []ports.Key{key}})
}

// holding returns the record of the node that holds a name or a disk. The disk of
// a node that was removed is held still, by a record that says nothing else:
// whoever joined with it would get its key.
func (t *Tickets) holding(ctx context.Context, key ports.Key, own *join.Record) (*join.Record, ports.Revision, error) {
	holder, revision, err := t.book.holder(ctx, key)
	if err != nil || revision == 0 {
		return nil, 0, err
	}
	if own != nil && holder == own.Identity {
		return own, revision, nil
	}
	r, _, err := t.book.record(ctx, holder)
	if err != nil {
		return nil, 0, err
	}
	if r == nil && key.Collection == ports.Disks {
		return &join.Record{Identity: holder, State: join.Revoked, Disk: key.Name}, revision, nil
	}
	if r == nil {
		return nil, 0, t.vacant(ctx, key, holder, revision)
	}
	return r, revision, nil
}

// vacant says why a name is held by a node without a record: the node was removed
// since the name was read, or the store contradicts itself.
func (t *Tickets) vacant(ctx context.Context, key ports.Key, holder join.Identity, revision ports.Revision) error {
	_, now, err := t.book.get(ctx, key)
	switch {
	case err != nil:
		return err
	case now != revision:
		return changed(key)
	default:
		return fmt.Errorf("%w: %v is held by %v, of which there is no record", ErrInconsistent, key, holder)
	}
}
