// Package swtpmtest gives each test a software TPM of its own, with a CA of its
// own that certified it, in temporary state. It is always ended with the test.
package swtpmtest
