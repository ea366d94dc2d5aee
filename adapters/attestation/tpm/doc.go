// Package tpm is the room of everything that knows TPM 2.0, and holds nothing
// itself:
//
//	profile   which keys, registers and messages the engine uses
//	device    talking to a TPM: the kernel's, or one behind a socket
//	attester  the machine's side: identity, activation, quotes, the mark
//	verifier  the other side: evidence to claims, every signature checked
//	swtpm     a software TPM with a factory, and swtpmtest for tests
//
// Platforms that have a TPM stand above these and choose among them; none of
// these knows a platform.
package tpm
