package batch_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/batch"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

const quoteTime = 200 * time.Millisecond

// slowTPM signs as slowly as hardware, and notes what it was asked.
type slowTPM struct {
	mu     sync.Mutex
	signed []evidence.ReportData
	err    error
	busy   bool
	deaf   bool // to the end of the context, as a device at work is
}

func (s *slowTPM) sign(ctx context.Context, data evidence.ReportData) (*evidence.Evidence, error) {
	s.enter(data)
	defer s.exit()
	if s.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	select {
	case <-time.After(quoteTime):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.err != nil {
		return nil, s.err
	}
	return &evidence.Evidence{Platform: evidence.TPM, Body: data[:]}, nil
}

func (s *slowTPM) enter(data evidence.ReportData) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		panic("two signatures at once")
	}
	s.busy = true
	s.signed = append(s.signed, data)
}

func (s *slowTPM) exit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}

func (s *slowTPM) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.signed)
}

func key() evidence.AttestationKey { return evidence.HashAttestationKey([]byte("public area")) }

func newQueue(s *slowTPM, limit int) *batch.Queue {
	return batch.New(batch.Config{Sign: s.sign, Key: key(), Classes: []batch.Class{"join", "attest"}, MaxWaiting: limit})
}

func leafOf(t testing.TB, n int) evidence.Leaf {
	t.Helper()
	nonce := binary.BigEndian.AppendUint64(make([]byte, 8), uint64(n))
	binding, err := evidence.NewVerificationBinding(nonce, []byte("statement"))
	if err != nil {
		t.Fatal(err)
	}
	return binding.Leaf()
}

// check recomputes what must have been signed from the leaf and the path.
func check(t *testing.T, a *ports.Attestation, leaf evidence.Leaf) {
	t.Helper()
	data, err := a.Path.ReportData(leaf, key())
	if err != nil || !bytes.Equal(a.Evidence.Body, data[:]) {
		t.Errorf("the path leads to other report data than was signed (%v)", err)
	}
}

func TestAnIdleQueueSignsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(&slowTPM{}, 0)
		start := time.Now()
		for n := range 3 {
			leaf := leafOf(t, n)
			a, err := q.Attest(t.Context(), "join", leaf)
			if err != nil {
				t.Fatal(err)
			}
			check(t, a, leaf)
			if len(a.Path.Encode()) != 8 {
				t.Errorf("a batch of one has a path of %d bytes", len(a.Path.Encode()))
			}
		}
		if took := time.Since(start); took != 3*quoteTime {
			t.Errorf("three in a row took %v", took)
		}
	})
}

func TestManyWaitersAreServedWithinTwoQuotes(t *testing.T) {
	for _, waiters := range []int{1, 2, 64, 4097} {
		t.Run(fmt.Sprint(waiters), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slowTPM{}
				q := newQueue(s, 0)
				start := time.Now()
				var wg sync.WaitGroup
				for n := range waiters {
					wg.Go(func() {
						leaf := leafOf(t, n)
						a, err := q.Attest(t.Context(), "join", leaf)
						if err != nil {
							t.Error(err)
							return
						}
						check(t, a, leaf)
						if took := time.Since(start); took > 2*quoteTime {
							t.Errorf("leaf %d took %v", n, took)
						}
					})
				}
				wg.Wait()
				if s.count() > 2 {
					t.Errorf("%d waiters took %d quotes", waiters, s.count())
				}
			})
		})
	}
}

// A flood for one purpose is turned away at its own bound, and a session for
// another purpose is in the very next batch.
func TestThreat23AFloodOfOnePurposeDoesNotStarveAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 32
		q := newQueue(&slowTPM{}, bound)
		defer q.Close()
		var wg sync.WaitGroup
		defer wg.Wait()
		flood, stop := context.WithCancel(t.Context())
		defer stop()
		for n := range 4 * bound {
			wg.Go(func() {
				for flood.Err() == nil {
					if _, err := q.Attest(flood, "join", leafOf(t, n)); errors.Is(err, ports.ErrUnavailable) {
						time.Sleep(time.Millisecond) // comes again at once
					}
				}
			})
		}
		time.Sleep(quoteTime / 2)
		start := time.Now()
		if _, err := q.Attest(t.Context(), "join", leafOf(t, -1)); !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("one more of the flood gave %v", err)
		}
		leaf := leafOf(t, 0)
		a, err := q.Attest(t.Context(), "attest", leaf)
		if err != nil {
			t.Fatal(err)
		}
		check(t, a, leaf)
		if took := time.Since(start); took > 2*quoteTime {
			t.Errorf("the other purpose waited %v", took)
		}
	})
}

// Both purposes in excess of a batch: each gets its half.
func TestABatchIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(&slowTPM{}, evidence.MaxBatch)
		var mu sync.Mutex
		served := map[batch.Class]int{}
		var wg sync.WaitGroup
		start := time.Now()
		for n := range 2 * evidence.MaxBatch {
			class := batch.Class("join")
			if n >= evidence.MaxBatch {
				class = "attest"
			}
			wg.Go(func() {
				if _, err := q.Attest(t.Context(), class, leafOf(t, n)); err != nil {
					t.Error(err)
				}
				if time.Since(start) == 2*quoteTime {
					mu.Lock()
					served[class]++
					mu.Unlock()
				}
			})
			if n == 0 {
				synctest.Wait() // the first is being signed alone
			}
		}
		wg.Wait()
		if a, b := served["join"], served["attest"]; a != evidence.MaxBatch/2 || b != evidence.MaxBatch/2 {
			t.Errorf("the second batch had %d and %d leaves of the purposes", a, b)
		}
	})
}

func TestAWaiterThatLeavesMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowTPM{}
		q := newQueue(s, 1)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := q.Attest(t.Context(), "join", leafOf(t, 0)); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), quoteTime/4)
		defer cancel()
		start := time.Now()
		if _, err := q.Attest(ctx, "join", leafOf(t, 1)); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != quoteTime/4 {
			t.Errorf("the waiter left with %v after %v", err, time.Since(start))
		}
		if _, err := q.Attest(t.Context(), "join", leafOf(t, 2)); err != nil {
			t.Errorf("the line is still full: %v", err)
		}
		wg.Wait()
		if s.count() != 2 {
			t.Errorf("%d signatures, want 2", s.count())
		}
	})
}

func TestAWaiterMayLeaveWhileItIsSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(&slowTPM{}, 0)
		ctx, cancel := context.WithTimeout(t.Context(), quoteTime/2)
		defer cancel()
		if _, err := q.Attest(ctx, "join", leafOf(t, 0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Attest = %v", err)
		}
		if _, err := q.Attest(ctx, "join", leafOf(t, 0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Attest with a context that is over = %v", err)
		}
		if _, err := q.Attest(t.Context(), "join", leafOf(t, 1)); err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
}

func TestAnErrorIsThatOfItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		s := &slowTPM{err: broken}
		q := newQueue(s, 0)
		if _, err := q.Attest(t.Context(), "join", leafOf(t, 0)); !errors.Is(err, broken) {
			t.Errorf("Attest = %v", err)
		}
		s.err = nil
		if _, err := q.Attest(t.Context(), "join", leafOf(t, 0)); err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
}

func TestUnknownClass(t *testing.T) {
	q := newQueue(&slowTPM{}, 0)
	if _, err := q.Attest(t.Context(), "other", leafOf(t, 0)); !errors.Is(err, ports.ErrNotServed) {
		t.Errorf("Attest = %v", err)
	}
}

func TestCloseTurnsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(&slowTPM{}, 0)
		var wg sync.WaitGroup
		refused := func(want error) {
			wg.Go(func() {
				if _, err := q.Attest(t.Context(), "join", leafOf(t, 0)); !errors.Is(err, want) {
					t.Errorf("Attest = %v, want %v", err, want)
				}
			})
			synctest.Wait()
		}
		refused(context.Canceled)     // being signed
		refused(ports.ErrUnavailable) // waiting
		q.Close()
		wg.Wait()
		refused(ports.ErrUnavailable) // too late
		wg.Wait()
		q.Close()
	})
}

// However the waiters are spread over the lines, Close turns away every one of
// them, and waits for no signature but the one that it interrupts.
func TestCloseTurnsAwayEveryLine(t *testing.T) {
	for _, waiting := range []map[batch.Class]int{
		{"join": 1, "attest": 3}, {"join": 3, "attest": 1}, {"join": 5}, {"attest": 64}, {"join": 64, "attest": 64},
	} {
		t.Run(fmt.Sprint(waiting), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slowTPM{deaf: true}
				q := newQueue(s, 0)
				var wg sync.WaitGroup
				wg.Go(func() { _, _ = q.Attest(t.Context(), "join", leafOf(t, 0)) })
				synctest.Wait() // being signed
				for class, n := range waiting {
					for range n {
						wg.Go(func() {
							if _, err := q.Attest(t.Context(), class, leafOf(t, 1)); !errors.Is(err, ports.ErrUnavailable) {
								t.Errorf("Attest for %q = %v, want ErrUnavailable", string(class), err)
							}
						})
					}
				}
				synctest.Wait()
				start := time.Now()
				q.Close()
				if took := time.Since(start); took != quoteTime {
					t.Errorf("Close took %v, the signature that was in the making takes %v", took, quoteTime)
				}
				wg.Wait()
				if s.count() != 1 {
					t.Errorf("%d signatures, want the one", s.count())
				}
			})
		})
	}
}

// BenchmarkAttest is the cost of a leaf without the hardware's: 64 sessions at
// once, and a signer that takes no time.
func BenchmarkAttest(b *testing.B) {
	sign := func(_ context.Context, data evidence.ReportData) (*evidence.Evidence, error) {
		return &evidence.Evidence{Platform: evidence.TPM, Body: data[:]}, nil
	}
	q := batch.New(batch.Config{Sign: sign, Key: key(), Classes: []batch.Class{"join"}})
	leaf := leafOf(b, 1)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := q.Attest(context.Background(), "join", leaf); err != nil {
				b.Error(err)
			}
		}
	})
}
