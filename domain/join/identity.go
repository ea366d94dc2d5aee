package join

import (
	"errors"
	"fmt"
	"strings"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// ErrIdentity is wrapped by every error about identities.
var ErrIdentity = errors.New("not a machine's identity")

// MaxInstanceName is how many bytes a provider's name of an instance may have.
const MaxInstanceName = 128

const (
	ekPrefix       = "ek:"
	instancePrefix = "instance:"
)

// Identity says which machine a node is, for good: the same machine has the same
// identity in every boot. It is "ek:" and the 64 hexadecimal digits of the
// SHA-256 of its endorsement key (SubjectPublicKeyInfo, DER), or where the
// platform has no TPM "instance:", the platform, ":" and the provider's name of
// the instance. IdentityOf and ParseIdentity make one. Identities compare with
// ==. The zero Identity is nobody's.
type Identity struct{ text string }

// IdentityOf returns the identity of the machine that made the claims. The
// platform alone decides which kind it is, so that no machine has two to choose
// from: where there is a TPM it is the endorsement key, and only with a proof
// that the attestation key lives beside it, since anybody can name a key. Else it
// is the instance, 1 to MaxInstanceName bytes of [a-z0-9._-] that begin with a
// letter or digit; the caller says who vouches for that name.
//
// The error wraps ErrIdentity, or is the platform's.
func IdentityOf(claims *policy.Claims, instance string) (Identity, error) {
	if claims == nil {
		return Identity{}, fmt.Errorf("%w: there are no claims", ErrIdentity)
	}
	traits, err := claims.Platform.Traits()
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	if !traits.TPM {
		return ParseIdentity(instancePrefix + string(claims.Platform) + ":" + instance)
	}
	if tpm := claims.TPM; tpm == nil || tpm.EK.Algorithm() != measurement.SHA256 || !proven(tpm.AKProof) {
		return Identity{}, fmt.Errorf("%w: nothing proves the machine's endorsement key", ErrIdentity)
	}
	return Identity{ekPrefix + claims.TPM.EK.String()}, nil
}

func proven(p policy.AKProof) bool { return p == policy.AKActivated || p == policy.AKCertified }

// ParseIdentity reads what String writes, and nothing else. The error wraps
// ErrIdentity.
func ParseIdentity(text string) (Identity, error) {
	if digits, found := strings.CutPrefix(text, ekPrefix); found {
		if d, err := measurement.ParseDigest(digits); err != nil || d.Algorithm() != measurement.SHA256 {
			return Identity{}, fmt.Errorf("%w: %.80q does not hold 64 lower-case hexadecimal digits", ErrIdentity, text)
		}
		return Identity{text}, nil
	}
	rest, found := strings.CutPrefix(text, instancePrefix)
	platform, instance, separated := strings.Cut(rest, ":")
	if !found || !separated || !instancePlatform(platform) || !validInstance(instance) {
		return Identity{}, fmt.Errorf("%w: %.80q, want ek:HASH or instance:PLATFORM:NAME", ErrIdentity, text)
	}
	return Identity{text}, nil
}

// instancePlatform says whether machines of the platform are known by their
// instance.
func instancePlatform(name string) bool {
	traits, err := evidence.Platform(name).Traits()
	return err == nil && !traits.TPM
}

func validInstance(name string) bool {
	outside := func(r rune) bool { return !isLowerAlphanumeric(r) && !strings.ContainsRune("._-", r) }
	return name != "" && len(name) <= MaxInstanceName && isLowerAlphanumeric(rune(name[0])) && !strings.ContainsFunc(name, outside)
}

func isLowerAlphanumeric(r rune) bool { return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' }

// IsZero says whether i is nobody's.
func (i Identity) IsZero() bool { return i.text == "" }

// String returns the text, empty for the zero Identity. It may name an item of
// the store.
func (i Identity) String() string { return i.text }

// Compare orders identities by their text.
func (i Identity) Compare(other Identity) int { return strings.Compare(i.text, other.text) }

// MarshalText encodes like String.
func (i Identity) MarshalText() ([]byte, error) { return []byte(i.text), nil }

// UnmarshalText decodes like ParseIdentity, and leaves i as it was on an error.
func (i *Identity) UnmarshalText(text []byte) error {
	parsed, err := ParseIdentity(string(text))
	if err != nil {
		return err
	}
	*i = parsed
	return nil
}

// of says whether the claims are those of that machine: for an endorsement key,
// that they name it and something proves it; for an instance, that they are of
// its platform.
func (i Identity) of(claims *policy.Claims) bool {
	if claims == nil || i.IsZero() {
		return false
	}
	if !i.byTPM() {
		return strings.HasPrefix(i.text, instancePrefix+string(claims.Platform)+":")
	}
	seen, err := IdentityOf(claims, "")
	return err == nil && seen == i
}

// byTPM says whether the machine is known by its TPM.
func (i Identity) byTPM() bool { return strings.HasPrefix(i.text, ekPrefix) }
