package kernel

import "time"

// Answer is something that one process waits for and another gives, once.
type Answer[T any] struct {
	kernel *Kernel
	given  bool
	value  T
	waiter *process
}

// NewAnswer returns an answer that was not given yet.
func NewAnswer[T any](k *Kernel) *Answer[T] { return &Answer[T]{kernel: k} }

// Give gives the answer and wakes who waits. Only the first counts.
func (a *Answer[T]) Give(value T) {
	if a.given {
		return
	}
	a.given, a.value = true, value
	if p := a.waiter; p != nil && !p.life.ended {
		a.kernel.wakeAfter(p, 0)
	}
}

// Wait waits for the answer, and says whether it came in time.
func (a *Answer[T]) Wait(limit time.Duration) (T, bool) {
	if !a.given {
		a.waiter = a.kernel.current
		a.kernel.Sleep(limit)
		a.waiter = nil
	}
	return a.value, a.given
}

// Lock lets processes of one life have something one after the other, in the
// order in which they asked.
type Lock struct {
	kernel *Kernel
	held   bool
	queue  []*process
}

// NewLock returns a lock that nobody holds.
func NewLock(k *Kernel) *Lock { return &Lock{kernel: k} }

// Do runs something while it holds the lock.
func (l *Lock) Do(run func()) {
	if l.held {
		l.queue = append(l.queue, l.kernel.current)
		l.kernel.yield() // the holder before hands it over
	}
	l.held = true
	defer l.release()
	run()
}

func (l *Lock) release() {
	for len(l.queue) > 0 {
		p := l.queue[0]
		l.queue = l.queue[1:]
		if !p.life.ended {
			l.kernel.wakeAfter(p, 0)
			return // still held, by it
		}
	}
	l.held = false
}
