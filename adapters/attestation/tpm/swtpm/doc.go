// Package swtpm runs a software TPM, swtpm, and gives it what a factory gives a
// real one.
//
// Start runs a TPM in a folder of its own, which is its memory: another Start in
// that folder is the same TPM after a reboot, with its reset counter one higher.
// Manufacture gives a TPM an endorsement certificate from a CA, in NV memory,
// where the TCG's profiles want it. A TPM that is gone with its process keeps no
// secret from whoever can read the folder: it shows how attestation works, and
// proves nothing.
//
// Tests take theirs from the package swtpmtest.
package swtpm
