// Package usecases is a folder: what the engine does, as plain structs over
// ports. A use case reads what it needs, lets domain decide, and commits what
// follows from the decision, together with the ledger entry that tells of it. It
// knows no transport and no technology; programs in apps wire it, and the
// simulation in e2e runs it under a virtual clock.
//
//	sequencing  puts entries in order, and keeps their tiles
//	governing   what the owner has said: policies, approvals, denials
//	joining     who gets a ticket, who keeps it, and whose keys leave
package usecases
