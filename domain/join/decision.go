package join

import (
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// Candidate is a node that asks, with what its attested session has shown.
type Candidate struct {
	Request  *Request // nil when a member is re-attested
	Identity Identity
	Claims   *policy.Claims
	Verdict  policy.Verdict
	AK       measurement.Digest // SHA-256 of the attestation key's public area; zero where there is no TPM
	Session  measurement.Digest // where there is no TPM: SHA-256 of what the platform calls one boot
	Evidence measurement.Digest // SHA-256 of the evidence
	Policy   uint64             // serial of the attestation policy behind the verdict
}

// Liveness is whether the machine that got a record's last ticket was reached just
// now.
type Liveness string

// What asking the machine may show.
const (
	NotAsked Liveness = ""
	Silent   Liveness = "silent" // nothing that proves itself as the record's node answers
	Alive    Liveness = "alive"  // it attests, in the boot that got the last ticket: Record.Held
)

// Facts is what the cluster knows that bears on a candidate. Decisions never
// change it, and keep nothing of it.
type Facts struct {
	Standing *Standing
	Own      *Record  // of the candidate's identity; nil where there is none
	ByName   *Record  // that holds the name asked for
	ByDisk   *Record  // that holds the disk asked for; where its node was removed, one that names identity and disk alone
	Other    Liveness // of Own's node, in the boot Own.Held
}

// Outcome is what becomes of a candidate.
type Outcome string

// The outcomes.
const (
	Admitted Outcome = "admitted"
	Awaiting Outcome = "waiting" // for an approval
	Refused  Outcome = "refused"
)

// Cause says who can do something about a refusal. It decides the status that
// the candidate sees.
type Cause string

// The causes.
const (
	ByEvidence Cause = "evidence" // PermissionDenied
	ByPolicy   Cause = "policy"   // FailedPrecondition
)

// Decision is what was decided, and why.
type Decision struct {
	Outcome  Outcome
	Cause    Cause            // empty where admitted
	Findings []policy.Finding // never nil; refusals first
	// Record is as it is to be written if nothing that was known has changed; nil
	// where nothing is to be written.
	Record *Record
	// Silence says that re-attestation has shown nothing of the node, good or bad:
	// the caller goes on as if nobody had answered (Unreachable). The outcome is
	// Refused, and nothing is to be written for the findings' own sake.
	Silence bool
	// Ask says that the decision needs Facts.Other: the caller asks the machine of
	// the record, and decides again. The outcome is Refused until then.
	Ask bool
}

// Codes returns the codes of the findings that refuse, each once, at most
// MaxCodes.
func (d *Decision) Codes() []policy.Code { return codesOf(d.Findings, policy.Refuse) }

// Warnings returns the codes of the findings that only warn, each once, at most
// MaxCodes.
func (d *Decision) Warnings() []policy.Code { return codesOf(d.Findings, policy.Warn) }
