// Package store holds tests of the engine's store and of the ledger in it as they
// run in a cluster: three members, each a process of its own that is killed at
// random points, with clients that decide and record all the while.
//
// What the tests demand is what the rest of the engine rests on. Nothing that was
// acknowledged is lost, and nothing happens twice: the ledger holds the entry of
// each acknowledged decision at the index that its receipt names. And the history
// that the clients saw is linearizable: there is one order of all decisions, in
// which each took effect between its call and its answer.
package store
