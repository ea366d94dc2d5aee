// Package endorsements keeps endorsements, such as revocation lists, in a folder.
// It implements ports.EndorsementCache.
//
// An endorsement is one file, named after the hash of its ID. Beside them stands an
// index, in two copies, of what must not be forgotten: the highest number and issue
// time of each endorsement, and the newest signed time of all. Every file carries a
// checksum and is replaced as a whole (written beside, synced, renamed, the folder
// synced), the endorsement before the index. So after a crash each file is an old
// or a new one, and the index is at most one step behind, which opening mends.
//
// A damaged endorsement counts as not cached; its number stays, so that an older
// one cannot take its place. One damaged copy of the index is mended from the other.
// With both damaged, or gone while endorsements are there, the folder is not opened
// (ErrDamaged): to forget silently would be to accept what was refused before.
// Whoever deletes the whole folder makes the cache forget everything; that is why a
// program raises the floor at its start by the signed times it knows from elsewhere
// (its image, its cluster's statement, its seal).
//
// One process at a time uses a folder.
package endorsements
