// Package profile says which keys, registers and messages the engine uses of a
// TPM 2.0. Attester and verifier share it, so that what the one makes is exactly
// what the other takes.
//
// The endorsement key is RSA 2048 from the TCG's default template L-1, which has
// a certificate on nearly every machine. The attestation key is ECC P-256, a
// primary of the endorsement hierarchy from one fixed template: the same TPM
// makes the same key at every boot, and nothing has to be stored. Quotes are over
// all 24 registers of the SHA-256 bank, no fewer. Credentials are carried as the
// two structures that TPM2_MakeCredential returns.
package profile
