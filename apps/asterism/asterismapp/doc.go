// Package asterismapp is the command-line tool asterism as a library.
//
// Run takes arguments and a System, which is all that the program sees of its
// surroundings, and returns an exit code that tells causes apart. Nothing is
// global: each run builds its own tree of commands.
//
// The commands read policies and claims through adapters/policyfile and ask
// domain/policy for the judgement; they add no judgement of their own. What they
// show comes partly from machines that nobody trusts yet, so every text passes
// through safe before it reaches a terminal.
//
// The manual pages and the published schema in docs/ are written by this package
// too: run go generate after a change.
package asterismapp

//go:generate go run github.com/asterism-k8s/asterism/apps/asterism gen-docs ../../../docs
