// Package world makes small clusters of real parts for end-to-end tests: an owner
// with keys, clusters with a CA and a signed statement, and machines that are
// software TPMs with everything a real one has in them.
//
// Nothing in it is a stand-in. Each Machine is a swtpm process of its own, whose
// endorsement key a Maker certified, that has booted a Release by extending its
// registers, and of which the attester makes quotes. A Cluster is what its owner
// signed. The configurations of attested sessions that a Cluster hands out are
// those that the services will use; tests change them where they play an
// attacker.
//
// What a test may turn without touching the machine's own is the Clock.
package world
