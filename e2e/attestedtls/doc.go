// Package attestedtls tests attested sessions end to end: real software TPMs,
// their attesters, the verifiers, the handshake and gRPC on top of it.
//
// The honest ends are those of package world. Attackers are of two kinds. A
// splice is a man in the middle with a TLS session to each side, that passes
// frames on, or others in their place. An actor is one end that speaks the frames
// itself and may use an honest machine's attester, so that it is admitted, until
// it deviates in one frame: what is refused then is refused for that alone. Both
// follow the table of frames, so that a row that is added is attacked as well.
package attestedtls
