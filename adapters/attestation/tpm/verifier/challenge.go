package verifier

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/keys"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Challenge makes a credential that only a TPM with both keys can open (TPM 2.0
// Library, Part 1, section 24), or returns nil where an engine's CA that is
// trusted has certified the attestation key already. A certificate that is past
// its time does not spare the challenge. See ports.Verifier.
func (v *Verifier) Challenge(ctx context.Context, id *ports.Identity) (*ports.Challenge, error) {
	now, err := v.time(ctx)
	if err != nil {
		return nil, err
	}
	var f findings
	if id == nil || id.Platform != v.platform {
		f.malformed("identity: platform", string(v.platform), platformOf(id))
		return nil, f.err()
	}
	checkSize(id, &f)
	ak := newAttestationKey(id.AKPublic, &f)
	if ak != nil && len(id.AKCertificate) > 0 {
		c, err := v.certifiedBy(ctx, id.AKCertificate, ak, &f)
		if err != nil {
			return nil, err
		}
		if c != nil && len(f.list) == 0 && c.valid.holds(now) {
			return nil, nil //nolint:nilnil // ports.Verifier: nothing needs to be answered
		}
	}
	e, err := v.identify(ctx, id, now, &f)
	if err != nil {
		return nil, err
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return v.makeCredential(ak, e)
}

func (v *Verifier) makeCredential(ak *attestationKey, e *endorsed) (*ports.Challenge, error) {
	secret := make([]byte, profile.SecretSize)
	if _, err := io.ReadFull(v.random, secret); err != nil {
		return nil, fmt.Errorf("choosing the secret of a challenge: %w", err)
	}
	random := &source{Reader: v.random}
	credential, err := profile.MakeCredential(random, endorsementArea(e.key), ak.name, secret)
	if random.err != nil {
		return nil, fmt.Errorf("making a challenge: %w", random.err)
	}
	if err != nil {
		var f findings
		f.add(unacceptableEK("key", "a key that can be encrypted to", err.Error()))
		return nil, f.err()
	}
	return &ports.Challenge{Blob: credential.Encode(), Secret: keys.NewSecret(secret)}, nil
}

// source remembers that it failed: what fails otherwise is the peer's key.
type source struct {
	io.Reader

	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil {
		s.err = err
	}
	return n, err //nolint:wrapcheck // it is the reader's own
}

// checkSize bounds what is parsed next.
func checkSize(id *ports.Identity, f *findings) {
	n := len(id.EKCertificate) + len(id.EKPublic) + len(id.AKPublic) + len(id.AKCertificate)
	if n > ports.MaxIdentitySize {
		f.add(&problem{
			code: policy.CodeEvidenceTooLarge, subject: "identity",
			expected: fmt.Sprintf("at most %d bytes", ports.MaxIdentitySize), seen: fmt.Sprintf("%d bytes", n),
			remedy: "Send the certificates of the two keys, and no more of their chains than is needed.",
		})
	}
}

// time is the time of verification: the clock's, or the newest signed time that
// was ever seen, where that is later.
func (v *Verifier) time(ctx context.Context) (time.Time, error) {
	now := v.now()
	if v.revocation.cache == nil {
		return now, nil
	}
	floor, err := v.revocation.cache.Floor(ctx)
	if err != nil {
		return now, fmt.Errorf("reading the time floor: %w", err)
	}
	if floor.After(now) {
		return floor, nil
	}
	return now, nil
}

func platformOf(id *ports.Identity) string {
	if id == nil {
		return ""
	}
	return string(id.Platform)
}
