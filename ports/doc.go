// Package ports holds what the use cases need of the world and several adapters
// serve: one interface and its contract a file.
//
// A port names no technology. Its doc comment is its contract: what each method
// promises, which errors it returns and what it never does. The contract is also
// code: ports/porttest holds a suite for each port, and every adapter of the
// port passes it, against the real thing where one can run.
//
// A need that one adapter serves is not a port: its interface stays with the
// consumer. Time is passed as a function, now func() time.Time.
package ports
