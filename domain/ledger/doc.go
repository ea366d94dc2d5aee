// Package ledger is the record of what a cluster decided: an append-only Merkle
// tree (domain/merkle) over entries, in the files of C2SP tlog-tiles.
//
// An Entry is one decision, in canonical JSON. A sequencer puts entries in order
// with Append, which turns one Head into the next and makes the Batch that is
// stored in between. Grow turns batches into files: tiles of 256 hashes, and
// bundles of 256 entries. A Tree reads those files, and proves what they hold.
//
// A Checkpoint is the ledger at one size, signed by the cluster's ledger key and
// by as many witnesses as a reader asks for. Who keeps the last one that it saw
// can Compare it with the next: a ledger that was forked or rolled back for one
// reader does not pass.
//
// Verify walks through a whole ledger, offline, and names the first file that is
// not what the checkpoint stands for, and the first entry that does not follow
// from those before it.
package ledger
