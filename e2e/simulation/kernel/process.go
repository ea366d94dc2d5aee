package kernel

import (
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"time"
)

// died is what a process panics with where its life ends.
type died struct{}

// process is a coroutine.
type process struct {
	life   *Life
	body   func()
	next   func() (struct{}, bool)
	stop   func()
	pause  func(struct{}) bool
	waking uint64 // tells one sleep from another, so that a late timer wakes nobody
}

// Life is what ends together.
type Life struct {
	kernel    *Kernel
	ended     bool
	processes []*process
}

// NewLife begins a life.
func (k *Kernel) NewLife() *Life {
	k.lives = slices.DeleteFunc(k.lives, (*Life).Ended)
	l := &Life{kernel: k}
	k.lives = append(k.lives, l)
	return l
}

// Ended says whether the life is over. A nil life never is.
func (l *Life) Ended() bool { return l != nil && l.ended }

// End ends the life: its timers never fire, and its processes unwind where they
// wait. A process that ends its own life unwinds at once; End does not return to
// it.
func (l *Life) End() {
	if l.ended {
		return
	}
	l.ended = true
	mine := false
	for _, p := range l.processes {
		if p == l.kernel.current {
			mine = true
			continue
		}
		p.kill()
	}
	l.processes = nil
	if mine {
		panic(died{})
	}
}

// kill unwinds a process that waits.
func (p *process) kill() {
	k := p.life.kernel
	before := k.current
	k.current = p
	p.stop()
	k.current = before
	k.rethrow()
}

// Go starts a process. It runs for the first time after what runs now has
// paused.
func (k *Kernel) Go(life *Life, body func()) {
	p := k.hire()
	p.life, p.body = life, body
	life.processes = append(life.processes, p)
	k.After(life, 0, func() { k.resume(p) })
}

// hire returns an idle coroutine, or a new one: their stacks have grown already.
func (k *Kernel) hire() *process {
	if n := len(k.idle); n > 0 {
		p := k.idle[n-1]
		k.idle = k.idle[:n-1]
		return p
	}
	p := &process{}
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		p.pause = yield
		for k.work(p) {
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return p
}

// work runs one body to its end, and says whether the coroutine can take another.
func (k *Kernel) work(p *process) (whole bool) {
	defer func() {
		if r := recover(); r != nil {
			whole = false
			k.unwound(r)
		}
	}()
	p.body()
	k.retire(p)
	return true
}

// unwound looks at what a body panicked with: its life ended, or it made a mistake
// that must not be swallowed.
func (k *Kernel) unwound(with any) {
	if _, ok := with.(died); !ok {
		k.broken = fmt.Errorf("a process panicked: %v\n%s", with, debug.Stack())
	}
}

// retire makes a coroutine whose body has ended free for another.
func (k *Kernel) retire(p *process) {
	p.waking++ // timers of this body wake nobody
	p.life.processes = slices.DeleteFunc(p.life.processes, func(other *process) bool { return other == p })
	k.idle = append(k.idle, p)
}

func (k *Kernel) resume(p *process) {
	before := k.current
	k.current = p
	p.next()
	k.current = before
	k.rethrow()
}

// rethrow lets a mistake in a process end the run.
func (k *Kernel) rethrow() {
	if r := k.broken; r != nil {
		k.broken = nil
		panic(r)
	}
}

// yield pauses the current process until something resumes it.
func (k *Kernel) yield() {
	p := k.current
	if p == nil {
		panic("kernel: only a process can wait")
	}
	if p.life.ended || !p.pause(struct{}{}) {
		panic(died{})
	}
}

// Sleep pauses the current process.
func (k *Kernel) Sleep(d time.Duration) {
	p := k.current
	k.wakeAfter(p, d)
	k.yield()
}

// wakeAfter resumes a process after a time unless something else did before.
func (k *Kernel) wakeAfter(p *process, d time.Duration) {
	if p == nil || p.life.ended {
		panic(died{})
	}
	p.waking++
	ticket := p.waking
	k.After(p.life, d, func() {
		if p.waking == ticket {
			k.resume(p)
		}
	})
}

// InProcess says whether a process runs now, which may wait.
func (k *Kernel) InProcess() bool { return k.current != nil }

// Alive panics as a process does whose life ended, if the current one's has. What
// stands for hardware calls it, so that code that runs while a process unwinds
// changes nothing any more.
func (k *Kernel) Alive() {
	if k.current != nil && k.current.life.ended {
		panic(died{})
	}
}
