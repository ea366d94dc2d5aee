package main

import (
	"context"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"
)

// counts are the figures of the last line.
type counts struct {
	killed, survived, waived, invalid int
}

func (c counts) total() int { return c.killed + c.survived + c.waived + c.invalid }

func (c counts) String() string {
	return fmt.Sprintf("%d mutants, %d killed, %d survived, %d waived, %d invalid", c.total(), c.killed, c.survived, c.waived, c.invalid)
}

func (c counts) plus(d counts) counts {
	return counts{c.killed + d.killed, c.survived + d.survived, c.waived + d.waived, c.invalid + d.invalid}
}

// hunt runs all mutants and prints a line a target, then the survivors, then the
// counts, which it also returns.
type hunt struct {
	runner *runner
	jobs   int
	out    *log.Logger // without prefix: the report

	limits map[string]time.Duration // by the tests that were run unchanged
	next   int                      // number of the next mutant
}

func newHunt(r *runner, jobs int, out *log.Logger) *hunt {
	return &hunt{runner: r, jobs: jobs, out: out, limits: map[string]time.Duration{}}
}

// all runs the targets in order. When an error or an interrupt ends it early, the
// survivors of the targets before that are printed all the same.
func (h *hunt) all(ctx context.Context, selected []work) (counts, error) {
	var total counts
	var survivors []mutant
	for _, w := range selected {
		start := time.Now()
		c, alive, err := h.target(ctx, w)
		if err != nil {
			h.report(survivors)
			return counts{}, err
		}
		h.out.Printf("%s: %s (%.1f s)", w.target, c, time.Since(start).Seconds())
		total, survivors = total.plus(c), append(survivors, alive...)
	}
	h.report(survivors)
	h.out.Print(total)
	return total, nil
}

func (h *hunt) report(survivors []mutant) {
	for _, m := range survivors {
		h.out.Printf("SURVIVED %s", m)
	}
}

// target runs the mutants of one target. That none of them compiles, or all are
// some other target's, is no proof of anything and therefore an error.
func (h *hunt) target(ctx context.Context, w work) (counts, []mutant, error) {
	limit, err := h.limit(ctx, w.target.tests)
	if err != nil {
		return counts{}, nil, err
	}
	verdicts, err := h.run(ctx, w, limit)
	if err != nil {
		return counts{}, nil, err
	}
	c := counts{waived: len(w.waived)}
	var survivors []mutant
	for i, v := range verdicts {
		switch v {
		case killed:
			c.killed++
		case survived:
			c.survived++
			survivors = append(survivors, w.mutants[i])
		case invalid:
			c.invalid++
		}
	}
	if c.total() == c.invalid {
		return counts{}, nil, fmt.Errorf("target %s: no mutant of its own compiles (%d tried)", w.target, c.invalid)
	}
	return c, survivors, nil
}

// limit tests the unchanged packages once a run.
func (h *hunt) limit(ctx context.Context, tests []string) (time.Duration, error) {
	key := strings.Join(tests, " ")
	if limit, ok := h.limits[key]; ok {
		return limit, nil
	}
	limit, err := h.runner.baseline(ctx, tests)
	if err == nil {
		h.limits[key] = limit
	}
	return limit, err
}

// run returns one verdict a mutant, in their order. The first error stops it.
func (h *hunt) run(ctx context.Context, w work, limit time.Duration) ([]verdict, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	verdicts := make([]verdict, len(w.mutants))
	indices := make(chan int)
	var workers sync.WaitGroup
	for range h.jobs {
		workers.Go(func() {
			for i := range indices {
				v, err := h.runner.try(ctx, w.mutants[i], h.next+i, w.target.tests, limit)
				if err != nil {
					cancel(err)
				}
				verdicts[i] = v
			}
		})
	}
	for i := range w.mutants {
		indices <- i
	}
	close(indices)
	workers.Wait()
	h.next += len(w.mutants)
	return verdicts, context.Cause(ctx)
}
