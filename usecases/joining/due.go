package joining

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// clockSkew is how far apart the clocks of control-plane nodes may be.
const clockSkew = time.Minute

// Due returns the records of the members that are to be asked to attest now, the
// longest unasked first. Each member has its own moment in every interval, which
// the hash of its identity decides: ten thousand of them are spread evenly, and a
// new leader goes on where the last one was. A member that does not answer is
// named again in the next interval, a node that is no member never. One that
// attested in the future, by its record, is named at once.
//
// The error wraps the store's, or those of records that cannot be read, which do
// not keep the others from being named.
func (r *Reattester) Due(ctx context.Context, interval time.Duration) ([]*join.Record, error) {
	if interval <= 0 {
		return nil, fmt.Errorf("asking who is due: an interval of %v is none", interval)
	}
	now := r.config.Now()
	members, failed := r.members(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	var due []*join.Record
	asked := make(map[join.Identity]time.Time, len(members))
	for _, m := range members {
		last := latest(past(m.Attested, now), past(r.asked[m.Identity], now))
		if dueSince(m.Identity, last, now, interval) {
			due = append(due, m)
			last = now
		}
		asked[m.Identity] = last
	}
	r.asked = asked // who is no member any more is forgotten
	slices.SortStableFunc(due, func(a, b *join.Record) int {
		return cmp.Or(a.Attested.Compare(b.Attested), a.Identity.Compare(b.Identity))
	})
	return due, failed
}

// dueSince says whether the machine's moment has come between last and now.
func dueSince(id join.Identity, last, now time.Time, interval time.Duration) bool {
	hash := sha256.Sum256([]byte(id.String()))
	phase := int64(binary.BigEndian.Uint64(hash[:8]) % uint64(interval))
	turn := func(t time.Time) int64 { return floorDiv(t.UnixNano()-phase, int64(interval)) }
	return turn(now) > turn(last)
}

// floorDiv rounds towards minus infinity.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// past returns a moment that was, or one long ago for what cannot have been: where
// a clock was ahead once, members would not be asked until all clocks are there.
func past(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now.Add(clockSkew)) {
		return time.Unix(0, 0)
	}
	return t
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// members returns the records of members, also of those that are withheld, and
// what could not be read beside them.
func (r *Reattester) members(ctx context.Context) ([]*join.Record, error) {
	var members []*join.Record
	var failed []error
	for after, more := "", true; more; {
		listing, err := r.config.Store.List(ctx, ports.Records, after, ports.MaxListing)
		if err != nil {
			return members, errors.Join(append(failed, fmt.Errorf("listing records: %w", err))...)
		}
		for _, item := range listing.Items {
			after = item.Key.Name
			record, err := join.DecodeRecord(item.Value)
			switch {
			case err != nil:
				failed = append(failed, fmt.Errorf("%v: %w", item.Key, err))
			case record.State == join.Member || record.State == join.Withheld:
				members = append(members, record)
			}
		}
		more = listing.More && len(listing.Items) > 0
	}
	return members, errors.Join(failed...)
}
