// Mutate asks whether the tests would notice if a security decision were wrong.
// It changes one comparison, condition, result or encoded field at a time, runs
// the package's tests against the change, and lists the changes that no test saw.
//
// targets.txt names what is mutated: a folder and a file, function or method. The
// tree is never touched; each mutant is a copy of one file, given to the compiler
// with -overlay. A mutant is killed when a test fails or does not end in time,
// survives when all pass, and is invalid when it does not compile.
//
// A mutant that means the same as the original is waived in targets.txt with a
// reason, by its source text and function rather than by a line number; a waiver
// that matches nothing is an error, so that none outlives its code.
package main
