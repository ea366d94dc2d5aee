package etcd

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/asterism-k8s/asterism/ports"
)

// Get implements ports.Store.
func (s *Store) Get(ctx context.Context, key ports.Key) (*ports.Item, error) {
	if err := key.Check(); err != nil {
		return nil, err
	}
	answer, err := s.read(ctx, s.layout.Key(key))
	if err != nil {
		return nil, fmt.Errorf("getting %s: %w", key, err)
	}
	if len(answer.Kvs) == 0 {
		return nil, fmt.Errorf("%w: %s", ports.ErrNoItem, key)
	}
	item, err := s.layout.Item(key.Collection, answer.Kvs[0])
	if err != nil || item.Key != key {
		return nil, fmt.Errorf("%w: it answers %q when asked for %s", ports.ErrStoreUnavailable, answer.Kvs[0].GetKey(), key)
	}
	return item, nil
}

// List implements ports.Store.
func (s *Store) List(ctx context.Context, c ports.Collection, after string, limit int) (*ports.Listing, error) {
	if err := ports.CheckListing(c, after, limit); err != nil {
		return nil, err
	}
	return s.list(ctx, c, after, limit, 0)
}

// list lists at a revision; at zero it is the newest.
func (s *Store) list(ctx context.Context, c ports.Collection, after string, limit int, at int64) (*ports.Listing, error) {
	start, l := s.layout.After(c, after), &ports.Listing{More: true}
	for l.More && len(l.Items) < limit {
		answer, err := s.read(ctx, start,
			clientv3.WithRange(s.layout.End(c)), clientv3.WithLimit(int64(limit-len(l.Items))), clientv3.WithRev(at))
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", c, err)
		}
		at = cmp.Or(at, answer.Header.GetRevision()) // all pages as they are now
		l.Revision, l.More = ports.Revision(at), answer.More && len(answer.Kvs) > 0
		for _, kv := range answer.Kvs {
			if item, err := s.layout.Item(c, kv); err != nil {
				s.foreign(ctx, err)
			} else {
				l.Items = append(l.Items, item)
			}
			start = string(kv.GetKey()) + "\x00"
		}
	}
	return l, nil
}

// foreign tells of a key that the engine has not written.
func (s *Store) foreign(ctx context.Context, err error) {
	s.logger.LogAttrs(ctx, slog.LevelWarn, "the store holds what is not the engine's", slog.Any("error", err))
}

// read asks until there is an answer, or none that will change, or no time.
func (s *Store) read(ctx context.Context, key string, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	bounded, cancel := s.bounded(ctx, s.timeout)
	defer cancel()
	for pause := newPause(); ; {
		answer, note, err := s.readOnce(bounded, key, options)
		if err == nil {
			return answer, nil
		}
		if note.hopeless() || !pause.wait(bounded) {
			return nil, note.explain(ctx, ports.ErrStoreUnavailable, err)
		}
	}
}

// readOnce asks one member, and leaves time to ask another one.
func (s *Store) readOnce(ctx context.Context, key string, options []clientv3.OpOption) (*clientv3.GetResponse, *call, error) {
	ctx, cancel := context.WithTimeout(ctx, max(s.timeout/3, time.Millisecond))
	defer cancel()
	noting, note := noted(ctx)
	answer, err := s.client.Get(noting, key, options...)
	return answer, note, err
}
