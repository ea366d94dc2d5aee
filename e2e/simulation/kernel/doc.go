// Package kernel is a discrete-event scheduler: a virtual clock, a heap of what is
// to happen when, and processes that take turns. Everything that happens follows
// from the seed.
//
// A process is a coroutine (iter.Pull): it runs until it sleeps or waits, then
// the next event runs. Exactly one runs at any time, and which one is decided by
// the heap, so that real code may be called from a process and other processes
// go on in between wherever that code reaches a port.
//
// A Life is what dies together: the processes and timers of one boot of one
// machine. End unwinds its processes where they stand, by a panic that no code
// but this package recovers from, as power loss would end them.
//
// A Trace is the SHA-256 over all that happened, and if wanted its text.
package kernel
