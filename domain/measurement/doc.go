// Package measurement says what a machine measured while it booted, and
// compares it with what it should have measured.
//
// A Digest is the unit. Registers accumulate digests: a TPM's platform
// configuration registers (PCRs, SHA-256 bank) and a TDX guest's run-time
// measurement registers (RTMRs, SHA-384). Extend is the one operation on them;
// Replay folds a whole event log through it, so that a log can be held against
// quoted values. References state what each register should hold in a known
// release, and Compare finds every register that differs, together with the
// first event at which the boot left the expected path.
//
// Terms and register numbers follow the TCG PC Client Platform Firmware Profile
// and Intel's TDX module specification.
package measurement
