// Package memstore is the engine's store in memory: ports.Store and ports.Watcher
// as their contracts say, under a clock that the caller brings. It is for tests
// of use cases and for the simulation.
//
// There is no goroutine in it and no timer. An item whose TTL has ended goes away
// when the store is next used, or when Expire is called after the clock moved.
// Listings, dumps and revisions depend on nothing but the calls, so that the same
// calls give the same bytes.
//
// Several clients share one store: Client returns another one with faults of its
// own. A Fault is asked before and after each call and may let it fail with the
// change made, not made, or made later, which is how the ambiguity of
// ports.ErrOutcomeUnknown comes into tests.
package memstore
