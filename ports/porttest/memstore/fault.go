package memstore

import (
	"sync/atomic"

	"github.com/asterism-k8s/asterism/ports"
)

// Method is a method of ports.Store.
type Method string

// The methods.
const (
	Get    Method = "get"
	List   Method = "list"
	Commit Method = "commit"
)

// Moment is when a fault is asked.
type Moment string

// The moments.
const (
	Before Moment = "before" // nothing was done, and with an error nothing will be
	After  Moment = "after"  // it is done; an error takes the place of the answer
)

// Call is one call of a client.
type Call struct {
	Method      Method
	Number      uint64    // from 1, as this client counts
	Key         ports.Key // of Get; of List the collection and what it lists after
	Transaction *ports.Transaction
	Err         error // After: what the store answers
}

// Fault is asked at both moments of each call and says with which error it is to
// fail; nil lets it be. It has to return an error that the method may return. It
// may use the store itself, also to carry out later what it let fail, and may
// panic, as a process does that ends there.
type Fault func(at Moment, call *Call) error

// FailAt returns a fault that fails the numbered call, from 1, of the methods
// (none: of any method) at a moment.
func FailAt(at Moment, number uint64, err error, methods ...Method) Fault {
	var seen counter
	return func(when Moment, call *Call) error {
		if when != at || !applies(call.Method, methods) || seen.next() != number {
			return nil
		}
		return err
	}
}

// applies says whether a method is among those named, or none is named.
func applies(m Method, methods []Method) bool {
	for _, other := range methods {
		if m == other {
			return true
		}
	}
	return len(methods) == 0
}

// counter numbers calls from 1.
type counter struct{ n atomic.Uint64 }

func (c *counter) next() uint64 { return c.n.Add(1) }
