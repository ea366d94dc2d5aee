// Package attestedgrpc puts gRPC on attested sessions.
//
// A server's credentials hold the handshake, and handlers read who called from
// PeerFromContext: verified claims, never evidence. A client dials first, with
// attestedtls.Dial and its typed refusal, and then makes one grpc.ClientConn of
// the one session with NewClientConn: gRPC would lose the refusal's type, and its
// reconnects would cost a quote each.
//
// A Redialer keeps a connection instead: it dials again when one is lost, with
// back-off and jitter, waits as long as a server says, tries slowly where it was
// refused, and shows its state.
package attestedgrpc
