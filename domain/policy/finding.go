package policy

import (
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Code says what a finding is about. Codes are stable: programs may decide on
// them.
type Code string

// The codes. docs/findings.md explains each.
const (
	CodePlatformNotAccepted    Code = "PLATFORM_NOT_ACCEPTED"
	CodeTimeMissing            Code = "TIME_MISSING"
	CodeClaimMissing           Code = "CLAIM_MISSING"
	CodeClaimUnexpected        Code = "CLAIM_UNEXPECTED"
	CodeBindingMismatch        Code = "BINDING_MISMATCH"
	CodeMarkMismatch           Code = "MARK_MISMATCH"
	CodeEvidenceTooLarge       Code = "EVIDENCE_TOO_LARGE"
	CodeEventLogMissing        Code = "EVENT_LOG_MISSING"
	CodeEventLogUnreplayable   Code = "EVENT_LOG_UNREPLAYABLE"
	CodeNoReference            Code = "NO_REFERENCE"
	CodePCRMismatch            Code = "PCR_MISMATCH"
	CodeRTMRMismatch           Code = "RTMR_MISMATCH"
	CodeLaunchDigestMismatch   Code = "LAUNCH_DIGEST_MISMATCH"
	CodeReleaseWithdrawn       Code = "RELEASE_WITHDRAWN"
	CodeReleaseExpired         Code = "RELEASE_EXPIRED"
	CodeProfileNotAccepted     Code = "PROFILE_NOT_ACCEPTED"
	CodeSecureBootOff          Code = "SECURE_BOOT_OFF"
	CodeAKNotProven            Code = "AK_NOT_PROVEN"
	CodeEKDenied               Code = "EK_DENIED"
	CodeEKNotTrusted           Code = "EK_NOT_TRUSTED"
	CodeChipDenied             Code = "CHIP_DENIED"
	CodeChipNotAllowed         Code = "CHIP_NOT_ALLOWED"
	CodeProductLineNotAccepted Code = "PRODUCT_LINE_NOT_ACCEPTED"
	CodeTCBBelowFloor          Code = "TCB_BELOW_FLOOR"
	CodeTCBStatusNotAccepted   Code = "TCB_STATUS_NOT_ACCEPTED"
	CodeAdvisoryNotAccepted    Code = "ADVISORY_NOT_ACCEPTED"
	CodeCollateralTooOld       Code = "COLLATERAL_TOO_OLD"
	CodeDebugAllowed           Code = "DEBUG_ALLOWED"
	CodeRequirementNotMet      Code = "REQUIREMENT_NOT_MET"
	CodeVMPLTooHigh            Code = "VMPL_TOO_HIGH"
	CodeVLEKNotAccepted        Code = "VLEK_NOT_ACCEPTED"
	CodeLaunchKeyMismatch      Code = "LAUNCH_KEY_MISMATCH"
	CodeHostDataMismatch       Code = "HOST_DATA_MISMATCH"
	CodeEndorsementMissing     Code = "ENDORSEMENT_MISSING"
	CodeEndorsementExpired     Code = "ENDORSEMENT_EXPIRED"
	CodeEndorsementNotYetValid Code = "ENDORSEMENT_NOT_YET_VALID"
	CodeEndorsementStale       Code = "ENDORSEMENT_STALE"

	// FINDINGS_OMITTED is EncodeVerdict's: not all findings fit. It is always Warn.
	CodeFindingsOmitted Code = "FINDINGS_OMITTED"

	// Found by verifiers, before there are claims to appraise. A Finding of one of
	// these codes is always Refuse: there is nothing behind it to be admitted for.
	CodeEvidenceMalformed  Code = "EVIDENCE_MALFORMED"
	CodeSignatureInvalid   Code = "SIGNATURE_INVALID"
	CodeCertificateInvalid Code = "CERTIFICATE_INVALID"
	CodeQuoteInvalid       Code = "QUOTE_INVALID"
	CodeQuoteSelection     Code = "QUOTE_SELECTION"
	CodePCRDigestMismatch  Code = "PCR_DIGEST_MISMATCH"
	CodeAKUnacceptable     Code = "AK_UNACCEPTABLE"
	CodeAKMismatch         Code = "AK_MISMATCH"
	CodeActivationFailed   Code = "ACTIVATION_FAILED"
	CodeEKUnacceptable     Code = "EK_UNACCEPTABLE"

	// Found by the ends of attested sessions, beside or in place of an appraisal. A
	// Finding of one of these codes is always Refuse.
	CodeSessionRefused      Code = "SESSION_REFUSED"
	CodeStatementNotTrusted Code = "STATEMENT_NOT_TRUSTED"
	CodePeerMismatch        Code = "PEER_MISMATCH"
	CodeServerBusy          Code = "SERVER_BUSY"

	// Found by decisions on joining, and on members that are asked to attest. A
	// Finding of one of these codes is Refuse, but for MACHINE_MOVED, where the
	// policy admits moved machines, and NODE_SILENT, before it has been for too long.
	CodeVerdictMissing    Code = "VERDICT_MISSING"
	CodeIdentityMissing   Code = "IDENTITY_MISSING"
	CodeRequestInvalid    Code = "REQUEST_INVALID"
	CodeRequestReplayed   Code = "REQUEST_REPLAYED"
	CodeJoinPolicyMissing Code = "JOIN_POLICY_MISSING"
	CodeStandingStale     Code = "STANDING_STALE"
	CodeNodeRevoked       Code = "NODE_REVOKED"
	CodeClusterFrozen     Code = "CLUSTER_FROZEN"
	CodeNameNotAllowed    Code = "NAME_NOT_ALLOWED"
	CodeNameTaken         Code = "NAME_TAKEN"
	CodeNameMismatch      Code = "NAME_MISMATCH"
	CodeDiskTaken         Code = "DISK_TAKEN"
	CodeIdentityNotListed Code = "IDENTITY_NOT_LISTED"
	CodeApprovalMissing   Code = "APPROVAL_MISSING"
	CodeApprovalExpired   Code = "APPROVAL_EXPIRED"
	CodeApprovalSpent     Code = "APPROVAL_SPENT"
	CodeRoleMismatch      Code = "ROLE_MISMATCH"
	CodeRecordMissing     Code = "RECORD_MISSING"
	CodeRecordInvalid     Code = "RECORD_INVALID"
	CodeDiskMismatch      Code = "DISK_MISMATCH"
	CodePlatformMismatch  Code = "PLATFORM_MISMATCH"
	CodeMachineMoved      Code = "MACHINE_MOVED"
	CodeBootUnknown       Code = "BOOT_UNKNOWN"
	CodeBootNotNew        Code = "BOOT_NOT_NEW"
	CodeCloneAlive        Code = "CLONE_ALIVE"
	CodeLivenessUnknown   Code = "LIVENESS_UNKNOWN"
	CodeNodeNotMember     Code = "NODE_NOT_MEMBER"
	CodeBootMismatch      Code = "BOOT_MISMATCH"
	CodeNodeSilent        Code = "NODE_SILENT"
)

// Severity says what a finding does to the verdict.
type Severity string

// The severities.
const (
	Refuse Severity = "refuse"
	Warn   Severity = "warn"
)

// Finding is one thing about the claims that the policy does not agree with.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"`            // what it is about, as in "PCR 4"
	Expected []string `json:"expected,omitempty"` // any of these would have done
	Seen     string   `json:"seen,omitempty"`     // empty where there was nothing
	// Divergence is the first boot event that differs, where both logs are known.
	Divergence *Divergence `json:"divergence,omitempty"`
	// ExplainedBy names known releases in which the seen value is right.
	ExplainedBy []string `json:"explainedBy,omitempty"`
	Remedy      string   `json:"remedy"` // what to do, in one sentence
}

// Divergence is the first boot event at which a machine left the path of the
// release that it was compared with.
type Divergence struct {
	Position int                `json:"position"` // 0-based, among the register's events
	Expected *measurement.Event `json:"expected,omitempty"`
	Seen     *measurement.Event `json:"seen,omitempty"`
}
