// Package agent lends the attestation devices of a node to its services without
// handing them out. Only one process, the bootstrapper, opens the devices; it
// serves a unix socket for each purpose of attested TLS, and one for public
// verification. What is signed is computed on this side of the socket from the
// parts of a session, whose purpose must be the socket's: who holds one socket
// obtains nothing of another. The verification socket speaks a service that knows
// no sessions at all.
//
// Who may use a socket is a list of users, held against what the kernel says of
// the peer (SO_PEERCRED), beside the mode of the file. Nothing is served by
// default. The sockets stand in a folder that belongs to one server at a time,
// appear in it complete or not at all, and are gone when the server is.
//
// A socket takes as many requests at a time as one signature can serve, and refuses
// more at once: nobody waits where the attester does not see them. Answers to one
// batch share its evidence in memory.
//
// Client and StatementClient are the other end: a ports.Attester and a
// ports.StatementAttester whose errors wrap what the server's attester said.
package agent
