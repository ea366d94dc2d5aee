// Package attestedtls wraps a net.Conn into a session in which machines have
// proven to each other what they booted.
//
// TLS 1.3 comes first, between certificates that nobody signed. Then follow the
// frames of the Table: hellos, the cluster statement, and evidence from the
// server, which the client admits before it says anything of itself; where the
// purpose has the client attest, its evidence goes the other way. Evidence is
// bound to the exporter of this very TLS session, to both keys, both hellos, the
// purpose and the role (evidence.Session): it is worth nothing anywhere else.
//
// Dial and Server.Handshake return a *Conn that carries the Peer, or an error. A
// *Refused holds all findings, of whichever end refused; a refusal always reaches
// the other end before the connection closes, and costs one handshake. Verifiers
// turn evidence into claims and policy judges them: this package decides nothing
// but what the evidence had to be fresh for, and who has to be marked.
//
// A Server is bounded in everything that strangers can ask of it: see Limits.
// gRPC over these connections is in attestedgrpc, the encoding in frame.
package attestedtls
