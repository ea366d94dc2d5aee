// Package attester lets a machine with a TPM 2.0 prove itself: it serves
// ports.Attester and ports.StatementAttester from the device itself.
//
// Open connects, makes the endorsement and the attestation key from their fixed
// templates and reads the endorsement certificate; the same machine has the same
// identity at every boot. Quotes are over all registers of the SHA-256 bank, one
// at a time: sessions that come while one is made share the next, through the
// batch package. The registers' values travel beside the quote, and are those
// that the quote's digest covers, or there is no evidence.
//
// Everything that is signed is computed here, from the session or the statement.
// Only one operation uses the TPM at a time and each leaves it as it was: no
// object but the attestation key and no session stays. Where the connection
// breaks, the next use opens it anew and makes the keys again; they must be the
// same ones.
//
// Mark makes the machine a member of a cluster for as long as it runs.
package attester
