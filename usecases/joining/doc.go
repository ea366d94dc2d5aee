// Package joining is the use case of the nodes of a cluster: who gets a ticket,
// who keeps it, and whose keys leave.
//
// A join commits three times, each time in one transaction with the ledger entry
// that tells of it. Tickets decides and commits the intent; nothing has been made
// for the node before. Releaser, the KMS's side, believes nobody: it looks the
// intent up itself, commits the release, and only then derives keys. Tickets
// commits the outcome and returns the ticket. Every commit has what it rests on
// as its conditions, so that a revocation in between makes it fail and be decided
// anew. A request that broke off anywhere goes on under its ID on any control-plane
// node, and a request that was answered gets the same ticket again for minutes.
//
// Founder writes what a new cluster begins with, Reattester what asking a member
// again has shown, Recoverer that a node came back from a power-off of all,
// Refusals what was refused, and Nodes lets go of the name of a node that does not
// come back. A disk is never let go of: its key depends on its UUID alone.
//
// No key is ever stored, and no token: a bootstrap token derives from the node's
// disk key and the request ID, so that making it twice makes one.
package joining
