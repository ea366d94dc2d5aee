package world

import (
	"context"
	"time"

	"github.com/asterism-k8s/asterism/e2e/simulation/kernel"
)

// Latencies of a message.
const (
	fastest = time.Millisecond
	slowest = 40 * time.Millisecond
)

// network carries messages between machines and people.
type network struct {
	w *World
	// What it does to messages now, as probabilities.
	loss, late, twice float64
	bad               time.Time // when it was last like that, or fell apart
}

// good says whether everybody has heard everybody for a while.
func (n *network) good() bool {
	if n.loss+n.late > 0 {
		n.bad = n.w.k.Now()
	}
	return n.w.k.Now().Sub(n.bad) > 3*time.Minute
}

// host is where messages arrive.
type host interface {
	where() (life *kernel.Life, island int)
}

func (m *Machine) where() (*kernel.Life, int) { return m.life, m.island }

// connected says whether messages get from one to the other at all.
func connected(from, to host) bool {
	life, there := to.where()
	_, here := from.where()
	return life != nil && !life.Ended() && here == there
}

// delay draws how long a message takes, and whether it arrives.
func (n *network) delay() (time.Duration, bool) {
	k := n.w.k
	d := k.Between(fastest, slowest)
	if k.Chance(n.loss) {
		return 0, false
	}
	if k.Chance(n.late) {
		d += k.Between(time.Second, 2*time.Minute)
	}
	return d, true
}

// send lets something happen at the other end, unless the message is lost. It
// happens in a process of whatever life the other end has when it arrives.
func (n *network) send(from, to host, arrive func()) {
	copies := 1
	if n.w.k.Chance(n.twice) {
		copies = 2
	}
	for range copies {
		d, arrives := n.delay()
		if !arrives {
			continue
		}
		n.w.k.After(nil, d, func() {
			if connected(from, to) {
				life, _ := to.where()
				n.w.k.Go(life, arrive)
			}
		})
	}
}

// call sends a request, lets handle answer it at the other end, and waits for the
// answer in the current process. It says whether one came.
func call[T any](n *network, from, to host, limit time.Duration, handle func() T) (T, bool) {
	answer := kernel.NewAnswer[T](n.w.k)
	n.send(from, to, func() {
		reply := handle()
		n.reply(to, from, func() { answer.Give(reply) })
	})
	return answer.Wait(limit)
}

// reply is send without a process of its own at the end.
func (n *network) reply(from, to host, arrive func()) {
	if d, arrives := n.delay(); arrives {
		n.w.k.After(nil, d, func() {
			if connected(from, to) {
				arrive()
			}
		})
	}
}

// deadline is a context under the virtual clock.
type deadline struct {
	context.Context //nolint:containedctx // it is a context
	k               *kernel.Kernel
	at              time.Time
}

// within returns a context that is done after a time.
func (w *World) within(d time.Duration) context.Context {
	return &deadline{Context: context.Background(), k: w.k, at: w.k.Now().Add(d)}
}

// Deadline implements context.Context.
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Err implements context.Context.
func (d *deadline) Err() error {
	if d.k.Now().Before(d.at) {
		return nil
	}
	return context.DeadlineExceeded
}
