package join_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// decisionCodes are those that decisions on joining find, all of them.
func decisionCodes() []policy.Code {
	return []policy.Code{
		policy.CodeVerdictMissing, policy.CodeIdentityMissing, policy.CodeTimeMissing, policy.CodeRequestInvalid, policy.CodeRequestReplayed,
		policy.CodeJoinPolicyMissing, policy.CodeStandingStale, policy.CodeNodeRevoked, policy.CodeClusterFrozen, policy.CodeNameNotAllowed,
		policy.CodeNameTaken, policy.CodeNameMismatch, policy.CodeDiskTaken, policy.CodeIdentityNotListed, policy.CodeApprovalMissing, policy.CodeApprovalExpired,
		policy.CodeApprovalSpent, policy.CodeRoleMismatch, policy.CodeRecordMissing, policy.CodeRecordInvalid, policy.CodeDiskMismatch,
		policy.CodePlatformMismatch, policy.CodeMachineMoved, policy.CodeBootUnknown, policy.CodeBootNotNew, policy.CodeCloneAlive,
		policy.CodeLivenessUnknown, policy.CodeNodeNotMember, policy.CodeBootMismatch, policy.CodeNodeSilent,
	}
}

type example struct {
	name     string
	decision *join.Decision
}

// examples find everything that there is to find.
func examples() []example {
	nameless := firstJoin()
	nameless.c.Identity = join.Identity{}
	badRequest := firstJoin()
	badRequest.c.Request.Name, badRequest.c.Request.Disk, badRequest.c.Policy, badRequest.now = "A", "sda", 0, time.Time{}
	unknown := firstJoin()
	unknown.c.Policy = 0
	wrong := controlPlane()
	also(frozen, denied)(wrong)
	wrong.f.Standing.Policy.NamePrefixes = []string{"prod-"}
	wrong.f.Standing.Approvals[wrong.c.Identity] = join.Approval{Serial: 8, Role: join.Worker, Name: "node-2", Expires: now.Add(-1)}
	wrong.f.ByName, wrong.f.ByDisk = stranger(), stranger()
	spent := controlPlaneAgain()
	renamed := again()
	renamed.c.Request.Name, renamed.c.Request.Disk = "node-7", disk
	ticketless := rejoin()
	intended(ticketless.f.Own)
	moved := teeRejoin()
	moved.f.Own.Chip = chip(9)
	hidden := teeRejoin()
	hidden.c.Claims.SNP.ChipID = nil
	stays := teeRejoin()
	stays.f.Own.Chip, stays.f.Standing.Policy.Moved = chip(9), join.MovedRefuse
	admits := teeRejoin()
	admits.f.Own.Chip, admits.f.Standing.Policy.Moved = chip(9), join.MovedAdmit
	returning := rejoin()
	sameBoot(returning.f.Own)
	returning.c.Request.Disk, returning.f.Own.Platform = otherDisk, evidence.TPM
	back, round := rejoin(), rejoin()
	back.f.Own.Boot.ResetCount, round.f.Own.Boot.ResetCount = 4, math.MaxUint32
	sleepless := teeRejoin()
	sleepless.f.Own.Boot.Session = hashOf("session 3")
	clone, patient := rejoin(), rejoin()
	clone.f.Other, patient.f.Other = join.Alive, join.NotAsked
	stranded := rejoin()
	stranded.f.Own, stranded.f.Standing.Policy = nil, nil
	stale := rejoin()
	stale.f.Standing.Serial, stale.c.AK = 8, hashOf("").Extend(hashOf(""))
	misplaced := member()
	misplaced.c.Identity = machine("two")
	rebooted := member()
	rebooted.c.AK, rebooted.c.Claims.TPM.ResetCount = hashOf("AK 4"), 4
	early := member()
	early.f.Own.State = join.Intended
	listedOnly := firstJoin()
	listedOnly.f.Standing.Policy.ControlPlane, listedOnly.c.Request.Role = join.AllowList, join.ControlPlane
	bootless := teeJoin()
	bootless.c.Session = stale.c.Session
	return []example{
		{"no verdict", join.Decide(nil, nil, now)},
		{"nobody", nameless.decide()},
		{"a request that no node writes, at no time", badRequest.decide()},
		{"what makes no record", unknown.decide()},
		{"a request that was used before", join.Replayed(join.RequestID{1})},
		{"a first join in every way wrong", wrong.decide()},
		{"a machine that is not listed", unlisted().decide()},
		{"a machine that is listed for another role", listedOnly.decide()},
		{"a machine without an approval", teeControlPlane().decide()},
		{"a machine with a spent approval", spent.decide()},
		{"a member that joins anew with its disk and another name", renamed.decide()},
		{"a return of who never was a member", ticketless.decide()},
		{"a boot that nobody knows", bootless.decide()},
		{"a return that is in every way wrong", returning.decide()},
		{"a confidential machine in the same session", sleepless.decide()},
		{"a TPM that was set back", back.decide()},
		{"a TPM whose counter is at its end", round.decide()},
		{"a clone", clone.decide()},
		{"the machine was not asked", patient.decide()},
		{"nobody knows the machine, or the policy", stranded.decide()},
		{"older directives than the record's", stale.decide()},
		{"a machine that moved", moved.decide()},
		{"a machine that moved and may", admits.decide()},
		{"a machine that moved and may not", stays.decide()},
		{"a machine that hides its chip", hidden.decide()},
		{"another machine attests", misplaced.reattest()},
		{"a member in another boot", rebooted.reattest()},
		{"a node without a ticket", early.reattest()},
		{"a silent member", join.Unreachable(member().f.Own, nil, now, now.Add(time.Minute))},
		{"a member that was silent for too long", join.Unreachable(member().f.Own, nil, now, now.Add(time.Hour))},
		{"a member that nobody knows how long", join.Unreachable(member().f.Own, nil, now.Add(time.Hour), now)},
	}
}

// What decisions say to people and programs is golden: codes, severities, texts.
func TestFindingsAreGolden(t *testing.T) {
	var got bytes.Buffer
	var seen []policy.Code
	for _, e := range examples() {
		data, err := json.MarshalIndent(e.decision.Findings, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString("== " + e.name + ": " + string(e.decision.Outcome) + " " + string(e.decision.Cause) + "\n")
		got.Write(append(data, '\n'))
		seen = slices.Concat(seen, e.decision.Codes(), e.decision.Warnings())
	}
	golden := filepath.Join("testdata", "findings.golden.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("findings changed; run with -update and look at the difference")
	}
	for _, code := range decisionCodes() {
		if !slices.Contains(seen, code) {
			t.Errorf("no example finds %s", code)
		}
	}
}

// Every refusal can travel to the candidate, and says what to do.
func TestFindingsTravel(t *testing.T) {
	for _, e := range examples() {
		v := policy.Verdict{Admitted: e.decision.Outcome == join.Admitted, Findings: e.decision.Findings}
		if _, err := policy.EncodeVerdict(v); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
		for i := range e.decision.Findings {
			if f := &e.decision.Findings[i]; len(f.Remedy) < len("Do it.") || f.Remedy[len(f.Remedy)-1] != '.' || f.Subject == "" {
				t.Errorf("%s: %s has subject %q and remedy %q", e.name, f.Code, f.Subject, f.Remedy)
			}
		}
	}
}
