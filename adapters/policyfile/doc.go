// Package policyfile reads policies and claims as people write them: YAML or
// JSON, with comments, in any order, and with mistakes.
//
// A file is first read into a small tree that keeps the line and column of
// everything. What makes YAML surprising or dangerous is refused there: aliases,
// tags, merge keys, several documents, depth. A strict decoder then fills a Go
// value from the tree: unknown, repeated and missing fields and values of
// another type are problems, and text is the text that was written, so that a
// digest which looks like a number stays a digest. The decoder goes on after a
// problem. If it found none, package policy judges the whole, and its problems
// are given the places of the fields that they are about.
//
// Schema describes policies to editors. It refuses what the decoder refuses.
package policyfile
