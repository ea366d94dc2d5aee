package memstore

import (
	"context"
	"slices"

	"github.com/asterism-k8s/asterism/ports"
)

// watcher is one running Watch. What changed since it last looked is a set of
// names, so that a slow one costs no more than the collection does.
type watcher struct {
	kind    ports.Collection
	whole   bool
	changed map[string]bool
	wake    chan struct{} // holds one element while there is something to tell
}

// Watch implements ports.Watcher. It delivers in the caller's goroutine.
func (s *Store) Watch(ctx context.Context, c ports.Collection, deliver func(*ports.Update) error) error {
	if err := c.Check(); err != nil {
		return err
	}
	w := &watcher{kind: c, wake: make(chan struct{}, 1)}
	w.forget()
	s.enter(w)
	defer s.leave(w)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		u := s.news(w)
		if !u.Whole && len(u.Items)+len(u.Deleted) == 0 {
			continue // told already, in the update before
		}
		if err := deliver(u); err != nil {
			return err
		}
	}
}

func (st *state) enter(w *watcher) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.watchers = append(st.watchers, w)
}

func (st *state) leave(w *watcher) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.watchers = slices.DeleteFunc(st.watchers, func(other *watcher) bool { return other == w })
}

// tell marks a key as changed for all who watch its collection.
func (st *state) tell(key ports.Key) {
	for _, w := range st.watchers {
		if w.kind == key.Collection {
			w.changed[key.Name] = true
			w.rouse()
		}
	}
}

// forget makes the watcher's next update a whole one.
func (w *watcher) forget() {
	w.whole, w.changed = true, map[string]bool{}
	w.rouse()
}

func (w *watcher) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// news returns what a watcher does not know yet.
func (st *state) news(w *watcher) *ports.Update {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.expire()
	c := st.collections[w.kind]
	u := &ports.Update{Revision: st.revision, Whole: w.whole}
	names := c.names
	if !w.whole {
		names = sortedNames(w.changed)
	}
	for _, name := range names {
		if _, there := c.items[name]; there {
			u.Items = append(u.Items, c.item(name))
		} else {
			u.Deleted = append(u.Deleted, ports.Key{Collection: w.kind, Name: name})
		}
	}
	w.whole, w.changed = false, map[string]bool{}
	return u
}

func sortedNames(set map[string]bool) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
