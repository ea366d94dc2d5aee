// Archcheck enforces the shape of the house: dependencies point inward only,
// apps to adapters and usecases, those to ports, ports to domain, and domain stays pure. Bazel's visibility
// says the same a second time; this program says it for every Go build, names the
// rule that was broken, and says what to do instead.
//
// It asks go list for the packages of the module, adds the imports of files that
// build constraints leave out, and reads domain's source with go/parser and
// go/types. Imported packages are not loaded for that: what it must know of them
// is their path. Transitive rules follow the module's own import graph, which is
// whole, so a violation can show the path that leads to it.
//
// The layer order binds test files too: a test in domain may import testing
// libraries and reference implementations, never ports, adapters or apps. What
// stands side by side (technologies, attestation formats, programs) is told apart
// in non-test files only. Rules are listed by -h; each has a test that breaks it.
package main
