// Package owner says who a cluster belongs to and what that owner has signed.
//
// An owner is a Document: Ed25519 keys and how many of them must sign. The
// SHA-256 of the first document is the owner ID, for good. Keys are changed by
// the next document, which names the hash of the one before and is signed by
// that one's threshold; a Chain of such links leads from the owner ID to the
// keys of today, and whoever holds the ID can follow it.
//
// About a cluster the owner signs a Statement: who it is, which releases may run
// in it on which hardware, and who speaks for it. It travels as a SignedStatement
// with the chain that shows whose it is. OpenStatement leads from an Anchor, which
// is the owner ID and what was seen before, to a statement that holds; its Policy
// is what a joiner holds a JoinService against.
//
// Every signature is over a Payload, which starts with a label of its own: what
// was signed to change keys can never stand for the signature of a request.
// Signatures come as a set, one a key, and one that does not hold spoils the
// set: there is nothing to count twice or to overlook.
package owner
