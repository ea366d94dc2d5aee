// Package frame reads and writes the messages of the handshake that follows TLS
// in an attested session.
//
// A frame is a header of five bytes (the kind of the message, and its length as
// uint32 big-endian) and the message in protobuf. Reading is in two steps, so
// that who reads can decide between them whether a large message may come in at
// all: ReadHeader refuses kinds that have no place here and lengths over the
// kind's bound before anything is allocated, and Header.Read takes the rest with
// memory that grows only as bytes arrive.
//
// A message has one encoding. Unmarshal refuses unknown fields, fields in another
// order or twice, and values that the message's own Validate would not let out,
// with an *Error that names the place. It decides nothing else: what a hello
// claims is believed by nobody until evidence bears it out.
package frame
