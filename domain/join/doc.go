// Package join decides what may join a cluster, and what a node is there.
//
// A machine that asks has shown evidence, and policy.Appraise has judged it.
// Everything else that it says is a wish: a Request names a disk, a name, a role.
// Decide holds that against the Standing (what the owner has said: a Policy,
// approvals, denials, a freeze) and against Records (what the cluster remembers
// of its nodes), and returns a Decision with all findings at once and the record
// that is to be written. Reattest and Unreachable do the same for members.
//
// An Identity names a machine for good. It has one Record, with one name, one
// role and one disk, and a Boot, so that copies of a machine, old disks and
// repeated requests show. A Ticket is what an admitted node gets; the node itself
// checks it before it uses any of it.
//
// All of it is pure: time, records and verdicts are arguments, and what follows
// is a value that somebody else writes, under the condition that nothing has
// changed meanwhile.
package join
