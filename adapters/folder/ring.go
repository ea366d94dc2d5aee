package folder

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"time"
)

// ring is the blobs of a folder that keeps only the last ones, the oldest first.
type ring struct {
	sums   [][32]byte
	newest time.Time // with which a file was stamped
}

// touch makes a blob the newest, as of a time that is after all others'.
func (r *ring) touch(sum [32]byte, at time.Time) {
	r.forget(sum)
	r.sums, r.newest = append(r.sums, sum), at
}

func (r *ring) forget(sum [32]byte) {
	r.sums = slices.DeleteFunc(r.sums, func(other [32]byte) bool { return other == sum })
}

// touch makes a blob the newest of the ring, for later openings too: files have
// their times from one coarse clock, which may be set back. The caller holds the
// mutex.
func (b *Blobs) touch(sum [32]byte) error {
	if b.ring == nil {
		return nil
	}
	at := time.Now()
	if !at.After(b.ring.newest) {
		at = b.ring.newest.Add(time.Microsecond)
	}
	b.ring.touch(sum, at)
	if err := b.disk.stamp(blobPath(sum), at); err != nil {
		return fmt.Errorf("making it the newest: %w", err)
	}
	return nil
}

// makeRoom removes the oldest blobs until there is room for one more. The caller
// holds the mutex.
func (b *Blobs) makeRoom() error {
	if b.ring == nil {
		return nil
	}
	for len(b.ring.sums) >= b.keep {
		oldest := b.ring.sums[0]
		if err := b.disk.remove(blobPath(oldest)); err != nil && !missing(err) {
			return fmt.Errorf("removing the oldest blob: %w", err)
		}
		b.ring.forget(oldest)
	}
	return nil
}

// restore learns which blobs are there and which of them are the oldest, and
// removes what is too much.
func (b *Blobs) restore() error {
	if b.keep == 0 {
		return nil
	}
	found, err := b.list()
	if err != nil {
		return err
	}
	slices.SortFunc(found, func(x, y dated) int {
		return cmp.Or(x.at.Compare(y.at), slices.Compare(x.sum[:], y.sum[:]))
	})
	b.ring = &ring{}
	for _, each := range found {
		if err := b.makeRoom(); err != nil {
			return err
		}
		b.ring.touch(each.sum, each.at)
	}
	return nil
}

// dated is a blob and when it was written.
type dated struct {
	sum [32]byte
	at  time.Time
}

func (b *Blobs) list() ([]dated, error) {
	folders, err := b.disk.names(".")
	if err != nil {
		return nil, fmt.Errorf("listing blobs: %w", err)
	}
	var found []dated
	for _, name := range folders {
		if name == fresh {
			continue
		}
		names, err := b.disk.names(name)
		if err != nil && !missing(err) {
			return nil, fmt.Errorf("listing blobs: %w", err)
		}
		for _, each := range names {
			sum, ok := parseSum(each)
			if !ok || blobPath(sum) != path.Join(name, each) {
				continue // not ours, and never read or removed
			}
			at, err := b.disk.written(blobPath(sum))
			if err != nil {
				return nil, fmt.Errorf("looking at a blob: %w", err)
			}
			found = append(found, dated{sum, at})
		}
	}
	return found, nil
}

func parseSum(name string) (sum [32]byte, ok bool) {
	data, err := hex.DecodeString(name)
	if err != nil || len(data) != len(sum) {
		return sum, false
	}
	return [32]byte(data), true
}
