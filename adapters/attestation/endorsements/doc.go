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
// An endorsement that was here and is gone or damaged is lost (ports.ErrLost), which
// is not absence: verifiers refuse what it could speak against until it is fetched
// again. Its number stays, so that an older one cannot take its place. One damaged
// copy of the index is mended from the other. With both damaged, or gone while
// endorsements are there, the folder is not opened (ErrDamaged): to forget silently
// would be to accept what was refused before. Whoever deletes the whole folder makes
// the cache forget everything; that is why a program says at its start which time it
// knows from elsewhere (WithKnownTime: its image's, its seal's).
//
// A signed time that is more than MaxAhead after both the clock and the floor is
// refused (ErrFuture): the floor never sinks, and one authority's wrong date would
// make all others' endorsements expire. So a machine whose clock is behind keeps
// nothing that was issued a day after what it knows, until its clock is right; what
// it kept before stays in force.
//
// One Cache at a time uses a folder, which it locks (flock(2)). Readers of what is
// in memory wait for no disk.
package endorsements
