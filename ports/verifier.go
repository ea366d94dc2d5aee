package ports

import (
	"context"
	"fmt"
	"strings"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Trust is what a verifier believes in without proof. Everything in it comes
// from configuration or from an owner's signature, never from the peer.
type Trust struct {
	// EndorsementRoots are the keys of CAs of TPMs and processors, by SHA-256 of
	// their SubjectPublicKeyInfo.
	EndorsementRoots []evidence.SPKIHash
	// EngineCAs are the keys of CAs that certify attestation keys of members.
	EngineCAs []evidence.SPKIHash
	// Certificates complete chains, in DER. They are trusted only if their key
	// is listed above, or if they chain to one that is.
	Certificates [][]byte
}

// Challenge is what only the machine with both the keys of an Identity can
// answer.
type Challenge struct {
	Blob   []byte      // for the peer, at most MaxChallengeSize bytes
	Secret keys.Secret // for the verifier alone: the key of the Proof
}

// Submission is what a verifier checks.
type Submission struct {
	Evidence *evidence.Evidence
	// Activated is the identity whose challenge the peer has answered in this
	// very session. It is nil where there was no challenge.
	Activated *Identity
}

// CertificateID names a certificate by who issued it and its serial number, which
// is unique for the issuer (RFC 5280, section 4.1.2.2).
type CertificateID struct {
	Issuer evidence.SPKIHash // of the issuer's key
	Serial string            // lower-case hexadecimal digits, without leading zeros
}

// Verified is what checked evidence says.
type Verified struct {
	Claims policy.Claims
	// EKCertificate names the certificate that vouches for the endorsement key,
	// nil where none does. Who certifies the attestation key passes it on, so that
	// a revocation of it still counts.
	EKCertificate *CertificateID
	// AttestationKey is what the report data must hash beside the batch's root.
	AttestationKey evidence.AttestationKey
}

// Verifier turns the evidence of one platform into claims. It judges nothing:
// policy does. It makes no outbound call. All methods may be called concurrently.
type Verifier interface {
	// Challenge returns what the peer must answer before its attestation key is
	// believed to live beside its endorsement key; nil where its AK certificate
	// already says so or the platform has no such keys. An identity that cannot
	// be challenged gives an *EvidenceError.
	Challenge(ctx context.Context, id *Identity) (*Challenge, error)
	// Verify checks every signature and every structure. Whatever does not hold
	// gives an *EvidenceError with all of it.
	//
	// Verify does not know what the evidence should be fresh for. The caller
	// derives that from its own session, and must hold Claims.ReportData against
	// it (policy.Session.Expecting).
	Verify(ctx context.Context, s *Submission) (*Verified, error)
}

// Verifiers finds the verifier of a platform.
type Verifiers interface {
	// Platforms returns the platforms that can be verified, sorted.
	Platforms() []evidence.Platform
	// Verifier returns the platform's verifier under that trust. The error wraps
	// evidence.ErrPlatform where the platform is not known here.
	Verifier(p evidence.Platform, t *Trust) (Verifier, error)
}

// EvidenceError says everything for which evidence, or an identity, is not what
// it has to be.
type EvidenceError struct {
	Findings []policy.Finding // at least one, all of them refusals
}

// Error lists the findings in one line.
func (e *EvidenceError) Error() string {
	list := make([]string, len(e.Findings))
	for i := range e.Findings {
		list[i] = fmt.Sprintf("%s (%s)", e.Findings[i].Code, e.Findings[i].Subject)
	}
	return "the evidence is refused: " + strings.Join(list, ", ")
}
