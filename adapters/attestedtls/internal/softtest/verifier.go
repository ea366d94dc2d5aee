package softtest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Verifiers verifies machines of this package, of the listed platforms.
type Verifiers []evidence.Platform

// Platforms implements ports.Verifiers.
func (v Verifiers) Platforms() []evidence.Platform { return v }

// Verifier implements ports.Verifiers.
func (v Verifiers) Verifier(p evidence.Platform, trust *ports.Trust) (ports.Verifier, error) {
	if !slices.Contains(v, p) {
		return nil, fmt.Errorf("%w: %q has no verifier here", evidence.ErrPlatform, p)
	}
	return verifier{trust}, nil
}

type verifier struct{ trust *ports.Trust }

// Challenge implements ports.Verifier.
func (v verifier) Challenge(_ context.Context, id *ports.Identity) (*ports.Challenge, error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	blob, err := seal(id.EKPublic, id.AKPublic, secret)
	if err != nil {
		return nil, finding(policy.CodeEKUnacceptable, "endorsement key", err)
	}
	return &ports.Challenge{Blob: blob, Secret: keys.NewSecret(secret)}, nil
}

// Verify implements ports.Verifier.
func (v verifier) Verify(_ context.Context, s *ports.Submission) (*ports.Verified, error) {
	var b body
	if err := json.Unmarshal(s.Evidence.Body, &b); err != nil {
		return nil, finding(policy.CodeEvidenceMalformed, "body", err)
	}
	if err := b.verify(); err != nil {
		return nil, finding(policy.CodeSignatureInvalid, "quote", err)
	}
	tpm, err := v.keys(s, &b)
	if err != nil {
		return nil, err
	}
	return &ports.Verified{
		Claims: policy.Claims{
			Platform: s.Evidence.Platform, ReportData: b.Qualifying, Registers: b.Registers,
			EvidenceSize: len(s.Evidence.Body), TPM: tpm,
		},
		AttestationKey: evidence.HashAttestationKey(b.AK),
	}, nil
}

func (b *body) verify() error {
	parsed, err := x509.ParsePKIXPublicKey(b.AK)
	if err != nil {
		return err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return fmt.Errorf("%T is no attestation key", parsed)
	}
	digest, err := b.digest()
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(key, digest, b.Signature) {
		return fmt.Errorf("the signature does not hold")
	}
	return nil
}

// keys says what makes the attestation key believed.
func (v verifier) keys(s *ports.Submission, b *body) (*policy.TPMClaims, error) {
	claims := &policy.TPMClaims{EK: measurement.Sum(measurement.SHA256, b.EK)}
	if id := s.Activated; id != nil {
		if !bytes.Equal(id.AKPublic, b.AK) {
			return nil, finding(policy.CodeAKMismatch, "attestation key", nil)
		}
		claims.AKProof = policy.AKActivated
		claims.EK = measurement.Sum(measurement.SHA256, id.EKPublic)
		ca, ok := certifiedBy(id.EKCertificate, id.EKPublic)
		claims.EKCertified = ok && slices.Contains(v.trust.EndorsementRoots, sha256.Sum256(ca))
	}
	for _, e := range s.Evidence.Endorsements {
		ca, ok := certifiedBy(e.Data, b.AK)
		if !ok || !slices.Contains(v.trust.EngineCAs, sha256.Sum256(ca)) {
			return nil, finding(policy.CodeCertificateInvalid, "AK certificate", nil)
		}
		claims.AKProof, claims.EKCertified = policy.AKCertified, true
	}
	return claims, nil
}

func finding(code policy.Code, subject string, err error) error {
	return &ports.EvidenceError{Findings: []policy.Finding{{
		Code: code, Severity: policy.Refuse, Subject: subject, Seen: fmt.Sprint(err), Remedy: "This is a test.",
	}}}
}
