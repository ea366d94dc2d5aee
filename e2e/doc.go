// Package e2e holds tests of real parts together. It uses everything through
// public entry points only, and nothing imports it.
//
// What runs today: in attestedtls, attested sessions between machines that are
// software TPMs, with attackers between and at their ends; in load, joins that go
// on while hostile clients do what they can to stop them, as a test and as a
// program; in model, Spin over the model of the handshake in docs/model.
//
// There is no service to start yet: clusters of processes come first, then those
// of virtual machines with a TPM, then Kubernetes. The command line is tested
// through its own entry point in apps/asterism.
package e2e
