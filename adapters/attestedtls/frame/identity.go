package frame

import (
	"google.golang.org/protobuf/proto"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame/framepb"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// Identity carries what a machine says of its keys.
type Identity struct{ ports.Identity }

// NeedsActivation says whether the machine's attestation key has to answer a
// challenge: there is an endorsement key that vouches for it, and no certificate
// of the engine's CA. Both ends decide it by this rule.
func (m *Identity) NeedsActivation() bool {
	traits, err := m.Platform.Traits()
	return err == nil && traits.AKTrust == evidence.AKActivated && len(m.AKCertificate) == 0
}

// Kind returns KindIdentity.
func (*Identity) Kind() Kind { return KindIdentity }

// Validate wants a known platform, an attestation key where the platform has a
// TPM and no keys where it has none, and an endorsement key where a challenge
// will be for it. What the keys are is for the platform's verifier.
func (m *Identity) Validate() error {
	traits, err := m.Platform.Traits()
	if err != nil {
		return &Error{KindIdentity, "platform", err}
	}
	if !traits.TPM {
		return m.checkNoKeys()
	}
	if len(m.AKPublic) == 0 {
		return wrong(KindIdentity, "ak_public", "it is missing")
	}
	if m.NeedsActivation() && len(m.EKPublic) == 0 && len(m.EKCertificate) == 0 {
		return wrong(KindIdentity, "ek_public", "it is missing, and so is ek_certificate")
	}
	return nil
}

func (m *Identity) checkNoKeys() error {
	if len(m.EKCertificate)+len(m.EKPublic)+len(m.AKPublic)+len(m.AKCertificate) > 0 {
		return wrong(KindIdentity, "platform", "%s has no such keys", m.Platform)
	}
	return nil
}

func (m *Identity) toWire() proto.Message {
	return &framepb.Identity{
		Platform:      string(m.Platform),
		EkCertificate: m.EKCertificate,
		EkPublic:      m.EKPublic,
		AkPublic:      m.AKPublic,
		AkCertificate: m.AKCertificate,
	}
}

func identityFromWire(w *framepb.Identity) (*Identity, error) {
	return &Identity{ports.Identity{
		Platform:      evidence.Platform(w.GetPlatform()),
		EKCertificate: w.GetEkCertificate(),
		EKPublic:      w.GetEkPublic(),
		AKPublic:      w.GetAkPublic(),
		AKCertificate: w.GetAkCertificate(),
	}}, nil
}
