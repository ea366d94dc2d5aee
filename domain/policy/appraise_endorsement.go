package policy

import (
	"slices"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
)

// defaultSkew is how far in the future an issue time may lie where the policy
// does not say.
const defaultSkew = 5 * time.Minute

// endorsements appraises the time for which each one holds.
func (a *appraisal) endorsements() {
	for i := range a.claims.Endorsements {
		a.endorsement(&a.claims.Endorsements[i])
	}
	a.endorsed()
}

// endorsed finds what a TEE's vendor must have said and the verifier did not rely
// on: hardware that nobody vouches for, or whose revocation nobody asked for.
func (a *appraisal) endorsed() {
	var needed []EndorsementKind
	switch a.traits.TEE {
	case evidence.SNP:
		needed = []EndorsementKind{Certificate, RevocationList}
	case evidence.TDX:
		needed = []EndorsementKind{Certificate, RevocationList, Collateral}
	case evidence.NoTEE:
	}
	for _, kind := range needed {
		if !slices.ContainsFunc(a.claims.Endorsements, func(e EndorsementClaims) bool { return e.Kind == kind }) {
			a.refuse(Finding{
				Code: CodeEndorsementMissing, Subject: string(kind), Expected: []string{"a " + string(kind) + " of the vendor"},
				Remedy: "Let the verifier fetch it, or have the attester send it along.",
			})
		}
	}
}

func (a *appraisal) endorsement(e *EndorsementClaims) {
	freshness := &a.policy.document.Freshness
	skew := time.Duration(freshness.MaxClockSkew)
	if skew == 0 {
		skew = defaultSkew
	}
	if e.Issued.After(a.now.Add(skew)) {
		a.refuse(Finding{
			Code: CodeEndorsementNotYetValid, Subject: e.Subject, Expected: []string{"issued by " + stamp(a.now)}, Seen: stamp(e.Issued),
			Remedy: "Set the verifier's clock right.",
		})
	}
	if a.now.After(e.Expires) {
		a.refuse(Finding{
			Code: CodeEndorsementExpired, Subject: e.Subject, Expected: []string{"valid at " + stamp(a.now)}, Seen: "until " + stamp(e.Expires),
			Remedy: "Fetch a newer one; if there is none, the vendor no longer vouches for this machine.",
		})
	}
	oldest := a.now.Add(-time.Duration(freshness.MaxAge))
	if freshness.MaxAge > 0 && e.Kind != Certificate && e.Issued.Before(oldest) {
		a.refuse(Finding{
			Code: CodeEndorsementStale, Subject: e.Subject, Expected: []string{"issued after " + stamp(oldest)}, Seen: stamp(e.Issued),
			Remedy: "Fetch a newer one, or raise the policy's freshness.maxAge.",
		})
	}
}
