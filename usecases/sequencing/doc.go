// Package sequencing puts what happens in order, and keeps it.
//
// A Sequencer appends entries to the ledger together with the writes that they
// tell of: one transaction of the store has all of it or nothing. Callers that
// arrive while a transaction is under way share the next one, which one of them
// commits for all; there is no goroutine behind it. Sequencers on several nodes
// compete for the ledger's head. What became of a transaction that was not
// answered is found out before anybody is told anything, as long as anybody waits.
//
// A Mirror copies the ledger to the tiles of a control-plane node and says how far
// it has come, so that Trim can take out of the store what all nodes have on their
// disks; it begins anew where the copy is damaged. A Publisher has checkpoints signed, a Signer signs them and refuses what
// does not continue what was signed before, and an Exporter gives out the whole
// for auditors.
package sequencing
