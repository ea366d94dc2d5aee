// Package softtest is a world of machines in software for the tests of attested
// TLS: an owner and a cluster statement, an engine CA, machines with keys and
// registers, and the verifier of their evidence.
//
// A machine signs its registers with an ECDSA key, and its challenges are sealed
// to an ECDH key: it has no hardware, and vouches for nothing but that the
// protocol carries evidence to where it belongs. Everything that a machine does
// can be replaced, so that a test can have one that lies.
package softtest
