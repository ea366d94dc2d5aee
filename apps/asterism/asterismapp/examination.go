package asterismapp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// evidencePrefix is what every file of evidence begins with, whatever its
// version, and no file of claims.
const evidencePrefix = "asterism/evidence"

// isRecord says whether data is meant to be a record of evidence.
func isRecord(data []byte) bool { return bytes.HasPrefix(data, []byte(evidencePrefix)) }

// examination is what a verifier made of a record of evidence.
type examination struct {
	record *evidence.Record
	hash   string // SHA-256 of the record
	// verified is nil where the evidence does not hold; refusals say why.
	verified *ports.Verified
	refusals []policy.Finding
}

// parseRecord reads a record of evidence. The error is an *inputError.
func parseRecord(name string, data []byte) (*evidence.Record, error) {
	record, err := evidence.DecodeRecord(data)
	if err != nil {
		return nil, &inputError{fmt.Errorf("%s: %w", displayName(name), err), "Check that the file was copied whole; 'asterism attest' writes such files."}
	}
	return record, nil
}

// examineRecord verifies a record as of a time, under the trust of the flags. The
// error is an *inputError where a file of it cannot be used.
func (s *System) examineRecord(ctx context.Context, name string, data []byte, e *endorsements, at time.Time) (*examination, error) {
	record, err := parseRecord(name, data)
	if err != nil {
		return nil, err
	}
	trust, err := s.readTrust(e.roots)
	if err != nil {
		return nil, err
	}
	x, err := examine(ctx, data, record, trust, at)
	if err != nil {
		return nil, err
	}
	if err := x.nameEK(e.ek); err != nil {
		return nil, err
	}
	return x, nil
}

// examine verifies a record at a time. The error is an *inputError where this
// program has no verifier for the evidence.
func examine(ctx context.Context, data []byte, record *evidence.Record, trust *ports.Trust, at time.Time) (*examination, error) {
	sum := sha256.Sum256(data)
	x := &examination{record: record, hash: hex.EncodeToString(sum[:])}
	platforms := newPlatforms(func() time.Time { return at })
	verifier, err := platforms.Verifier(record.Evidence.Platform, trust)
	if errors.Is(err, evidence.ErrPlatform) {
		err = fmt.Errorf("this program cannot verify evidence of %s", record.Evidence.Platform)
		return nil, &inputError{err, "It knows " + joinPlatforms(platforms.Platforms()) + "."}
	}
	if err != nil {
		return nil, fmt.Errorf("verifying evidence: %w", err)
	}
	x.verified, err = verifier.Verify(ctx, &ports.Submission{Evidence: record.Evidence})
	if refused, ok := errors.AsType[*ports.EvidenceError](err); ok {
		x.refusals = refused.Findings
		return x, nil
	}
	if err != nil {
		return nil, fmt.Errorf("verifying evidence: %w", err)
	}
	return x, nil
}

// nameEK fills in the endorsement key where the evidence does not name it. What it
// does name is not replaced. The error is an *inputError.
func (x *examination) nameEK(ek measurement.Digest) error {
	if ek.IsZero() || x.verified == nil || x.verified.Claims.TPM == nil {
		return nil
	}
	claimed := &x.verified.Claims.TPM.EK
	if !claimed.IsZero() && *claimed != ek {
		return &inputError{fmt.Errorf("the evidence names the EK %s, not the one of --ek", claimed), "Leave --ek out, or check which machine the evidence is from."}
	}
	*claimed = ek
	return nil
}

func joinPlatforms(list []evidence.Platform) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}

// session expects the evidence to be for the record's own nonce and statement.
// Nobody was challenged for it.
func (x *examination) session() (policy.Session, error) {
	data, err := x.record.ReportData(x.verified.AttestationKey)
	if err != nil {
		return policy.Session{}, fmt.Errorf("computing what the evidence was made for: %w", err)
	}
	return policy.Session{}.Offline().Expecting(data), nil
}

// appraise holds what was verified against a policy. What was not verified is
// held against nothing: its verdict is the verifier's refusals.
func (x *examination) appraise(p *policy.Policy, at time.Time) (policy.Verdict, error) {
	if x.verified == nil {
		return policy.Verdict{Findings: x.refusals}, nil
	}
	session, err := x.session()
	if err != nil {
		return policy.Verdict{}, err
	}
	verdict := session.Appraise(&x.verified.Claims, p, at)
	for i := range verdict.Findings {
		aboutFile(&verdict.Findings[i])
	}
	return verdict, nil
}

// aboutFile gives a finding that is about sessions the remedy for a file.
func aboutFile(f *policy.Finding) {
	if f.Code == policy.CodeBindingMismatch {
		f.Remedy = "The nonce, the statement or the path in the file is not the one that was signed: the file was altered, or put together from several."
	}
}

// checkNonce refuses evidence that answers another request than the one with the
// nonce.
func (x *examination) checkNonce(wanted nonce, v *policy.Verdict) {
	if bytes.Equal(wanted, x.record.Nonce) {
		return
	}
	seen := nonce(x.record.Nonce)
	v.Admitted = false
	v.Findings = append([]policy.Finding{{
		Code: policy.CodeBindingMismatch, Severity: policy.Refuse, Subject: "nonce",
		Expected: []string{wanted.String()}, Seen: seen.String(),
		Remedy: "The evidence answers another request, so it may be old; have it made again for your nonce: asterism attest --nonce " + wanted.String() + ".",
	}}, v.Findings...)
}
