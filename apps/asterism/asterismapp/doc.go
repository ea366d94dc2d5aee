// Package asterismapp is the command-line tool asterism as a library.
//
// Run takes arguments and a System, which is all that the program sees of its
// surroundings, and returns an exit code that tells causes apart. Nothing is
// global: each run builds its own tree of commands.
//
// The commands add no judgement of their own. Policies and claims are read by
// adapters/policyfile, evidence is made and verified by the platforms below
// adapters/attestation, and domain/policy decides. A record of evidence is held
// against the nonce and the statement in it, so that it stands for itself; drafts
// of policies must admit what they were made of, or are not printed.
//
// What is shown comes partly from machines that nobody trusts yet, so every text
// passes through safe before it reaches a terminal.
//
// The manual pages and the published schema in docs/ are written by this package
// too: run go generate after a change.
package asterismapp

//go:generate go run github.com/asterism-k8s/asterism/apps/asterism gen-docs ../../../docs
