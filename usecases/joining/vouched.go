package joining

import (
	"strings"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// vouched says whether hardware that the cluster trusts stands behind the
// identity: without that, whoever can send bytes could fill the store, or have
// another machine look refused. What was found in the evidence may be about what
// the machine runs and nothing else; a code that is not known here may be about
// anything.
func vouched(c *join.Candidate) bool {
	if c.Claims == nil || c.Identity.IsZero() {
		return false
	}
	for i := range c.Verdict.Findings {
		if f := &c.Verdict.Findings[i]; f.Severity != policy.Warn && !aboutWhatRuns(f.Code) {
			return false
		}
	}
	shown, err := join.IdentityOf(c.Claims, instanceOf(c.Identity))
	return err == nil && shown == c.Identity
}

// instanceOf returns the last part of an identity: where there is no TPM, the
// provider's name of the instance.
func instanceOf(id join.Identity) string {
	text := id.String()
	return text[strings.LastIndexByte(text, ':')+1:]
}

// aboutWhatRuns lists the codes of findings that leave no doubt of the evidence
// itself: not of its signatures, nor of the firmware that a TPM's endorsement key
// may come from.
func aboutWhatRuns(code policy.Code) bool {
	switch code {
	case policy.CodeMarkMismatch, policy.CodeEventLogMissing, policy.CodeEventLogUnreplayable, policy.CodePCRMismatch,
		policy.CodeRTMRMismatch, policy.CodeReleaseWithdrawn, policy.CodeReleaseExpired, policy.CodeSecureBootOff,
		policy.CodeEKDenied, policy.CodeChipDenied, policy.CodeChipNotAllowed, policy.CodeProductLineNotAccepted,
		policy.CodeTCBBelowFloor, policy.CodeTCBStatusNotAccepted, policy.CodeAdvisoryNotAccepted, policy.CodeHostDataMismatch:
		return true
	default:
		return false
	}
}
