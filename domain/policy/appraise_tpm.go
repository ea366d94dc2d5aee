package policy

import (
	"github.com/asterism-k8s/asterism/domain/evidence"
)

// tpm appraises the endorsement key: a denied one is refused wherever there is
// one, and it must be trusted where the attestation key is trusted through it.
func (a *appraisal) tpm() {
	if a.claims.TPM == nil {
		return
	}
	if a.traits.AKTrust == evidence.AKActivated {
		a.akProven()
	}
	if a.policy.document.TPM == nil {
		return
	}
	a.deniedEK()
	if a.traits.AKTrust == evidence.AKActivated {
		a.trustedEK()
	}
}

// akProven finds an attestation key of which nothing shows that it lives beside
// the endorsement key: anybody could name the key of a trusted TPM and sign with
// one of their own. Evidence in a file cannot show it, and only that is borne
// with: a proof that is not known counts for nothing.
func (a *appraisal) akProven() {
	proof := a.claims.TPM.AKProof
	if proof == AKActivated || proof == AKCertified {
		return
	}
	f := Finding{
		Code: CodeAKNotProven, Subject: "attestation key", Expected: []string{string(AKActivated), string(AKCertified)}, Seen: string(proof),
		Remedy: "Challenge the machine in the session, or have it show the certificate of its attestation key.",
	}
	fromFile := a.session.offline && proof == ""
	if fromFile {
		f.Remedy = "A file cannot show that this key and the endorsement key are of one TPM; only a session with the machine can."
	}
	a.refuseUnless(fromFile, f)
}

func (a *appraisal) deniedEK() {
	ek := a.claims.TPM.EK
	if _, denied := a.policy.deniedEKs[ek]; denied {
		a.refuse(Finding{
			Code: CodeEKDenied, Subject: "endorsement key", Seen: ek.String(),
			Remedy: "The owner denied this TPM; take it off the policy's deniedEKs to admit it again.",
		})
	}
}

// trustedEK wants a key on the list, or, where the policy takes certificates, one
// that the verifier found certified: by its manufacturer, or by the CA that
// certified the attestation key after it had seen that.
func (a *appraisal) trustedEK() {
	ek := a.claims.TPM.EK
	if ek.IsZero() {
		a.missing("endorsement key")
		return
	}
	if _, listed := a.policy.allowedEKs[ek]; listed {
		return
	}
	if a.policy.document.TPM.EKTrust == EKCertificate && a.claims.TPM.EKCertified {
		return
	}
	a.refuse(Finding{
		Code: CodeEKNotTrusted, Subject: "endorsement key", Expected: a.expectedEK(), Seen: ek.String(),
		Remedy: "Check that this is your machine's TPM, then add the seen value to the policy's allowedEKs.",
	})
}

func (a *appraisal) expectedEK() []string {
	if a.policy.document.TPM.EKTrust == EKCertificate {
		return []string{"a certificate of a configured manufacturer", "a key on the allow-list"}
	}
	return []string{"a key on the allow-list"}
}
