// Package etcd keeps the engine's store in etcd: ports.Store and ports.Watcher
// over its client. Package member beside it runs a member of the cluster inside
// the program; this package does not import it, so that a program that only asks
// does not link a server.
//
// An item is one key of etcd, under a prefix that the engine has for itself, and
// its revision is the one in which etcd last changed the key. A transaction is one
// of etcd's, which compares those revisions. A TTL is a lease of its own.
//
// What counts is to be honest about failures. A read is repeated until there is an
// answer or no time. A transaction is sent once, never twice, and if no answer
// comes it depends on whether anything has left the process: if not, the error is
// ports.ErrStoreUnavailable, else ports.ErrOutcomeUnknown. That etcd has no room it
// also says of what it has just written; ports.ErrStoreFull is only what a look at
// the store has then shown not to be there.
package etcd
