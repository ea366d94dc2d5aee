// Package device talks to a TPM 2.0: to the kernel's resource manager, or to a
// software TPM behind a unix or a TCP socket.
//
// Open returns a Device, which go-tpm's commands take as their transport. A
// Device runs one command at a time, each within a time limit of its own, and
// believes nothing of a response before its frame has been checked. What the TPM
// only puts off (TPM_RC_RETRY and its like) is asked again with growing pauses.
//
// A TPM command cannot be taken back: once sent, it runs to its end or its
// limit, whatever becomes of the caller. After a failure of the connection the
// Device is gone for good, and says so; whoever used it opens another one and
// makes its keys again. Explain turns the codes that a person can do something
// about into words.
package device
