package policy_test

import (
	"slices"
	"testing"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func certified(c *policy.Claims) { c.TPM.EK, c.TPM.EKCertified = sha256Of("new"), true }

func trustCertificates(d *policy.Document) { d.TPM.EKTrust = policy.EKCertificate }

func TestAppraiseTPM(t *testing.T) {
	tests := []appraisalTest{
		{
			name: "an endorsement key that is not listed", claims: tpmClaims,
			change: func(c *policy.Claims) { c.TPM.EK = sha256Of("new") },
			want:   []string{"refuse EK_NOT_TRUSTED endorsement key"},
		},
		{
			name: "no endorsement key", claims: tpmClaims,
			change: func(c *policy.Claims) { c.TPM.EK = measurement.Digest{} },
			want:   []string{"refuse CLAIM_MISSING endorsement key"},
		},
		{
			name: "no endorsement key, though certified", claims: tpmClaims, policy: trustCertificates,
			change: func(c *policy.Claims) { c.TPM.EK, c.TPM.EKCertified = measurement.Digest{}, true },
			want:   []string{"refuse CLAIM_MISSING endorsement key"},
		},
		{
			name: "a certificate where only the list counts", claims: tpmClaims, change: certified,
			want: []string{"refuse EK_NOT_TRUSTED endorsement key"},
		},
		{name: "a certificate where it counts", claims: tpmClaims, change: certified, policy: trustCertificates},
		{name: "a listed key where certificates count too", claims: tpmClaims, policy: trustCertificates},
		{
			name: "neither listed nor certified", claims: tpmClaims, policy: trustCertificates,
			change: func(c *policy.Claims) { c.TPM.EK = sha256Of("new") },
			want:   []string{"refuse EK_NOT_TRUSTED endorsement key"},
		},
		{
			name: "a denied key, though certified", claims: tpmClaims, policy: trustCertificates,
			change: func(c *policy.Claims) { c.TPM.EK, c.TPM.EKCertified = sha256Of("stolen"), true },
			want:   []string{"refuse EK_DENIED endorsement key"},
		},
		{
			name: "an attestation key in the TEE's report needs no endorsement key", claims: snpClaims,
			change: func(c *policy.Claims) { c.TPM.EK = sha256Of("new") },
		},
		{
			name: "a denied key is refused there too", claims: snpClaims,
			change: func(c *policy.Claims) { c.TPM.EK = sha256Of("stolen") },
			want:   []string{"refuse EK_DENIED endorsement key"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func proof(p policy.AKProof) func(*policy.Claims) {
	return func(c *policy.Claims) { c.TPM.AKProof = p }
}

// Threat row 9: to name the endorsement key of a trusted TPM is not to have it.
// Without a proof that the attestation key lives beside it, listed and certified
// keys are refused alike.
func TestThreat09EndorsementKeyIsHearsayWithoutProof(t *testing.T) {
	unproven := []string{"refuse AK_NOT_PROVEN attestation key"}
	borrowed := func(c *policy.Claims) { certified(c); c.TPM.AKProof = "" }
	tests := []appraisalTest{
		{name: "activated", claims: tpmClaims, change: proof(policy.AKActivated)},
		{name: "certified", claims: tpmClaims, change: proof(policy.AKCertified)},
		{name: "no proof of a listed key", claims: tpmClaims, change: proof(""), want: unproven},
		{name: "no proof of a certified key", claims: tpmClaims, change: borrowed, policy: trustCertificates, want: unproven},
		{name: "a proof that nobody knows", claims: tpmClaims, change: proof("promised"), want: unproven},
		{
			name: "a certified attestation key vouches for no endorsement key", claims: tpmClaims, policy: trustCertificates,
			change: func(c *policy.Claims) { c.TPM.EK, c.TPM.AKProof = sha256Of("new"), policy.AKCertified },
			want:   []string{"refuse EK_NOT_TRUSTED endorsement key"},
		},
		{
			name: "both keys certified", claims: tpmClaims, policy: trustCertificates,
			change: func(c *policy.Claims) { certified(c); c.TPM.AKProof = policy.AKCertified },
		},
		{
			name: "both keys certified, and the list alone counts", claims: tpmClaims,
			change: func(c *policy.Claims) { certified(c); c.TPM.AKProof = policy.AKCertified },
			want:   []string{"refuse EK_NOT_TRUSTED endorsement key"},
		},
		{
			name: "denied since it was certified", claims: tpmClaims, policy: trustCertificates,
			change: func(c *policy.Claims) {
				c.TPM.EK, c.TPM.EKCertified, c.TPM.AKProof = sha256Of("stolen"), true, policy.AKCertified
			},
			want: []string{"refuse EK_DENIED endorsement key"},
		},
		{
			name: "everything wrong at once", claims: tpmClaims,
			change: func(c *policy.Claims) { c.TPM.EK, c.TPM.AKProof = sha256Of("stolen"), "" },
			want: []string{
				"refuse AK_NOT_PROVEN attestation key", "refuse EK_DENIED endorsement key", "refuse EK_NOT_TRUSTED endorsement key",
			},
		},
		{name: "where the TEE's report covers the attestation key", claims: snpClaims, change: proof("")},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

// The proof is asked for whatever policy says, or does not say.
func TestThreat09ProofIsNoMatterOfPolicy(t *testing.T) {
	claims := tpmClaims()
	claims.TPM.AKProof = ""
	v := policy.Appraise(claims, &policy.Policy{}, now)
	if !slices.Contains(summary(v), "refuse AK_NOT_PROVEN attestation key") {
		t.Errorf("findings: %v", summary(v))
	}
}
