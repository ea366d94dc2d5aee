package porttest

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// sessionKind is a purpose with a role that attests in it.
type sessionKind struct {
	purpose evidence.Purpose
	role    evidence.Role
}

// allSessions lists every purpose with every role that attests in it.
func allSessions() []sessionKind {
	return []sessionKind{
		{evidence.Init, evidence.Joiner},
		{evidence.Recover, evidence.Locked},
		{evidence.Join, evidence.JoinService},
		{evidence.Join, evidence.Joiner},
		{evidence.Rejoin, evidence.JoinService},
		{evidence.Rejoin, evidence.Locked},
		{evidence.Attest, evidence.Member},
		{evidence.Attest, evidence.JoinService},
		{evidence.Admin, evidence.Member},
		{evidence.Unseal, evidence.KMS},
		{evidence.Unseal, evidence.Locked},
	}
}

// session returns one that differs from those of other numbers in all its parts.
func (k sessionKind) session(n int) *evidence.Session {
	s := &evidence.Session{Purpose: k.purpose, AttesterRole: k.role}
	seed := fmt.Sprintf("%s %s %d", k.purpose, k.role, n)
	for i, part := range [][]byte{s.Exporter[:], s.AttesterSPKI[:], s.VerifierSPKI[:]} {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", seed, i))
		copy(part, sum[:])
	}
	s.AttesterHello = fmt.Appendf(nil, "attester %s", seed)
	s.VerifierHello = fmt.Appendf(nil, "verifier %s", seed)
	return s
}

func leafOf(t *testing.T, s *evidence.Session) evidence.Leaf {
	t.Helper()
	binding, err := s.Binding()
	if err != nil {
		t.Fatalf("Binding: %v", err)
	}
	return binding.Leaf()
}

func prove(t *testing.T, secret []byte, s *evidence.Session) ports.Proof {
	t.Helper()
	binding, err := s.Binding()
	if err != nil {
		t.Fatalf("Binding: %v", err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(binding.Bytes())
	return ports.Proof(mac.Sum(nil))
}

// freshness knows what evidence is fresh for.
type freshness struct {
	verifier ports.Verifier
	reported func(evidence.ReportData) []byte // what claims hold for report data
}

// reportData verifies the attestation, after a trip over the wire, and returns
// what its claims say it is fresh for and what it should be for the leaf.
func (f *freshness) reportData(t *testing.T, a *ports.Attestation, leaf evidence.Leaf) (seen, want []byte) {
	t.Helper()
	encoded, err := a.Evidence.Encode()
	if err != nil {
		t.Fatalf("encoding the evidence: %v", err)
	}
	received, err := evidence.Decode(encoded)
	if err != nil {
		t.Fatalf("decoding the evidence: %v", err)
	}
	path, err := evidence.DecodePath(a.Path.Encode())
	if err != nil {
		t.Fatalf("decoding the path: %v", err)
	}
	verified, err := f.verifier.Verify(t.Context(), &ports.Submission{Evidence: received})
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	data, err := path.ReportData(leaf, verified.AttestationKey)
	if err != nil {
		t.Fatalf("following the path: %v", err)
	}
	return verified.Claims.ReportData, f.reported(data)
}
