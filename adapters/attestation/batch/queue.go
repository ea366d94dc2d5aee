package batch

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// DefaultMaxWaiting is how many leaves of one class may wait, if nothing else is
// said: as many as one batch takes.
const DefaultMaxWaiting = evidence.MaxBatch

// Class tells leaves apart that must not starve each other.
type Class string

// Signer makes evidence that carries report data. It is called by one goroutine
// at a time. Whoever asked may have gone meanwhile; the context ends with the
// queue.
type Signer func(context.Context, evidence.ReportData) (*evidence.Evidence, error)

// Config is what a Queue works with.
type Config struct {
	Sign Signer
	// Key is the attestation key that Sign uses, the zero value without a TPM.
	Key evidence.AttestationKey
	// Classes are all that there are. Leaves of others are refused.
	Classes []Class
	// MaxWaiting is how many leaves of one class may wait for the next
	// signature; zero is DefaultMaxWaiting.
	MaxWaiting int
}

// Queue gathers leaves while one signature is made. It may be used concurrently.
type Queue struct {
	sign Signer
	key  evidence.AttestationKey

	mu      sync.Mutex
	lines   *lines
	cancel  context.CancelFunc // of the signature in the making; nil if there is none
	idle    chan struct{}      // closed when the worker has ended; nil if there is none
	stopped bool
}

var errStopped = errors.New("the attester was closed")

// New returns an idle queue.
func New(c Config) *Queue {
	limit := c.MaxWaiting
	if limit == 0 {
		limit = DefaultMaxWaiting
	}
	return &Queue{sign: c.Sign, key: c.Key, lines: newLines(c.Classes, limit)}
}

// Attest waits until the leaf was signed, and returns the evidence with the
// leaf's path. The error wraps ports.ErrUnavailable where too many of its class
// wait already or the queue was closed, ports.ErrNotServed where the class is
// unknown, the context's error where that is done first, and what the Signer
// returned for this very batch.
func (q *Queue) Attest(ctx context.Context, class Class, leaf evidence.Leaf) (*ports.Attestation, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("waiting for a signature: %w", err)
	}
	w, err := q.enter(class, leaf)
	if err != nil {
		return nil, err
	}
	select {
	case o := <-w.outcome:
		return o.attestation, o.err
	case <-ctx.Done():
		q.leave(w)
		return nil, fmt.Errorf("waiting for a signature: %w", ctx.Err())
	}
}

// Close turns away who waits and who still comes, and returns when no signature
// is in the making.
func (q *Queue) Close() {
	q.mu.Lock()
	q.stopped = true
	turnedAway := q.lines.takeAll()
	if q.cancel != nil {
		q.cancel()
	}
	idle := q.idle
	q.mu.Unlock()
	fail(turnedAway, stoppedError())
	if idle != nil {
		<-idle
	}
}

func stoppedError() error { return fmt.Errorf("%w: %w", ports.ErrUnavailable, errStopped) }

// enter puts the leaf in its line, and starts the worker where there is none.
func (q *Queue) enter(class Class, leaf evidence.Leaf) (*waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return nil, stoppedError()
	}
	w, err := q.lines.enter(class, leaf)
	if err != nil {
		return nil, err
	}
	if q.idle == nil {
		q.idle = make(chan struct{})
		go q.work(q.idle)
	}
	return w, nil
}

func (q *Queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines.leave(w)
}

// work signs batch after batch until nobody waits.
func (q *Queue) work(idle chan struct{}) {
	defer close(idle)
	for {
		ctx, waiters := q.next()
		if waiters == nil {
			return
		}
		q.serve(ctx, waiters)
	}
}

// next takes the leaves of the next batch. Where there are none, the worker has
// to end: the next leaf starts another, but for after Close.
func (q *Queue) next() (context.Context, []*waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.cancel != nil {
		q.cancel()
		q.cancel = nil
	}
	var waiters []*waiter
	if !q.stopped {
		waiters = q.lines.take(evidence.MaxBatch)
	}
	if len(waiters) == 0 {
		q.idle = nil
		return nil, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	q.cancel = cancel
	return ctx, waiters
}

// serve signs one batch and hands each waiter its path. An error is that of this
// batch's waiters alone.
func (q *Queue) serve(ctx context.Context, waiters []*waiter) {
	leaves := make([]evidence.Leaf, len(waiters))
	for i, w := range waiters {
		leaves[i] = w.leaf
	}
	batch, err := evidence.NewBatch(leaves, q.key)
	if err != nil {
		fail(waiters, fmt.Errorf("making a batch: %w", err))
		return
	}
	signed, err := q.sign(ctx, batch.ReportData())
	if err != nil {
		fail(waiters, fmt.Errorf("signing a batch of %d: %w", len(waiters), err))
		return
	}
	for i, w := range waiters {
		path, err := batch.Path(i)
		if err != nil {
			fail(waiters[i:i+1], err)
			continue
		}
		w.outcome <- outcome{attestation: &ports.Attestation{Evidence: signed, Path: path}}
	}
}

func fail(waiters []*waiter, err error) {
	for _, w := range waiters {
		w.outcome <- outcome{err: err}
	}
}
