// Package member runs a member of the engine's store inside the program: etcd's
// server with a certificate authority, a quota and a folder of its own, beside
// whatever Kubernetes runs.
//
// A member is started with Start: as one of those that found a cluster, or into a
// cluster that has it as a learner already (AddLearner), from which it becomes a
// voter once it has caught up (Promote). It keeps its cluster in its folder and is
// started in the same way ever after. Recover starts what a lost majority has left
// behind, Restore what a Snapshot holds.
//
// Nobody speaks to a member without a certificate of the authority for that kind
// of peer. Only on loopback addresses, and only if asked to, does it do without.
package member
