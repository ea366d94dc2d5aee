package attestedtls

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// identify returns this machine's identity as it travels.
func (h *handshake) identify(ctx context.Context) (*frame.Identity, error) {
	id, err := h.attester.Identity(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading this machine's identity: %w", err)
	}
	return &frame.Identity{Identity: *id}, nil
}

// answer waits for the peer's challenge and returns the proof.
func (h *handshake) answer(ctx context.Context) (*ports.Proof, error) {
	m, _, err := h.line.receive(ctx)
	if err != nil {
		return nil, err
	}
	challenge, ok := m.(*frame.Challenge)
	if !ok {
		return nil, outOfPlace(m)
	}
	proof, err := h.attester.Activate(ctx, h.session(true), challenge.Blob)
	switch {
	case errors.Is(err, ports.ErrChallenge):
		return nil, refuseFor(err, policy.Finding{
			Code: policy.CodeActivationFailed, Subject: "challenge",
			Remedy: "The challenge was made for other keys than this machine's: somebody interferes with the connection, or its TPM was exchanged.",
		})
	case err != nil:
		return nil, fmt.Errorf("answering the challenge: %w", err)
	}
	return &proof, nil
}

// prove puts this machine's evidence for the session.
func (h *handshake) prove(ctx context.Context, proof *ports.Proof) error {
	attestation, err := h.attester.Attest(ctx, h.session(true))
	if err != nil {
		return fmt.Errorf("attesting: %w", err)
	}
	if err := h.checkFormat(attestation.Evidence.Platform); err != nil {
		return err
	}
	m, err := frame.NewEvidence(attestation, proof)
	if err != nil {
		return err
	}
	return h.line.put(m)
}

// checkFormat spares the peer evidence that it cannot read.
func (h *handshake) checkFormat(p evidence.Platform) error {
	if slices.Contains(h.hello.Formats, p) {
		return nil
	}
	return refuseFor(nil, policy.Finding{
		Code: policy.CodePlatformNotAccepted, Subject: "evidence formats", Expected: []string{string(p)}, Seen: fmt.Sprint(h.hello.Formats),
		Remedy: "The verifying end knows no evidence of this platform: update it, or accept the platform there.",
	})
}
