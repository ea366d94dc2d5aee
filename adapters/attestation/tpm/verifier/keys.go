package verifier

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
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
	certified    bool
	endorsements []policy.EndorsementClaims
}

// endorsementOf checks a certificate of an endorsement key. The result is nil
// where it does not hold, which is a finding.
func (v *Verifier) endorsementOf(ctx context.Context, der []byte, now time.Time, f *findings) (*endorsed, error) {
	certificate, p := v.ekCertificate(der, now)
	if p != nil {
		f.add(p)
		return nil, nil //nolint:nilnil // the finding says why there is none
	}
	e := &endorsed{key: certificate.key, hash: certificate.hash, certified: len(certificate.chain) > 0}
	for i, c := range certificate.chain {
		subject := "EK certificate"
		if i > 0 {
			subject = fmt.Sprintf("EK certificate, issuer %d", i)
		}
		e.endorsements = append(e.endorsements, policy.EndorsementClaims{
			Kind: policy.Certificate, Subject: subject, Issued: c.NotBefore, Expires: c.NotAfter,
		})
	}
	lists, p, err := v.revocation.check(ctx, certificate.chain)
	if err != nil {
		return nil, err
	}
	e.endorsements = append(e.endorsements, lists...)
	f.addIf(p)
	return e, nil
}

// ekCertificate is trust.checkEKCertificate with the results kept that held.
func (v *Verifier) ekCertificate(der []byte, now time.Time) (*ekCertificate, *problem) {
	key := sha256.Sum256(der)
	if kept, found := v.ekCertificates.get(key); found && kept.valid.holds(now) {
		return kept, nil
	}
	certificate, p := v.trust.checkEKCertificate(der, now)
	if p == nil {
		v.ekCertificates.put(key, certificate)
	}
	return certificate, p
}

// certifiedBy checks a certificate of the attestation key. The result is nil where
// the CA is not known, which is no finding, or where it does not hold, which is.
func (v *Verifier) certifiedBy(der []byte, ak *attestationKey, f *findings) *akCertificate {
	key := sha256.Sum256(der)
	certificate, found := v.akCertificates.get(key)
	if !found {
		var err error
		certificate, err = v.trust.checkAKCertificate(der)
		if errors.Is(err, errUnknownIssuer) {
			return nil
		}
		if err != nil {
			f.add(invalidCertificate("AK certificate", "", err.Error()))
			return nil
		}
		v.akCertificates.put(key, certificate)
	}
	if !certificate.key.Equal(ak.key) {
		f.add(mismatch("AK certificate", "a certificate of the key that signed", "one of another key"))
		return nil
	}
	return certificate
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
