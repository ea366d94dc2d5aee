package batch

import (
	"container/list"
	"fmt"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// waiter is one leaf that waits. Its channel has room for the one outcome, so
// that nobody waits for a waiter that has gone.
type waiter struct {
	leaf    evidence.Leaf
	outcome chan outcome
	line    *list.List
	place   *list.Element // nil once it was taken
}

type outcome struct {
	attestation *ports.Attestation
	err         error
}

// lines are the waiters, in one line a class.
type lines struct {
	byClass map[Class]*list.List
	order   []*list.List
	first   int // the line that the next batch begins with
	limit   int
}

func newLines(classes []Class, limit int) *lines {
	l := &lines{byClass: make(map[Class]*list.List, len(classes)), limit: limit}
	for _, class := range classes {
		line := list.New()
		l.byClass[class] = line
		l.order = append(l.order, line)
	}
	return l
}

func (l *lines) enter(class Class, leaf evidence.Leaf) (*waiter, error) {
	line, known := l.byClass[class]
	if !known {
		return nil, fmt.Errorf("%w: %q", ports.ErrNotServed, string(class))
	}
	if line.Len() >= l.limit {
		return nil, fmt.Errorf("%w: %d sessions for %q wait for a signature already, try again later", ports.ErrUnavailable, l.limit, string(class))
	}
	w := &waiter{leaf: leaf, outcome: make(chan outcome, 1), line: line}
	w.place = line.PushBack(w)
	return w, nil
}

func (l *lines) leave(w *waiter) {
	if w.place != nil {
		w.line.Remove(w.place)
		w.place = nil
	}
}

// take removes up to limit waiters, the oldest of each class in turn. Batches
// begin with another class each time, so that a batch with less room than there
// are classes favours none.
func (l *lines) take(limit int) []*waiter {
	var taken []*waiter
	if len(l.order) == 0 {
		return nil
	}
	for misses, i := 0, l.first; misses < len(l.order) && len(taken) < limit; i++ {
		front := l.order[i%len(l.order)].Front()
		if front == nil {
			misses++
			continue
		}
		misses = 0
		w := front.Value.(*waiter) //nolint:errcheck // lines hold nothing else
		l.leave(w)
		taken = append(taken, w)
	}
	l.first = (l.first + 1) % len(l.order)
	return taken
}

// takeAll removes everyone.
func (l *lines) takeAll() []*waiter {
	waiting := 0
	for _, line := range l.order {
		waiting += line.Len()
	}
	return l.take(waiting)
}
