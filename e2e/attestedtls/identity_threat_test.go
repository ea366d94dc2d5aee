package attestedtls_test

import (
	"context"
	"testing"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// Keys of two TPMs, mixed in every way, and answers to challenges of other
// sessions: the machine that lies has one genuine TPM, and what it saw of another.
func TestThreat09MixedIdentitiesAreRefused(t *testing.T) {
	c := with(t)
	own, victim := c.sister.joiner.Attester(), c.ours.joiner.Attester()
	mixed := func(change func(own, victim *ports.Identity)) func(context.Context) (*ports.Identity, error) {
		return func(ctx context.Context) (*ports.Identity, error) {
			a, err := own.Identity(ctx)
			if err != nil {
				return nil, err
			}
			b, err := victim.Identity(ctx)
			if err != nil {
				return nil, err
			}
			change(a, b)
			return a, nil
		}
	}
	var remembered *ports.Proof
	for name, tt := range map[string]struct {
		liar *forged
		want policy.Code
	}{
		"AK swapped": {&forged{
			identity: mixed(func(own, victim *ports.Identity) { own.AKPublic = victim.AKPublic }), activate: guessed,
		}, policy.CodeActivationFailed},
		"EK swapped": {&forged{
			identity: mixed(func(own, victim *ports.Identity) {
				own.EKPublic, own.EKCertificate = victim.EKPublic, victim.EKCertificate
			}), activate: guessed,
		}, policy.CodeActivationFailed},
		"EK of one TPM, its certificate of another": {&forged{
			identity: mixed(func(own, victim *ports.Identity) { own.EKCertificate = victim.EKCertificate }),
		}, policy.CodeEKUnacceptable},
		"the whole identity of another": {&forged{identity: victim.Identity, activate: guessed}, policy.CodeActivationFailed},
		"evidence of another TPM's AK":  {&forged{attest: bare(victim)}, policy.CodeAKMismatch},
		"activation relayed to the TPM of the identity, evidence of its own": {
			&forged{identity: victim.Identity, activate: victim.Activate, attest: bare(own)}, policy.CodeAKMismatch,
		},
		"AK certificate of another TPM": {&forged{
			identity: func(ctx context.Context) (*ports.Identity, error) {
				id, err := own.Identity(ctx)
				if err != nil {
					return nil, err
				}
				member, err := c.ours.member.Attester().Identity(ctx)
				if err != nil {
					return nil, err
				}
				id.AKCertificate = member.AKCertificate
				return id, nil
			},
			activate: guessed,
		}, ""},
		"answer of another session": {&forged{
			activate: func(ctx context.Context, s *evidence.Session, challenge []byte) (ports.Proof, error) {
				proof, err := own.Activate(ctx, s, challenge)
				if err == nil && remembered == nil {
					remembered = &proof
				}
				return *remembered, err
			},
		}, policy.CodeActivationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			ends := c.ours.ends(evidence.Join)
			tt.liar.Attester = own
			ends.client.Attester = tt.liar
			if name == "answer of another session" { // the first is this session's own
				if _, server := ends.meet(t); server.err != nil {
					t.Fatalf("the honest answer is refused: %v", server.err)
				}
			}
			client, server := ends.meet(t)
			wantRefused(t, &client, &server, tt.want)
		})
	}
}

// bare is a machine's evidence without the certificates beside it, which would give
// away whose it is.
func bare(a ports.Attester) func(context.Context, *evidence.Session) (*ports.Attestation, error) {
	return func(ctx context.Context, s *evidence.Session) (*ports.Attestation, error) {
		attestation, err := a.Attest(ctx, s)
		if err != nil {
			return nil, err
		}
		stripped := *attestation.Evidence
		stripped.Endorsements = nil
		return &ports.Attestation{Evidence: &stripped, Path: attestation.Path}, nil
	}
}

// The same at a machine that is initialised: there the server lies.
func TestThreat09MixedIdentitiesAreNotInitialised(t *testing.T) {
	c := with(t)
	own, victim := c.sister.joiner.Attester(), c.ours.joiner.Attester()
	for name, tt := range map[string]struct {
		liar *forged
		want policy.Code
	}{
		"the whole identity of another": {&forged{identity: victim.Identity, activate: guessed}, policy.CodeActivationFailed},
		"evidence of another TPM's AK":  {&forged{attest: bare(victim)}, policy.CodeAKMismatch},
	} {
		for _, purpose := range []evidence.Purpose{evidence.Init, evidence.Recover} {
			t.Run(name+"/"+string(purpose), func(t *testing.T) {
				ends := c.ours.ends(purpose)
				tt.liar.Attester = own
				ends.server.Services[purpose].Attester = tt.liar
				client, server := ends.meet(t)
				wantRefused(t, &server, &client, tt.want)
			})
		}
	}
}

// wantRefused wants that the verifier refuses for the code, and that the attester
// is told so. The code "" is any.
func wantRefused(t testing.TB, attester, verifier *result, code policy.Code) {
	t.Helper()
	if attester.err == nil || verifier.err == nil {
		t.Fatalf("the attester has %v, the verifier %v", attester.err, verifier.err)
	}
	if code != "" {
		wantCode(t, verifier, code)
	}
	refused := attester.refused()
	if refused == nil || !refused.ByPeer {
		t.Fatalf("the attester hears %v, not the refusal", attester.err)
	}
	if own := verifier.refused(); own == nil || !sameCodes(refused.Findings, own.Findings) {
		t.Errorf("the attester hears %v, the verifier found %v", refused.Findings, verifier.err)
	}
}
