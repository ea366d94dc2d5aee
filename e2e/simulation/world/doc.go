// Package world is a small world in which clusters live, for the simulation:
// machines with TPMs and disks, a network, owners at their laptops, an
// infrastructure that is not to be trusted, and a judge.
//
// What runs on the machines is the engine's own code: domain/lifecycle decides
// what a node does, usecases/joining who gets a ticket and whose keys leave,
// usecases/governing what the owner has said, usecases/sequencing what is in the
// ledger, with real keys and real signatures, over an in-memory store. Attested
// sessions are tokens: each end gets the other's facts as its TPM has them, so
// that hostile ends lie about everything that they say themselves, and about
// nothing that hardware says.
//
// Everything goes wrong that a seed wants to go wrong, for a while. The judge
// looks on all the time, and asks at the end whether everybody who should be a
// member is one.
package world
