package join

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// removal is what makes room for a machine whose record stands in its way.
// A sealed disk keeps it from joining, and with the record the cluster forgets how
// often the TPM was reset.
const removal = "remove the node's record, have its disk wiped, and let the machine join anew, but be sure first that it is no copy"

func verdictMissing() policy.Finding {
	return policy.Finding{
		Code: policy.CodeVerdictMissing, Severity: policy.Refuse, Subject: "evidence", Expected: []string{"a verdict that admits it"},
		Remedy: "Let the machine attest in a session; without a verdict on its evidence it is nobody.",
	}
}

func identityMissing() policy.Finding {
	return policy.Finding{
		Code: policy.CodeIdentityMissing, Severity: policy.Refuse, Subject: "identity",
		Expected: []string{"a proven endorsement key", "on platforms without a TPM, the instance's name"},
		Remedy:   "Check that the node can read its TPM's endorsement key and answers the challenge for it, or that the provider names the instance.",
	}
}

func timeMissing() policy.Finding {
	return policy.Finding{
		Code: policy.CodeTimeMissing, Subject: "time", Expected: []string{"the time of the decision"},
		Remedy: "The JoinService must know the time; set its clock.",
	}
}

func requestInvalid(p policy.Problem) policy.Finding {
	if p.Path == "name" {
		return policy.Finding{Code: policy.CodeNameNotAllowed, Subject: "node name", Seen: p.Message, Remedy: nameRemedy}
	}
	return policy.Finding{
		Code: policy.CodeRequestInvalid, Subject: "request's " + p.Path, Seen: p.Message,
		Remedy: "Compare the versions of the node and the JoinService; a node of this version writes no such request.",
	}
}

// Replayed returns the refusal of a request whose ID was used before, by another
// machine or for other content.
func Replayed(id RequestID) *Decision {
	return &Decision{Outcome: Refused, Cause: ByPolicy, Findings: []policy.Finding{{
		Code: policy.CodeRequestReplayed, Severity: policy.Refuse, Subject: "request " + id.String(),
		Expected: []string{"the machine and the content that the ID was first used for"},
		Remedy:   "Let the node make a new request, with a new ID; if it did, somebody repeats what others asked.",
	}}}
}

func policyMissing() policy.Finding {
	return policy.Finding{
		Code: policy.CodeJoinPolicyMissing, Subject: "join policy", Expected: []string{"a policy that the owner signed"},
		Remedy: "Let the owner sign a join policy; until then nobody may join.",
	}
}

func standingStale(what string, known, seen uint64) policy.Finding {
	return policy.Finding{
		Code: policy.CodeStandingStale, Subject: what,
		Expected: []string{fmt.Sprintf("serial %d or later, as records name", known)}, Seen: fmt.Sprintf("serial %d", seen),
		Remedy: "Try again; if it persists, the JoinService reads a store that was set back: restore it from its newest copy.",
	}
}

func nodeRevoked(d Denial) policy.Finding {
	seen := "a record that is revoked"
	if d.Serial != 0 {
		seen = fmt.Sprintf("denied by directive %d", d.Serial)
	}
	return policy.Finding{
		Code: policy.CodeNodeRevoked, Subject: "identity", Seen: seen,
		Remedy: "The owner keeps this machine out for good; join with another one.",
	}
}

func clusterFrozen() policy.Finding {
	return policy.Finding{
		Code: policy.CodeClusterFrozen, Subject: "cluster", Expected: []string{"no freeze"}, Seen: "frozen for first joins",
		Remedy: "Wait until the owner thaws the cluster; members that reboot may return meanwhile.",
	}
}

const nameRemedy = "Give the node a name that the policy allows and that Kubernetes can use, or let the owner sign a policy or approval for this one."

func nameNotAllowed(allowed []string, name NodeName) policy.Finding {
	return policy.Finding{
		Code: policy.CodeNameNotAllowed, Subject: "node name", Expected: allowed, Seen: shown(string(name)), Remedy: nameRemedy,
	}
}

func startingWith(prefixes []string) []string {
	var out []string
	for _, p := range prefixes {
		out = append(out, p+"…")
	}
	return out
}

func nameTaken(name NodeName) policy.Finding {
	return policy.Finding{
		Code: policy.CodeNameTaken, Subject: "node name", Expected: []string{"a name that no other machine holds"}, Seen: string(name),
		Remedy: "Give the node another name; if the machine that holds this one is gone, remove its record first.",
	}
}

func diskTaken(disk string) policy.Finding {
	return policy.Finding{
		Code: policy.CodeDiskTaken, Subject: "state disk", Expected: []string{"a disk that no other machine holds"}, Seen: shown(disk),
		Remedy: "Give the machine its own state disk, or have this one wiped, which gives it another UUID.",
	}
}

func diskMismatch(known, seen string) policy.Finding {
	return policy.Finding{
		Code: policy.CodeDiskMismatch, Subject: "state disk", Expected: []string{known}, Seen: shown(seen),
		Remedy: "Attach the disk with which the machine joined last; disks were swapped, or this one is from before.",
	}
}

func diskUsed(disk string) policy.Finding {
	return policy.Finding{
		Code: policy.CodeDiskTaken, Subject: "state disk", Expected: []string{"a disk that the node has formatted for this join"}, Seen: shown(disk),
		Remedy: "Let the node return with its disk, or have the disk wiped and let it join anew: who joins gets no key of a disk that was joined with before.",
	}
}

func nameMismatch(known, seen NodeName) policy.Finding {
	return policy.Finding{
		Code: policy.CodeNameMismatch, Subject: "node name", Expected: []string{string(known)}, Seen: shown(string(seen)),
		Remedy: "Give the node the name that the machine has already; for another one, switch the node off and remove its record first.",
	}
}

func identityNotListed(i Identity) policy.Finding {
	return policy.Finding{
		Code: policy.CodeIdentityNotListed, Subject: "identity", Expected: []string{"a machine that the join policy lists"}, Seen: i.String(),
		Remedy: "Check that this is your machine, then let the owner sign a join policy that lists it.",
	}
}

func approvalMissing(c *Candidate, seen string) policy.Finding {
	return policy.Finding{
		Code: policy.CodeApprovalMissing, Subject: "approval",
		Expected: []string{fmt.Sprintf("an approval of %s as %s", c.Identity, c.Request.Role)}, Seen: seen,
		Remedy: "Check that this is your machine, then approve it; it asks again by itself.",
	}
}

func approvalExpired(a *Approval) policy.Finding {
	return policy.Finding{
		Code: policy.CodeApprovalExpired, Subject: "approval", Expected: []string{"an approval that has not expired"},
		Seen:   fmt.Sprintf("directive %d, expired at %s", a.Serial, a.Expires.UTC().Format(time.RFC3339)),
		Remedy: "Approve the machine again, if it should still join.",
	}
}

func approvalSpent(a *Approval) policy.Finding {
	return policy.Finding{
		Code: policy.CodeApprovalSpent, Subject: "approval", Expected: []string{"an approval that no join has used"},
		Seen:   fmt.Sprintf("directive %d, on which a join rests already", a.Serial),
		Remedy: "Find out why the machine joins a second time, then approve it again.",
	}
}

func roleMismatch(allowed []Role, role Role) policy.Finding {
	f := policy.Finding{
		Code: policy.CodeRoleMismatch, Subject: "role", Seen: shown(string(role)),
		Remedy: "Configure the node for the role that it may have, or list or approve it for the other.",
	}
	for _, r := range allowed {
		f.Expected = append(f.Expected, string(r))
	}
	return f
}

func recordMissing() policy.Finding {
	return policy.Finding{
		Code: policy.CodeRecordMissing, Subject: "record", Expected: []string{"a record of this machine"},
		Remedy: "The cluster does not know the machine: check that it is the right cluster; if its record was removed, wipe its state disk on the owner's signature, and let it join anew.",
	}
}

func neverMember() policy.Finding {
	f := notAMember()
	f.Seen = "a first join for which no ticket has left"
	f.Remedy = "The node never was a member with this disk, so there is nothing to return to: have the disk wiped, and let the node join anew."
	return f
}

func recordForeign() policy.Finding {
	f := recordMissing()
	f.Seen, f.Remedy = "another machine's", "Check the address: another machine answers in the place of the node."
	return f
}

func recordInvalid(p policy.Problem) policy.Finding {
	return policy.Finding{
		Code: policy.CodeRecordInvalid, Subject: "record's " + p.Path, Seen: p.Message,
		Remedy: "What is known of the machine makes no record; compare the versions of the node and the JoinService.",
	}
}

func platformMismatch(known, seen evidence.Platform) policy.Finding {
	return policy.Finding{
		Code: policy.CodePlatformMismatch, Subject: "platform", Expected: []string{string(known)}, Seen: string(seen),
		Remedy: "Run the machine as what it was when it joined; if it is meant to be another kind now, " + removal + ".",
	}
}

func machineMoved(known, seen policy.Hex, mode Moved) policy.Finding {
	f := policy.Finding{Code: policy.CodeMachineMoved, Subject: "chip", Expected: []string{known.String()}, Seen: seen.String()}
	switch {
	case mode == MovedAdmit:
		f.Remedy = "The machine runs on another processor; if nobody moved it, find out who holds its disk and its TPM's state."
	case mode == MovedApprove:
		f.Remedy = "If you moved the machine, approve it with its new chip; it asks again by itself."
	case len(seen) == 0:
		f.Remedy = "Ask the provider not to hide the chip's ID, or sign a join policy that admits moved machines."
	default:
		f.Remedy = "Move the machine back, or sign a join policy in which moved machines may be approved."
	}
	return f
}

func bootUnknown() policy.Finding {
	return policy.Finding{
		Code: policy.CodeBootUnknown, Subject: "boot", Expected: []string{"the hash of the attestation key", "on platforms without a TPM, the hash of the boot's session"},
		Remedy: "Compare the versions of both ends; nothing tells this boot of the machine from others.",
	}
}

func bootNotNew(own *Record, seen Boot) policy.Finding {
	f := policy.Finding{Code: policy.CodeBootNotNew, Subject: "boot", Expected: []string{"a later one than: " + own.Boot.String()}, Seen: seen.String()}
	switch {
	case own.Boot.ResetCount == math.MaxUint32:
		f.Remedy = "The TPM's counter of resets cannot grow any more: " + removal + "."
	case own.Identity.byTPM() && seen.ResetCount < own.Boot.ResetCount:
		f.Remedy = "The TPM was cleared, or set back with an older state of the machine; if you did that, " + removal + "."
	default:
		f.Remedy = "Reboot the machine: one boot gets one ticket, and suspending or restarting without a reset is no boot."
	}
	return f
}

func cloneAlive() policy.Finding {
	return policy.Finding{
		Code: policy.CodeCloneAlive, Subject: "machine", Expected: []string{"nobody who answers as this node"}, Seen: "a live node with the same keys",
		Remedy: "Stop one of the two machines: somebody runs a copy of this node, its disk and its TPM's state.",
	}
}

func livenessUnknown() policy.Finding {
	return policy.Finding{
		Code: policy.CodeLivenessUnknown, Subject: "machine", Expected: []string{"that the machine of the record was asked whether it lives"},
		Remedy: "Nothing: the node asks again by itself.",
	}
}

func notAMember() policy.Finding {
	return policy.Finding{
		Code: policy.CodeNodeNotMember, Subject: "record", Expected: []string{string(Member), string(Withheld)}, Seen: "a node whose join has not ended",
		Remedy: "Wait until the node has its ticket; if its join failed, let it ask again.",
	}
}

func keyMismatch(known, seen measurement.Digest) policy.Finding {
	return policy.Finding{
		Code: policy.CodeBootMismatch, Subject: "attestation key", Expected: []string{known.String()}, Seen: seen.String(),
		Remedy: "The node attests with another key than it joined with; reboot it, so that it rejoins.",
	}
}

func bootMismatch(known, seen Boot) policy.Finding {
	return policy.Finding{
		Code: policy.CodeBootMismatch, Subject: "boot", Expected: []string{known.String()}, Seen: seen.String(),
		Remedy: "The machine was reset or suspended since it got its keys; reboot it, so that it rejoins.",
	}
}

// nodeSilent tells for how long; a silence below zero is one whose beginning
// nobody knows.
func nodeSilent(silence, bound time.Duration) policy.Finding {
	seen := "none since a time that is yet to come: a clock was wrong"
	if silence >= 0 {
		seen = fmt.Sprintf("none for %v", silence.Truncate(time.Second))
	}
	return policy.Finding{
		Code: policy.CodeNodeSilent, Subject: "node", Expected: []string{fmt.Sprintf("an answer within %v", bound)}, Seen: seen,
		Remedy: "Check that the machine runs and can be reached; once it attests it is a member again.",
	}
}

// shown returns what a machine wrote as it is, unless that is none of the names
// that are expected there.
func shown(text string) string {
	const longest = 64 // bytes
	outside := func(r rune) bool { return !isLowerAlphanumeric(r) && r != '-' && r != '.' }
	if len(text) > longest || strings.ContainsFunc(text, outside) {
		return fmt.Sprintf("%.64q", text)
	}
	return text
}

// problemsOf returns what an *InvalidError lists.
func problemsOf(err error) []policy.Problem {
	if invalid := (*InvalidError)(nil); errors.As(err, &invalid) {
		return invalid.Problems
	}
	return []policy.Problem{{Message: err.Error()}}
}

// codesOf returns the codes of one severity, each once, at most MaxCodes.
func codesOf(findings []policy.Finding, severity policy.Severity) []policy.Code {
	var codes []policy.Code
	for i := range findings {
		f := &findings[i]
		if f.Severity == severity && !slices.Contains(codes, f.Code) && len(codes) < MaxCodes {
			codes = append(codes, f.Code)
		}
	}
	return codes
}
