package verifier

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/eventlog"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Bounds of what is kept of checked certificates of each kind: those of the
// machines that a cluster sees again and again.
const (
	keptCertificates = 4096
	keptBytes        = 1 << 20
)

// Config is what a verifier needs. Platform, Trust and Now must be set.
type Config struct {
	// Platform is what evidence and identities must say of themselves.
	Platform evidence.Platform
	Trust    *ports.Trust
	Now      func() time.Time
	// Cache knows what is revoked, and the newest signed time. Where it is nil,
	// nothing revoked is known and the clock is believed.
	Cache ports.EndorsementCache
	// Random is where secrets come from, crypto/rand's Reader where it is nil.
	Random io.Reader
}

// Verifier checks evidence of one platform with a TPM under one trust. It
// implements ports.Verifier.
type Verifier struct {
	platform evidence.Platform
	trust    *trust
	now      func() time.Time
	random   io.Reader

	revocation     *revocation
	ekCertificates *lru[*ekCertificate]
	akCertificates *lru[*akCertificate]
}

// New returns a verifier. The error wraps evidence.ErrPlatform where the platform
// has no TPM whose endorsement key vouches for it, and ErrTrust.
func New(c Config) (*Verifier, error) {
	traits, err := c.Platform.Traits()
	if err != nil {
		return nil, fmt.Errorf("making a verifier: %w", err)
	}
	if traits.AKTrust != evidence.AKActivated {
		return nil, fmt.Errorf("making a verifier: %w: %s trusts its attestation keys in another way", evidence.ErrPlatform, c.Platform)
	}
	if c.Now == nil || c.Trust == nil {
		return nil, errors.New("making a verifier: neither the clock nor the trust may be missing")
	}
	parsed, err := newTrust(c.Trust)
	if err != nil {
		return nil, fmt.Errorf("making a verifier: %w", err)
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return &Verifier{
		platform: c.Platform, trust: parsed, now: c.Now, random: c.Random,
		revocation:     newRevocation(c.Cache),
		ekCertificates: newLRU[*ekCertificate](keptCertificates, keptBytes),
		akCertificates: newLRU[*akCertificate](keptCertificates, keptBytes),
	}, nil
}

// Verify checks evidence. See ports.Verifier.
func (v *Verifier) Verify(ctx context.Context, s *ports.Submission) (*ports.Verified, error) {
	now, err := v.time(ctx)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("verifying evidence: %w", err)
	}
	var f findings
	size := v.checkEnvelope(s.Evidence, &f)
	if size == 0 {
		return nil, f.err()
	}
	b := parseBody(s.Evidence.Body, &f)
	if b == nil {
		return nil, f.err()
	}
	claims := policy.Claims{Platform: v.platform, EvidenceSize: size}
	ak := newAttestationKey(b.akPublic, &f)
	a := checkQuotes(b, ak, &claims, &f)
	readLogs(b, &claims, &f)
	p, err := v.prove(ctx, s, ak, now, &f)
	if err != nil {
		return nil, err
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	claims.TPM = &policy.TPMClaims{
		EK: p.ek, EKCertified: p.certificate != nil, AKProof: p.akProof, ResetCount: a.resetCount, RestartCount: a.restartCount,
	}
	claims.Endorsements = p.endorsements
	return &ports.Verified{
		Claims: claims, EKCertificate: p.certificate, AttestationKey: evidence.HashAttestationKey(b.akPublic),
	}, nil
}

// checkEnvelope returns how large the evidence is, 0 where it is none of this
// platform.
func (v *Verifier) checkEnvelope(e *evidence.Evidence, f *findings) int {
	if e == nil {
		f.malformed("evidence", "evidence", "nothing")
		return 0
	}
	encoded, err := e.Encode()
	if err != nil {
		f.malformed("evidence", "evidence that can be encoded", err.Error())
		return 0
	}
	if e.Platform != v.platform {
		f.malformed("evidence: platform", string(v.platform), string(e.Platform))
		return 0
	}
	for i := range e.Endorsements {
		if k := e.Endorsements[i].Kind; k != evidence.EKCertificate && k != evidence.AKCertificate {
			f.malformed("endorsement", "certificates of the TPM's keys", string(k))
		}
	}
	return len(encoded)
}

// checkQuotes checks the only quote, or the one of the SHA-256 bank among several.
func checkQuotes(b *body, ak *attestationKey, claims *policy.Claims, f *findings) *attest {
	if len(b.quotes) != 1 {
		f.add(wrongSelection("one quote", fmt.Sprintf("%d quotes", len(b.quotes))))
	}
	a := &attest{}
	for i := range b.quotes {
		if len(b.quotes) == 1 || b.quotes[i].bank == tpm2.TPMAlgSHA256 {
			checkQuote(&b.quotes[i], ak, a, claims, f)
			break
		}
	}
	return a
}

func checkQuote(q *quoted, ak *attestationKey, a *attest, claims *policy.Claims, f *findings) {
	checkSignature(ak, q.quote, q.signature, f)
	if q.bank != tpm2.TPMAlgSHA256 {
		f.add(wrongSelection("values of the SHA-256 bank", fmt.Sprintf("bank %#04x", uint16(q.bank))))
	}
	*a = parseAttest(q.quote)
	if !a.isQuote(f) {
		return
	}
	a.check(f)
	claims.ReportData = a.extraData
	if q.sha256Values(f) {
		a.checkDigest(&q.values, f)
		setRegisters(&claims.Registers, &q.values, f)
	}
}

func setRegisters(registers *measurement.Registers, values *[measurement.PCRCount][]byte, f *findings) {
	for i, value := range values {
		r, err := measurement.NewRegister(measurement.PCR, i)
		if err == nil {
			err = registers.Set(r, measurement.DigestSHA256([32]byte(value)))
		}
		if err != nil {
			f.malformed("PCR values", "SHA-256 digests", err.Error())
		}
	}
}

// readLogs reads the firmware's log and the run-time one. Whether they lead to
// the quoted values is policy's to say.
func readLogs(b *body, claims *policy.Claims, f *findings) {
	log, err := eventlog.Parse(b.eventLog, b.cel, &claims.Registers)
	if err != nil {
		f.add(unreadableLog(err))
		return
	}
	claims.Events, claims.Locality, claims.SecureBoot = log.Events, log.Locality, log.SecureBoot
}

func unreadableLog(err error) *problem {
	p := malformed("event log", "a log of SHA-256 digests in the crypto-agile format", err.Error())
	if errors.Is(err, eventlog.ErrTooLarge) {
		p.code, p.remedy = policy.CodeEvidenceTooLarge, "Find out what on the machine measures this much; the bound is fixed."
	}
	return p
}
