package kernel

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// Kernel is the scheduler of one world. It is not for concurrent use: worlds run
// side by side, and each of them alone.
type Kernel struct {
	Rand  *rand.Rand // the only source of chance
	Trace *Trace

	now     time.Time
	seq     uint64
	queue   queue
	current *process
	lives   []*Life
	idle    []*process
	broken  any // what a process panicked with
}

// New returns a scheduler whose clock shows start.
func New(seed uint64, start time.Time) *Kernel {
	k := &Kernel{Rand: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)), now: start} //nolint:gosec // the seed has to decide
	k.Trace = newTrace(start)
	return k
}

// Now returns the virtual time.
func (k *Kernel) Now() time.Time { return k.now }

// Events returns how many events ran.
func (k *Kernel) Events() uint64 { return k.Trace.events }

// event is something that is to happen, unless its life has ended.
type event struct {
	at   time.Time
	seq  uint64
	life *Life
	run  func()
}

// queue is a heap by time, then by order of entry.
type queue []*event

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	e, _ := x.(*event) // nothing else is pushed
	*q = append(*q, e)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}

// After lets something happen after a time, unless the life has ended by then. A
// nil life does not end.
func (k *Kernel) After(life *Life, d time.Duration, run func()) {
	k.seq++
	heap.Push(&k.queue, &event{at: k.now.Add(max(d, 0)), seq: k.seq, life: life, run: run})
}

// Run lets everything happen up to a time, and then shows that time. After each
// event it calls check, and stops if that returns false.
func (k *Kernel) Run(until time.Time, check func() bool) bool {
	for len(k.queue) > 0 && !k.queue[0].at.After(until) {
		e, _ := heap.Pop(&k.queue).(*event) // nothing else is pushed
		if e.life.Ended() {
			continue
		}
		k.now = e.at
		e.run()
		k.Trace.tick(k.now, e.seq)
		if !check() {
			return false
		}
	}
	k.now = until
	return true
}

// Close ends all processes. The kernel is not used after it.
func (k *Kernel) Close() {
	for _, l := range k.lives {
		l.End()
	}
	for _, p := range k.idle {
		p.stop()
	}
	k.queue, k.idle = nil, nil
}

// Chance says yes with a probability.
func (k *Kernel) Chance(p float64) bool { return p > 0 && k.Rand.Float64() < p }

// Between draws a duration, uniformly.
func (k *Kernel) Between(low, high time.Duration) time.Duration {
	return low + time.Duration(k.Rand.Int64N(int64(high-low)+1))
}
