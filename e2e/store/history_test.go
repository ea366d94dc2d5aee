package store

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// act is what a client does to a name.
type act string

const (
	claim   act = "claim"   // it becomes mine, if it is nobody's
	release act = "release" // it becomes nobody's, if it is mine
	read    act = "read"
)

// input is one call.
type input struct {
	act    act
	name   string
	client string
}

// answer is how a call ended.
type answer string

const (
	done       answer = "done"
	conflicted answer = "conflict"
	unknown    answer = "unknown" // it was done, will be, or never will be
)

// output is one answer, with the holder that a read saw.
type output struct {
	answer answer
	holder string
}

// history records what clients call and what they are told.
type history struct {
	start time.Time
	mu    sync.Mutex
	calls []porcupine.Operation
}

func newHistory() *history { return &history{start: time.Now()} }

func (h *history) now() int64 { return int64(time.Since(h.start)) }

// record adds a call. One whose outcome is unknown may still take effect, so that
// it has not returned.
func (h *history) record(client int, in input, called int64, out output) {
	returned := h.now()
	if out.answer == unknown {
		returned = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, porcupine.Operation{ClientId: client, Input: in, Call: called, Output: out, Return: returned})
}

func (h *history) count(want answer) (n int) {
	for _, c := range h.calls {
		if c.Output.(output).answer == want {
			n++
		}
	}
	return n
}

// names is the model: a name has one holder, or none.
func names() porcupine.Model {
	return porcupine.Model{
		Partition: byName,
		Init:      func() any { return "" },
		Step: func(state, in, out any) (bool, any) {
			return step(state.(string), in.(input), out.(output))
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v: %v", in, out) },
	}
}

func byName(calls []porcupine.Operation) [][]porcupine.Operation {
	var order []string
	parts := map[string][]porcupine.Operation{}
	for _, c := range calls {
		name := c.Input.(input).name
		if parts[name] == nil {
			order = append(order, name)
		}
		parts[name] = append(parts[name], c)
	}
	all := make([][]porcupine.Operation, len(order))
	for i, name := range order {
		all[i] = parts[name]
	}
	return all
}

// step says whether a name with that holder gives this answer, and who holds it
// then. A claim or a release has its condition decided where it takes effect.
func step(holder string, in input, out output) (bool, string) {
	possible, after := true, holder
	switch in.act {
	case claim:
		if possible = holder == ""; possible {
			after = in.client
		}
	case release:
		if possible = holder == in.client; possible {
			after = ""
		}
	case read:
		return out.holder == holder, holder
	}
	switch out.answer {
	case done:
		return possible, after
	case conflicted:
		return !possible, holder
	default:
		return true, after
	}
}

// demandLinearizable fails unless one order explains the history.
func demandLinearizable(t *testing.T, h *history) {
	t.Helper()
	switch porcupine.CheckOperationsTimeout(names(), h.calls, time.Minute) {
	case porcupine.Ok:
	case porcupine.Illegal:
		t.Errorf("no order of %d calls explains what the clients saw", len(h.calls))
	default:
		t.Errorf("the checker found no answer for %d calls within a minute: use fewer", len(h.calls))
	}
}

// The checker has to see what it is there for.
func TestHistoriesThatNoOrderExplains(t *testing.T) {
	call := func(client int, act act, from, to int64, out output) porcupine.Operation {
		return porcupine.Operation{
			ClientId: client, Input: input{act, "n", fmt.Sprint(client)}, Call: from, Output: out, Return: to,
		}
	}
	tests := map[string]struct {
		calls []porcupine.Operation
		want  bool
	}{
		"one after the other": {[]porcupine.Operation{
			call(1, claim, 0, 1, output{done, ""}), call(2, claim, 2, 3, output{conflicted, ""}),
			call(2, read, 4, 5, output{done, "1"}), call(1, release, 6, 7, output{done, ""}), call(2, claim, 8, 9, output{done, ""}),
		}, true},
		"two winners": {[]porcupine.Operation{
			call(1, claim, 0, 5, output{done, ""}), call(2, claim, 1, 6, output{done, ""}),
		}, false},
		"an acknowledged claim is lost": {[]porcupine.Operation{
			call(1, claim, 0, 1, output{done, ""}), call(2, read, 2, 3, output{done, ""}),
		}, false},
		"a stale read": {[]porcupine.Operation{
			call(1, claim, 0, 1, output{done, ""}), call(1, release, 2, 3, output{done, ""}), call(2, read, 4, 5, output{done, "1"}),
		}, false},
		"a conflict with nobody": {[]porcupine.Operation{call(1, claim, 0, 1, output{conflicted, ""})}, false},
		"an unknown claim that happened": {[]porcupine.Operation{
			call(1, claim, 0, math.MaxInt64, output{unknown, ""}), call(2, read, 2, 3, output{done, ""}), call(2, read, 4, 5, output{done, "1"}),
		}, true},
		"an unknown claim that never happened": {[]porcupine.Operation{
			call(1, claim, 0, math.MaxInt64, output{unknown, ""}), call(2, read, 2, 3, output{done, ""}),
		}, true},
		"an unknown claim that comes and goes": {[]porcupine.Operation{
			call(1, claim, 0, math.MaxInt64, output{unknown, ""}), call(2, read, 2, 3, output{done, "1"}), call(2, read, 4, 5, output{done, ""}),
		}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := porcupine.CheckOperations(names(), tt.calls); got != tt.want {
				t.Errorf("linearizable = %v, want %v", got, tt.want)
			}
		})
	}
}
