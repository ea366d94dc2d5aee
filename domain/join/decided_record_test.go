package join_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func comparables() cmp.Option {
	return cmpopts.EquateComparable(join.Identity{}, measurement.Digest{})
}

func TestFirstJoinsRecord(t *testing.T) {
	s := controlPlane()
	s.now = now.Add(1234567 * time.Nanosecond).In(time.FixedZone("elsewhere", 3600))
	want := &join.Record{
		Version: join.RecordVersion, Serial: 1, Identity: machine("one"), State: join.Intended, Name: "node-1", Role: join.ControlPlane,
		Disk: disk, Platform: evidence.QEMUVTPM, Boot: join.Boot{ResetCount: 3, RestartCount: 1, AK: hashOf("AK 3")},
		Request: join.RequestID{1}, Kind: join.FirstJoin, Release: "v1.2.3", Policy: 4, Directive: 9, Approval: 8, Spent: 8,
		Evidence: hashOf("evidence"), Joined: now.Add(time.Millisecond), Attested: now.Add(time.Millisecond),
	}
	if diff := cmp.Diff(want, s.decide().Record, comparables()); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestRejoinsRecord(t *testing.T) {
	s := controlPlane().rejoins()
	s.f.Own.State, s.f.Own.Codes = join.Withheld, codes("NODE_SILENT")
	s.c.Policy, s.f.Standing.Serial, s.c.Verdict.Release, s.c.Evidence = 5, 11, "v1.3.0", hashOf("other evidence")
	want := s.f.Own.Clone()
	want.Serial, want.State, want.Codes = 3, join.Intended, nil
	want.Boot = join.Boot{ResetCount: 3, RestartCount: 1, AK: hashOf("AK 3")} // the holder stays the one that has a ticket
	want.Request, want.Kind = join.RequestID{3}, join.Rejoin
	want.Release, want.Policy, want.Directive, want.Evidence, want.Attested = "v1.3.0", 5, 11, hashOf("other evidence"), now
	d := s.decide()
	if diff := cmp.Diff(want, d.Record, comparables()); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// A machine without a TPM has a session for a boot, and shows its chip.
func TestConfidentialMachinesRecord(t *testing.T) {
	r := teeJoin().decide().Record
	if want := (join.Boot{Session: hashOf("session 3")}); r.Boot != want || !cmp.Equal(r.Chip, chip(1)) || r.Approval != 0 {
		t.Errorf("boot %v, chip %v, approval %d", r.Boot, r.Chip, r.Approval)
	}
}

// An approval that was used stays used, whatever the machine joined as since.
func TestSpentApprovalsStaySpent(t *testing.T) {
	s := teeControlPlane()
	s.f.Standing.Approvals[s.c.Identity] = approved(join.ControlPlane, 8)
	s.joinsAnew()
	s.f.Standing.Approvals[s.c.Identity] = approved(join.Worker, 9)
	s.c.Request.Role = join.Worker
	s.joined()
	s.c.Request.Disk, s.f.ByDisk = otherDisk, nil
	if r := s.f.Own; r.Role != join.Worker || r.Approval != 9 || r.Spent != 9 {
		t.Fatalf("%s by approval %d, spent %d", r.Role, r.Approval, r.Spent)
	}
	s.joined() // as a matter of course: the role is the same
	s.c.Request.Disk, s.f.ByDisk = disk, nil
	if r := s.f.Own; r.Approval != 0 || r.Spent != 9 {
		t.Fatalf("approval %d, spent %d", r.Approval, r.Spent)
	}
	s.f.Standing.Approvals[s.c.Identity] = approved(join.ControlPlane, 8)
	s.c.Request.Role = join.ControlPlane
	checkDecision(t, s.decide(), join.Awaiting, codes("APPROVAL_SPENT"))
}

func TestApprovalOfAMoveIsSpent(t *testing.T) {
	s := teeRejoin()
	s.f.Own.Chip = chip(9)
	s.f.Standing.Approvals[s.c.Identity] = join.Approval{Serial: 9, Role: join.Worker, Chip: chip(1), Expires: now}
	r := s.decide().Record
	if r.Spent != 9 || r.Approval != 0 || !cmp.Equal(r.Chip, chip(1)) {
		t.Errorf("approval %d, spent %d, chip %v", r.Approval, r.Spent, r.Chip)
	}
}

// What is wrong with the one approval that role and chip rest on is told once.
func TestApprovalIsWeighedOnce(t *testing.T) {
	s := teeAgain()
	also(chipChanges, moves(join.ControlPlane), ask(join.ControlPlane))(s)
	if r := s.decide().Record; r.Spent != 9 || r.Approval != 9 || !cmp.Equal(r.Chip, chip(1)) {
		t.Errorf("approval %d, spent %d, chip %v", r.Approval, r.Spent, r.Chip)
	}
	s.f.Own.Spent = 9
	if d := s.decide(); len(d.Findings) != 1 || d.Findings[0].Code != policy.CodeApprovalSpent {
		t.Errorf("findings %+v", d.Findings)
	}
}

// A chip that the host hides is remembered, so that it counts the next time.
func TestHiddenChipIsRemembered(t *testing.T) {
	s := teeRejoin()
	s.c.Claims.SNP.ChipID, s.f.Standing.Policy.Moved = nil, join.MovedAdmit
	if r := s.decide().Record; !cmp.Equal(r.Chip, chip(1)) {
		t.Errorf("chip %v", r.Chip)
	}
	again := teeAgain()
	again.c.Claims.SNP.ChipID, again.f.Standing.Policy.Moved = nil, join.MovedAdmit
	if r := again.decide().Record; !cmp.Equal(r.Chip, chip(1)) {
		t.Errorf("forgotten by joining anew: chip %v", r.Chip)
	}
	tdx := teeRejoin()
	tdx.c.Claims.SNP, tdx.c.Claims.TDX = nil, &policy.TDXClaims{PPID: chip(1)}
	if d := tdx.decide(); d.Outcome != join.Admitted {
		t.Errorf("a PPID is no chip: %v", d.Codes())
	}
}
