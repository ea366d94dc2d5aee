// Package verifier checks the evidence of a TPM and turns it into claims.
//
// The body of the evidence is go-tpm-tools' attest.Attestation, read by a parser
// that takes nothing which our attester would not write. What has to hold: one
// quote over exactly the 24 PCRs of the SHA-256 bank, made by the TPM itself
// (TPMS_ATTEST's magic and type), signed by a restricted ECC P-256 key, with the
// register values that hash to its digest.
//
// Who signed is a second question. Either the machine answered a challenge in
// this session, which only a TPM that holds both keys can (TPM2_ActivateCredential),
// or an engine's CA that appraised it once has certified its attestation key. A
// third party's word is neither: the endorsement key is then hearsay, and the
// claims say so.
//
// Event logs are read by package eventlog and handed to policy, which replays
// them. All that does not hold is reported at once, in a *ports.EvidenceError.
package verifier
