package joining

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/ports"
)

// wait keeps a candidate for whoever may approve it, and returns the refusal that
// says so. Where there is no room for one more, an *ExhaustedError.
func (t *Tickets) wait(ctx context.Context, a *Application, d *join.Decision, k *known) error {
	w, err := join.NewWaiting(a.Candidate, &k.Facts, d, t.config.Now())
	if err != nil {
		return err
	}
	kept, revision, err := t.waiting(ctx, w.Identity)
	if err != nil {
		return err
	}
	if err := t.room(ctx, revision); err != nil {
		return err
	}
	if kept == nil || !sameWish(kept, w) || w.Asked.Sub(kept.Asked) >= t.config.Limits.Waiting/4 {
		err = t.keepWaiting(ctx, a, w, revision)
	}
	if err != nil && !contended(err) { // it is kept by another service then
		return err
	}
	return &Refusal{Decision: d, RetryAfter: t.config.Limits.Approval}
}

// waiting returns what is kept of a candidate. What cannot be read is replaced.
func (t *Tickets) waiting(ctx context.Context, id join.Identity) (*join.Waiting, ports.Revision, error) {
	data, revision, err := t.book.get(ctx, waitingKey(id))
	if err != nil || revision == 0 {
		return nil, 0, err
	}
	w, err := join.DecodeWaiting(data)
	if errors.Is(err, join.ErrWaiting) {
		return nil, revision, nil
	}
	return w, revision, err
}

// room says whether a candidate that is not kept yet may be. As many more as
// decide at one moment may slip through.
func (t *Tickets) room(ctx context.Context, revision ports.Revision) error {
	if revision != 0 {
		return nil
	}
	most := min(t.config.Limits.Waiters, ports.MaxListing)
	listing, err := t.config.Store.List(ctx, ports.Waiting, "", most)
	if err != nil {
		return fmt.Errorf("counting who waits for an approval: %w", err)
	}
	if len(listing.Items) >= most {
		return &ExhaustedError{What: "too many wait for an approval", RetryAfter: t.config.Limits.Approval}
	}
	return nil
}

// sameWish says whether there is nothing new for who is to approve.
func sameWish(a, b *join.Waiting) bool {
	return a.Kind == b.Kind && a.Name == b.Name && a.Role == b.Role && a.Disk == b.Disk && a.Release == b.Release &&
		slices.Equal(a.Chip, b.Chip) && slices.Equal(a.Codes, b.Codes)
}

// keepWaiting writes the evidence and then the candidate that names it. Nobody has
// admitted the machine yet, so the evidence goes where the last of what was refused
// is kept, and may be gone from there before somebody looks.
func (t *Tickets) keepWaiting(ctx context.Context, a *Application, w *join.Waiting, revision ports.Revision) error {
	if _, err := t.config.Refusals.keep(ctx, a.Evidence); err != nil {
		return err
	}
	value, err := w.Encode()
	if err != nil {
		return err
	}
	key := waitingKey(w.Identity)
	_, err = t.config.Store.Commit(ctx, &ports.Transaction{
		If:   []ports.Condition{{Key: key, Revision: revision}},
		Then: []ports.Write{{Key: key, Value: value, TTL: t.config.Limits.Waiting}},
	})
	if err != nil {
		return fmt.Errorf("keeping node %v for an approval: %w", w.Identity, err)
	}
	return nil
}
