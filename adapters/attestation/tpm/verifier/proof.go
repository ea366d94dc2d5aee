package verifier

import (
	"bytes"
	"context"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// proof is what shows in which TPM the attestation key lives.
type proof struct {
	ek           measurement.Digest
	certificate  *ports.CertificateID // of the endorsement key, nil where nobody vouches
	akProof      policy.AKProof
	endorsements []policy.EndorsementClaims
}

// prove finds out in which TPM the attestation key lives. An answered challenge
// goes before a certificate, and both before hearsay; what is not needed is
// checked all the same, and must not contradict.
func (v *Verifier) prove(ctx context.Context, s *ports.Submission, ak *attestationKey, now time.Time, f *findings) (proof, error) {
	var hearsay *endorsed
	if der := endorsement(s.Evidence, evidence.EKCertificate); len(der) > 0 {
		var err error
		if hearsay, err = v.endorsementOf(ctx, der, now, f); err != nil {
			return proof{}, err
		}
	}
	var certificate *certification
	if der := endorsement(s.Evidence, evidence.AKCertificate); len(der) > 0 && ak != nil {
		var err error
		if certificate, err = v.certifiedBy(ctx, der, ak, f); err != nil {
			return proof{}, err
		}
	}
	switch {
	case s.Activated != nil:
		return v.activated(ctx, s.Activated, ak, certificate, hearsay, now, f)
	case certificate != nil:
		return certified(certificate, hearsay, now, f), nil
	case hearsay != nil:
		return proof{ek: hearsay.hash, certificate: hearsay.certificate, endorsements: hearsay.endorsements}, nil
	default:
		return proof{}, nil
	}
}

// activated is the proof of a machine that has answered a challenge, which was
// made for both its keys.
func (v *Verifier) activated(ctx context.Context, id *ports.Identity, ak *attestationKey, certificate *certification, hearsay *endorsed, now time.Time, f *findings) (proof, error) {
	if id.Platform != v.platform {
		f.malformed("identity: platform", string(v.platform), string(id.Platform))
	}
	if ak != nil && !bytes.Equal(id.AKPublic, ak.area) {
		f.add(mismatch("attestation key", "the key that the challenge was made for", "another key"))
	}
	e, err := v.identify(ctx, id, now, f)
	if e == nil || err != nil {
		return proof{}, err
	}
	if certificate != nil {
		certificate.sameEK(e.hash, f)
	}
	if hearsay != nil {
		hearsay.sameEK(e.hash, f)
	}
	return proof{ek: e.hash, certificate: e.certificate, akProof: policy.AKActivated, endorsements: e.endorsements}, nil
}

// certified is the proof of a machine whose attestation key an engine's CA has
// certified. The endorsement key counts as certified where the CA says which
// certificate vouched for it, or where one is here that does: an engine may have
// admitted the machine because its policy lists the key.
func certified(c *certification, hearsay *endorsed, now time.Time, f *findings) proof {
	if !c.valid.holds(now) {
		f.add(invalidCertificate("AK certificate", "valid at "+stamp(now), "from "+stamp(c.valid.from)+" to "+stamp(c.valid.to)))
	}
	p := proof{ek: c.ek, certificate: c.endorsement, akProof: policy.AKCertified}
	p.endorsements = append([]policy.EndorsementClaims{{
		Kind: policy.Certificate, Subject: "AK certificate", Issued: c.valid.from, Expires: c.valid.to,
	}}, c.lists...)
	if hearsay != nil {
		hearsay.sameEK(c.ek, f)
		p.endorsements = append(p.endorsements, hearsay.endorsements...)
	}
	if p.certificate == nil && hearsay != nil {
		p.certificate = hearsay.certificate
	}
	return p
}

func (c *akCertificate) sameEK(hash measurement.Digest, f *findings) {
	if c.ek != hash {
		f.add(mismatch("AK certificate", "the endorsement key "+hash.String(), c.ek.String()))
	}
}

func (e *endorsed) sameEK(hash measurement.Digest, f *findings) {
	if e.hash != hash {
		f.add(mismatch("EK certificate", "the endorsement key "+hash.String(), e.hash.String()))
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
