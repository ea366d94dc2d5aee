// Package governing keeps what the owner has said where all control-plane nodes
// see it, and believes the store nothing.
//
// A Governor loads the chain of signed directives: it reads those that it has not
// seen, applies each, and refuses the whole where one does not follow from the
// one before, where the chain ends elsewhere than its head says, and where the
// head is below, or beside, what this process has seen. Then there is no
// authority at all: what was good before may lack the denial that the store
// holds back.
//
// What the owner or an administrator has signed, Submit checks and commits in one
// transaction: the directive, what it carries, the head, the ledger entry that
// tells of it, and for a denial the record of the machine and its lease. Who
// decides anything on an authority makes the revision of its head a condition of
// what follows, so that nothing is decided on what was just taken back.
package governing
