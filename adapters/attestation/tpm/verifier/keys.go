package verifier

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// endorsed is an endorsement key and who vouches for it.
type endorsed struct {
	key          *rsa.PublicKey
	hash         measurement.Digest
	certificate  *ports.CertificateID // nil where nobody who is trusted vouches
	endorsements []policy.EndorsementClaims
}

// endorsementOf checks a certificate of an endorsement key. The result is nil
// where it does not hold, which is a finding.
func (v *Verifier) endorsementOf(ctx context.Context, der []byte, now time.Time, f *findings) (*endorsed, error) {
	c, p := v.ekCertificate(der, now)
	if p != nil {
		f.add(p)
		return nil, nil //nolint:nilnil // the finding says why there is none
	}
	e := &endorsed{key: c.key, hash: c.hash, endorsements: timesOf(c.chain)}
	if len(c.chain) > 0 {
		e.certificate = idOf(c.chain)
	}
	lists, p, err := v.revocation.check(ctx, c.chain)
	if err != nil {
		return nil, err
	}
	e.endorsements = append(e.endorsements, lists...)
	f.addIf(p)
	return e, nil
}

// ekCertificate is trust.checkEKCertificate. Results are kept of chains that held
// and to which nothing can be added that leaves them what they are: a peer cannot
// fill the memory with one certificate.
func (v *Verifier) ekCertificate(der []byte, now time.Time) (*ekCertificate, *problem) {
	key := sha256.Sum256(der)
	if kept, found := v.ekCertificates.get(key); found && kept.valid.holds(now) {
		return kept, nil
	}
	c, p := v.trust.checkEKCertificate(der, now)
	if p == nil && c.kept {
		v.ekCertificates.put(key, c, c.size())
	}
	return c, p
}

// certifiedBy checks a certificate of the attestation key, and whether the
// certificate of the endorsement key that it relies on was revoked. The result is
// nil where the CA is not known, which is no finding, or where it does not hold,
// which is.
func (v *Verifier) certifiedBy(ctx context.Context, der []byte, ak *attestationKey, f *findings) (*certification, error) {
	c, err := v.akCertificate(der)
	if errors.Is(err, errUnknownIssuer) {
		return nil, nil //nolint:nilnil // there is none that counts
	}
	if err != nil {
		f.add(invalidCertificate("AK certificate", "", err.Error()))
		return nil, nil //nolint:nilnil // the finding says why there is none
	}
	if !c.key.Equal(ak.key) {
		f.add(mismatch("AK certificate", "a certificate of the key that signed", "one of another key"))
		return nil, nil //nolint:nilnil // the finding says why there is none
	}
	if c.endorsement == nil {
		return &certification{akCertificate: c}, nil
	}
	vouched := link{serial: c.endorsement.Serial, issuer: v.trust.issuerOf(c.endorsement.Issuer)}
	lists, p, err := v.revocation.check(ctx, []link{vouched})
	f.addIf(p)
	return &certification{akCertificate: c, lists: lists}, err
}

// akCertificate is trust.checkAKCertificate with the results kept that held.
func (v *Verifier) akCertificate(der []byte) (*akCertificate, error) {
	key := sha256.Sum256(der)
	if kept, found := v.akCertificates.get(key); found {
		return kept, nil
	}
	c, err := v.trust.checkAKCertificate(der)
	if err == nil && c.kept {
		v.akCertificates.put(key, c, akCertificateSize)
	}
	return c, err
}

// identify checks what a machine says of its endorsement key: a certificate, a
// public area, or both of one key. The result is nil where that does not hold.
func (v *Verifier) identify(ctx context.Context, id *ports.Identity, now time.Time, f *findings) (*endorsed, error) {
	if len(id.EKCertificate) == 0 {
		return v.uncertified(id.EKPublic, f), nil
	}
	e, err := v.endorsementOf(ctx, id.EKCertificate, now, f)
	if err != nil || len(id.EKPublic) == 0 {
		return e, err
	}
	key := parseEndorsementKey(id.EKPublic, f)
	if e == nil || key == nil {
		return nil, nil //nolint:nilnil // the findings say why there is none
	}
	if !key.Equal(e.key) {
		f.add(&problem{
			code: policy.CodeEKUnacceptable, subject: "endorsement key", expected: "the certificate's key", seen: "another key",
			remedy: "The certificate is of another TPM: read it from this one's NV memory.",
		})
		return nil, nil //nolint:nilnil // the finding says why there is none
	}
	return e, nil
}

// uncertified is an endorsement key that nobody vouches for: policy may list it.
func (v *Verifier) uncertified(area []byte, f *findings) *endorsed {
	key := parseEndorsementKey(area, f)
	if key == nil {
		return nil
	}
	hash, err := ekHash(key)
	if err != nil {
		f.add(unacceptableEK("key", "an RSA key", err.Error()))
		return nil
	}
	return &endorsed{key: key, hash: hash}
}

func mismatch(subject, expected, seen string) *problem {
	return &problem{
		code: policy.CodeAKMismatch, subject: subject, expected: expected, seen: seen,
		remedy: "The parts are of different machines: if nobody put them together on purpose, clear what the attester keeps and let it start again.",
	}
}

// endorsement returns the endorsement of that kind, empty where there is none.
func endorsement(e *evidence.Evidence, kind evidence.EndorsementKind) []byte {
	for i := range e.Endorsements {
		if e.Endorsements[i].Kind == kind {
			return e.Endorsements[i].Data
		}
	}
	return nil
}
