// Package evidence says what an attester hands over and what exactly it is
// fresh for.
//
// Evidence is the envelope: a platform, a body in that platform's format, and
// endorsements that spare the verifier a download. A Session names everything
// that one attested-TLS session is made of, and its Binding is the 64 bytes that
// only evidence made for this session, direction, role and purpose can carry. A
// VerificationBinding answers a public request for verification instead; it is
// another type, hashed under another label, and neither can stand for the other.
//
// A TPM makes a few quotes a second, so bindings that wait together share one:
// they become the leaves of a Merkle tree, a Batch, whose ReportData the
// hardware signs. Each peer gets its own Path, recomputes its leaf from its own
// session, and never takes a leaf from the other side.
package evidence
