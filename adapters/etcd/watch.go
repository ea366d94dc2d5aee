package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/asterism-k8s/asterism/ports"
)

// watch is one running Watch.
type watch struct {
	store      *Store
	collection ports.Collection
	deliver    func(*ports.Update) error
	// known is the revision up to which everything has been delivered, or did not
	// concern the collection; zero: the next update is a whole one.
	known int64
	last  ports.Revision // of the last update
}

// deliveryError is an error of the caller's own.
type deliveryError struct{ error }

// Watch implements ports.Watcher. It delivers in the caller's goroutine. Besides
// the errors of that contract it returns ports.ErrStoreUnavailable after Close, and
// if the store is at an older revision than before: it has then lost what it had
// acknowledged, and whoever watches has to begin anew. That shows when the watch
// begins again, with the next change, or as often as servers tell of progress.
func (s *Store) Watch(ctx context.Context, c ports.Collection, deliver func(*ports.Update) error) error {
	if err := c.Check(); err != nil {
		return err
	}
	w := &watch{store: s, collection: c, deliver: deliver}
	for pause := newPause(); ; {
		err := w.run(ctx, pause)
		var own deliveryError
		switch {
		case errors.As(err, &own):
			return own.error
		case ctx.Err() != nil:
			return ctx.Err()
		case s.ctx.Err() != nil:
			return fmt.Errorf("watching %s: %w: it has been closed", c, ports.ErrStoreUnavailable)
		case errors.Is(err, errWentBack):
			return fmt.Errorf("watching %s: %w: %w", c, ports.ErrStoreUnavailable, err)
		}
		s.logger.LogAttrs(ctx, slog.LevelDebug, "a watch begins again",
			slog.String("collection", string(c)), slog.Int64("known", w.known), slog.Any("error", err))
		pause.wait(ctx)
	}
}

var errWentBack = errors.New("the store went back to an older revision")

// run delivers until something fails. A success makes the next pause short again.
func (w *watch) run(ctx context.Context, pause *pause) error {
	if w.known == 0 {
		if err := w.whole(ctx); err != nil {
			return err
		}
		*pause = *newPause()
	} else if err := w.demandProgress(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	answers := w.store.client.Watch(ctx, w.store.layout.Collection(w.collection),
		clientv3.WithPrefix(), clientv3.WithRev(w.known+1), clientv3.WithProgressNotify())
	for answer := range answers {
		if err := w.follow(ctx, &answer); err != nil {
			return err
		}
		*pause = *newPause()
	}
	return errors.New("the watch ended")
}

// whole delivers all there is, page by page of one revision.
func (w *watch) whole(ctx context.Context) error {
	u := &ports.Update{Whole: true}
	for after, more := "", true; more; {
		l, err := w.store.list(ctx, w.collection, after, ports.MaxListing, int64(u.Revision))
		if err != nil {
			return err
		}
		u.Items, u.Revision = append(u.Items, l.Items...), l.Revision
		if more = l.More && len(l.Items) > 0; more {
			after = l.Items[len(l.Items)-1].Key.Name
		}
	}
	if u.Revision < w.last {
		return fmt.Errorf("%w: %d after %d", errWentBack, u.Revision, w.last)
	}
	return w.give(ctx, u)
}

// follow delivers what an answer says has changed.
func (w *watch) follow(ctx context.Context, answer *clientv3.WatchResponse) error {
	if err := answer.Err(); err != nil {
		if errors.Is(err, rpctypes.ErrCompacted) {
			w.known = 0
		}
		return err
	}
	now := answer.Header.GetRevision()
	if now < w.known {
		if err := w.demandProgress(ctx); err != nil {
			return err
		}
	}
	if answer.IsProgressNotify() {
		w.known = max(w.known, now)
		return nil
	}
	u := w.update(ctx, answer.Events)
	if len(u.Items)+len(u.Deleted) == 0 {
		w.known = max(w.known, int64(u.Revision))
		return nil
	}
	return w.give(ctx, u)
}

// demandProgress fails if the store is at an older revision than is known. A member
// that is may only be behind the others, which a linearizable read tells.
func (w *watch) demandProgress(ctx context.Context) error {
	answer, err := w.store.read(ctx, w.store.layout.Collection(w.collection), clientv3.WithKeysOnly())
	if err != nil {
		return err
	}
	if now := answer.Header.GetRevision(); now < w.known {
		return fmt.Errorf("%w: %d after %d", errWentBack, now, w.known)
	}
	return nil
}

func (w *watch) give(ctx context.Context, u *ports.Update) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.deliver(u); err != nil {
		return deliveryError{err}
	}
	w.known, w.last = max(w.known, int64(u.Revision)), u.Revision
	return nil
}

// update returns what events come to: of each item the last.
func (w *watch) update(ctx context.Context, events []*clientv3.Event) *ports.Update {
	u := &ports.Update{}
	newest := map[string]*clientv3.Event{}
	for _, e := range events {
		newest[string(e.Kv.GetKey())] = e
		u.Revision = max(u.Revision, ports.Revision(e.Kv.GetModRevision()))
	}
	for _, key := range sortedKeys(newest) {
		item, err := w.store.layout.Item(w.collection, newest[key].Kv)
		switch {
		case err != nil:
			w.store.foreign(ctx, err)
		case newest[key].Type == clientv3.EventTypeDelete:
			u.Deleted = append(u.Deleted, item.Key)
		default:
			u.Items = append(u.Items, item)
		}
	}
	return u
}

func sortedKeys(m map[string]*clientv3.Event) []string { return slices.Sorted(maps.Keys(m)) }
