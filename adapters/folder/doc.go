// Package folder keeps what a node keeps beside the engine's store, on a file
// system: a ledger's tiles (ports.Tiles) and evidence (ports.Blobs).
//
// Whatever is written is first written to a file of its own below ".new", synced,
// renamed to its name, and the folder that holds the name is synced; so are the
// folders above it when they are made. A crash between any two of these leaves
// each file as it was or as it was to be, and a rest below ".new" that the next
// opening removes. Nothing is acknowledged before it would survive a loss of
// power.
//
// A folder belongs to one process at a time, which holds a lock on it. Paths are
// those of domain/ledger's parser, and an os.Root keeps whatever symbolic links
// somebody has put there from leading out.
package folder
