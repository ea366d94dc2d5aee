package attestedtls

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/asterism-k8s/asterism/adapters/attestedtls/frame"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// examination is what one end knows of the other's keys before its evidence.
type examination struct {
	identity  *frame.Identity  // nil where the purpose has the peer show none
	challenge *ports.Challenge // nil where it had none to answer
}

// challenge makes the examination of a peer that showed its identity.
func (h *handshake) challenge(ctx context.Context, id *frame.Identity) (*examination, error) {
	if !id.NeedsActivation() {
		return &examination{identity: id}, nil // without a challenge: see challengeServer
	}
	leave, err := h.gate.compute(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	verifier, err := h.verifier(id.Platform)
	if err != nil {
		return nil, err
	}
	challenge, err := verifier.Challenge(ctx, &id.Identity)
	if err != nil {
		return nil, foundWrong(err)
	}
	if challenge == nil {
		return nil, errNoChallenge
	}
	return &examination{id, challenge}, nil
}

// verifier finds the platform's verifier; that there is none is a finding.
func (h *handshake) verifier(p evidence.Platform) (ports.Verifier, error) {
	verifier, err := h.verifiers.Verifier(p, h.trust.Roots)
	if errors.Is(err, evidence.ErrPlatform) {
		return nil, refuseFor(err, policy.Finding{
			Code: policy.CodePlatformNotAccepted, Subject: "platform", Expected: names(h.verifiers.Platforms()), Seen: string(p),
			Remedy: "Run the node on a platform that is verified here, or update the verifying end.",
		})
	}
	return verifier, err
}

// foundWrong turns what a verifier found into a refusal.
func foundWrong(err error) error {
	var found *ports.EvidenceError
	if errors.As(err, &found) {
		return refuse(&policy.Verdict{Findings: found.Findings})
	}
	return fmt.Errorf("verifying the peer: %w", err)
}

// judge holds the peer's evidence against the session, and what it claims against
// policy. It returns the refusal as an error, and else describes the peer.
func (h *handshake) judge(ctx context.Context, x *examination, m *frame.Evidence) error {
	binding, err := h.session(false).Binding()
	if err != nil {
		return refuseFor(err, policy.Finding{
			Code: policy.CodeBindingMismatch, Subject: "session", Seen: err.Error(),
			Remedy: "Nothing can prove this session: both ends seem to be the same, or somebody reflects the connection.",
		})
	}
	presented, path, err := unpack(m)
	if err != nil {
		return err
	}
	verifier, err := h.verifier(presented.Platform)
	if err != nil {
		return err
	}
	submission, found := x.submit(presented, m.Proof, binding)
	verified, err := verifier.Verify(ctx, submission)
	if err != nil {
		return withFindings(foundWrong(err), found)
	}
	verdict := h.appraise(verified, path, binding.Leaf())
	found = append(found, x.checkKey(verified.AttestationKey)...)
	if verdict.Findings = append(found, verdict.Findings...); len(found) > 0 {
		verdict.Admitted = false
	}
	if !verdict.Admitted {
		return refuse(&verdict)
	}
	h.describe(x, verified, &verdict, submission.Activated != nil)
	return nil
}

func (h *handshake) describe(x *examination, v *ports.Verified, verdict *policy.Verdict, activated bool) {
	h.peer.Claims, h.peer.Verdict, h.peer.AKActivated = &v.Claims, verdict, activated
	if x.identity != nil {
		h.peer.AKPublic = x.identity.AKPublic
	}
}

// unpack decodes what an evidence frame carries.
func unpack(m *frame.Evidence) (*evidence.Evidence, evidence.Path, error) {
	presented, err := evidence.Decode(m.Evidence)
	if err != nil {
		return nil, evidence.Path{}, malformed("evidence", err)
	}
	path, err := evidence.DecodePath(m.Path)
	if err != nil {
		return nil, evidence.Path{}, malformed("path", err)
	}
	return presented, path, nil
}

func malformed(subject string, err error) error {
	return refuseFor(err, policy.Finding{
		Code: policy.CodeEvidenceMalformed, Subject: subject, Seen: err.Error(),
		Remedy: "The other end does not send evidence as this version reads it; check that their versions fit.",
	})
}

// submit holds the proof against the challenge (HMAC, RFC 2104) before it says
// that the identity is the one that answered.
func (x *examination) submit(e *evidence.Evidence, proof *ports.Proof, b evidence.Binding) (*ports.Submission, []policy.Finding) {
	s := &ports.Submission{Evidence: e}
	if x.challenge == nil && proof == nil {
		return s, nil
	}
	if x.challenge != nil && proof != nil {
		mac := hmac.New(sha256.New, x.challenge.Secret.Reveal())
		mac.Write(b.Bytes())
		if hmac.Equal(mac.Sum(nil), proof[:]) {
			s.Activated = &x.identity.Identity
			return s, nil
		}
	}
	return s, []policy.Finding{{
		Code: policy.CodeActivationFailed, Severity: policy.Refuse, Subject: "attestation key",
		Expected: []string{"an answer to the challenge that was made for this session"},
		Remedy:   "The attestation key does not live beside the endorsement key that was shown: somebody relays the connection, or the TPM was exchanged.",
	}}
}

// checkKey finds an identity whose attestation key did not sign the evidence.
func (x *examination) checkKey(key evidence.AttestationKey) []policy.Finding {
	if x.identity == nil {
		return nil
	}
	var shown evidence.AttestationKey
	if len(x.identity.AKPublic) > 0 {
		shown = evidence.HashAttestationKey(x.identity.AKPublic)
	}
	if shown == key {
		return nil
	}
	return []policy.Finding{{
		Code: policy.CodeAKMismatch, Severity: policy.Refuse, Subject: "attestation key",
		Expected: []string{"the key that was shown before"}, Seen: "another key",
		Remedy: "The evidence is of another machine than the identity; if nobody interferes with the connection, restart the node's bootstrapper.",
	}}
}

// appraise judges verified claims. What the evidence had to be made for, and whose
// mark the peer must bear, this end knows by itself.
func (h *handshake) appraise(v *ports.Verified, path evidence.Path, leaf evidence.Leaf) policy.Verdict {
	data, err := path.ReportData(leaf, v.AttestationKey)
	if err != nil { // DecodePath has seen to it that there is none
		return *verdictOf(policy.Finding{
			Code: policy.CodeBindingMismatch, Subject: "path", Seen: err.Error(),
			Remedy: "The evidence was made for another session.",
		})
	}
	session := policy.Session{}.MarkedFor(h.trust.Cluster, h.trust.Owner)
	if h.hello.Role == evidence.Joiner || h.hello.Role == evidence.Locked {
		session = policy.Session{}.Unmarked()
	}
	return session.Expecting(data).Appraise(&v.Claims, h.trust.Policy, h.now())
}

// withFindings adds findings to those of a refusal.
func withFindings(err error, found []policy.Finding) error {
	var e *ending
	if len(found) == 0 || !errors.As(err, &e) || e.verdict == nil {
		return err
	}
	v := *e.verdict
	v.Findings = append(found, v.Findings...)
	return refuse(&v)
}

func names(platforms []evidence.Platform) []string {
	var list []string
	for _, p := range platforms {
		list = append(list, string(p))
	}
	return list
}
