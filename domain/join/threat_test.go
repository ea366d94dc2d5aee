package join_test

import (
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// A machine that bears a mark is a member already, of this cluster or another
// one: its evidence says so, and nothing that the records say admits it.
func TestThreat05MarkedMachineDoesNotJoin(t *testing.T) {
	for _, s := range []*situation{firstJoin(), rejoin()} {
		s.c.Verdict = policy.Verdict{MarkChecked: true, Findings: []policy.Finding{{Code: policy.CodeMarkMismatch, Severity: policy.Refuse, Subject: "PCR 15", Remedy: "Reboot it."}}}
		if d := s.decide(); d.Outcome != join.Refused || d.Cause != join.ByEvidence || d.Record != nil {
			t.Errorf("%s by %q", d.Outcome, d.Cause)
		}
	}
}

// A locked node of another cluster that is led here finds no record of itself,
// and gets nothing that would fit its disk.
func TestThreat02DivertedNodeDoesNotRejoin(t *testing.T) {
	s := rejoin()
	s.f.Own, s.f.ByName, s.f.ByDisk = nil, nil, nil
	checkDecision(t, s.decide(), join.Refused, codes("RECORD_MISSING"))
}

// Two machines whose disks were swapped: neither has the other's key.
func TestThreat12SwappedDisksAreRefused(t *testing.T) {
	s := rejoin()
	s.c.Request.Disk, s.f.ByDisk = otherDisk, stranger()
	checkDecision(t, s.decide(), join.Refused, codes("DISK_TAKEN", "DISK_MISMATCH"))
}

// The key of yesterday's disk, which the machine has replaced since, is not given
// out, and not as a first join of another machine either.
func TestThreat12YesterdaysDiskIsRefused(t *testing.T) {
	s := again()
	s.c.Request.Disk = otherDisk
	s.f.Own = s.decide().Record.Next(join.Member)
	s.f.Own.Boot.ResetCount = 2
	s.c.Request = &join.Request{ID: join.RequestID{5}, Kind: join.Rejoin, Disk: disk}
	checkDecision(t, s.decide(), join.Refused, codes("DISK_MISMATCH"))
}

// Two clones of a machine: each alone could be the machine, both at once are not.
func TestThreat12SecondCloneIsRefused(t *testing.T) {
	first := rejoin()
	admitted := first.decide().Record.Next(join.Member)
	for name, claims := range map[string]func(*policy.TPMClaims){
		"in the same boot":   func(*policy.TPMClaims) {},
		"in a later one":     func(c *policy.TPMClaims) { c.ResetCount++ },
		"in an earlier one":  func(c *policy.TPMClaims) { c.ResetCount-- },
		"restarted":          func(c *policy.TPMClaims) { c.RestartCount++ },
		"in the first again": func(c *policy.TPMClaims) { c.ResetCount = 0 },
	} {
		second := rejoin()
		second.c.Request.ID = join.RequestID{9}
		second.f.Own, second.f.ByName, second.f.ByDisk, second.f.Other = admitted, admitted, admitted, join.Alive
		claims(second.c.Claims.TPM)
		if d := second.decide(); d.Outcome != join.Refused || d.Record != nil {
			t.Errorf("a clone %s is %s", name, d.Outcome)
		}
	}
}

// A copy that was admitted while the machine was silent, and got no ticket then, is
// refused as soon as the machine answers again: in the same boot or a later one, as
// who returns or as who joins anew.
func TestThreat12IntentDoesNotHideTheLivingMachine(t *testing.T) {
	for name, s := range map[string]*situation{"rejoin": rejoin(), "first join": again(), "rejoin without a TPM": teeRejoin(), "first join without a TPM": teeAgain()} {
		held := s.f.Own.Boot
		intent := s.decide().Record
		if intent == nil || intent.Holder != held || intent.Held() != held {
			t.Fatalf("%s: the record forgets who has a ticket: %+v", name, intent)
		}
		s.f.Own, s.f.ByName, s.f.ByDisk = intent, intent, intent
		for range 3 { // intents upon intents
			for other, want := range map[join.Liveness]policy.Code{join.Alive: policy.CodeCloneAlive, join.NotAsked: policy.CodeLivenessUnknown} {
				s.f.Other = other
				checkDecision(t, s.decide(), join.Refused, codes(want))
			}
			s.f.Other = join.Silent
			s.f.Own = s.decide().Record
			if tpm := s.c.Claims.TPM; tpm != nil && s.c.Request.Kind == join.Rejoin {
				tpm.ResetCount++
			}
		}
		if s.f.Own.Held() != held || s.f.Own.Next(join.Member).Held() != s.f.Own.Boot {
			t.Errorf("%s: %+v", name, s.f.Own)
		}
	}
}

// The same keys in a machine whose memory the host can read: it gets no key of
// the confidential machine's disk, as a return or as a first join.
func TestThreat12ConfidentialMachineDoesNotComeBackAsAnother(t *testing.T) {
	for name, s := range map[string]*situation{"rejoin": rejoin(), "first join": again()} {
		s.f.Own.Platform = "azure-snp"
		s.c.Claims.Platform = "azure-trustedlaunch"
		if d := s.decide(); d.Outcome != join.Refused || d.Record != nil {
			t.Errorf("%s: %s", name, d.Outcome)
		}
	}
}

// A machine that set its TPM back to a state from before is not believed.
func TestThreat12RolledBackTPMIsRefused(t *testing.T) {
	s := rejoin()
	s.f.Own.Boot.ResetCount = 100
	checkDecision(t, s.decide(), join.Refused, codes("BOOT_NOT_NEW"))
}

// What the store shows of the owner's word may be old; records remember better.
func TestThreat30OlderDirectivesDecideNothing(t *testing.T) {
	for name, s := range map[string]*situation{"rejoin": rejoin(), "join again": again(), "by the holder of the name": firstJoin(), "by the holder of the disk": firstJoin()} {
		switch name {
		case "by the holder of the name":
			s.f.ByName = stranger()
		case "by the holder of the disk":
			s.f.ByDisk = stranger()
		}
		s.f.Standing.Serial = 8
		d := s.decide()
		if found := d.Codes(); d.Outcome != join.Refused || found[0] != policy.CodeStandingStale {
			t.Errorf("%s: %s, %v", name, d.Outcome, found)
		}
	}
}

// A machine whose first join got no ticket never was a member: it does not come in
// by the door of those who return, past a freeze and the end of its approval.
func TestThreat12NodeWithoutATicketDoesNotReturn(t *testing.T) {
	s := controlPlane()
	s.f.Own = s.decide().Record
	s.f.ByDisk = s.f.Own
	frozen(s)
	s.now = now.Add(30 * 24 * time.Hour)
	s.c.Request = &join.Request{ID: join.RequestID{3}, Kind: join.Rejoin, Disk: disk}
	s.c.Claims.TPM.ResetCount++
	checkDecision(t, s.decide(), join.Refused, codes("NODE_NOT_MEMBER"))
	s.f.Own = s.f.Own.Next(join.Member)
	s.f.Other = join.Silent
	checkDecision(t, s.decide(), join.Admitted, nil)
}

// The key of a disk that may be sealed is for a rejoin only, which compares it
// with the record: a first join gets none, whoever the disk belongs to.
func TestThreat12FirstJoinGetsNoHeldDisk(t *testing.T) {
	for name, change := range map[string]func(*situation){
		"its own":                           own(func(r *join.Record) { r.Disk = disk }),
		"its own, as the record alone says": func(s *situation) { s.f.Own.Disk, s.f.ByDisk = disk, nil },
		"its own, of a withheld node":       own(func(r *join.Record) { r.Disk, r.State, r.Codes = disk, join.Withheld, codes("NODE_SILENT") }),
		"its own, after a return":           own(func(r *join.Record) { r.Disk, r.State, r.Kind = disk, join.Intended, join.Rejoin }),
		"its own, of another boot":          own(func(r *join.Record) { r.Disk, r.State = disk, join.Intended }),
		"one from before":                   keep,
		"one from before the open join":     own(func(r *join.Record) { intended(r); sameBoot(r) }),
		"another machine's":                 func(s *situation) { s.f.ByDisk = stranger() },
	} {
		s := again()
		s.f.Own = s.f.Own.Clone()
		s.c.Request.Disk, s.f.Own.Disk, s.f.ByDisk = disk, otherDisk, s.f.Own
		change(s)
		if d := s.decide(); d.Outcome != join.Refused || d.Record != nil || !slices.Contains(d.Codes(), policy.CodeDiskTaken) {
			t.Errorf("%s: %s, %v", name, d.Outcome, d.Codes())
		}
	}
}

// A machine on another chip does not get round what the owner says of moves by
// joining anew.
func TestThreat12MovedMachineDoesNotJoinAnew(t *testing.T) {
	for mode, want := range map[join.Moved]join.Outcome{join.MovedApprove: join.Awaiting, join.MovedRefuse: join.Refused} {
		s := teeAgain()
		s.f.Own.Chip, s.f.Standing.Policy.Moved = chip(9), mode
		checkDecision(t, s.decide(), want, codes("MACHINE_MOVED"))
	}
}

// Certificates live on when their machine joins anew: a name stays with it until
// its record is removed.
func TestThreat18NamesDoNotComeFree(t *testing.T) {
	for _, state := range []join.State{join.Member, join.Withheld, join.Intended} {
		s := again()
		s.f.ByName, s.c.Request.Name = nil, "node-7"
		s.f.Own.State = state
		checkDecision(t, s.decide(), join.Refused, codes("NAME_MISMATCH"))
	}
}

// Whoever answers at a node's address can show what is not the node's: that keeps
// the node out no sooner than if nobody answered.
func TestThreat23StrangersEvidenceIsSilence(t *testing.T) {
	binding := policy.Finding{Code: policy.CodeBindingMismatch, Severity: policy.Refuse, Subject: "report data", Remedy: "Try again."}
	for name, change := range map[string]func(*situation){
		"nothing":                func(s *situation) { s.c = nil },
		"no identity":            func(s *situation) { s.c.Identity = join.Identity{} },
		"no claims":              func(s *situation) { s.c.Claims = nil },
		"an unproven key":        func(s *situation) { s.c.Claims.TPM.AKProof = "" },
		"another machine's":      func(s *situation) { s.c.Identity, s.c.Claims = machine("two"), tpmClaims("two") },
		"of another session":     func(s *situation) { s.c.Verdict = policy.Verdict{Findings: []policy.Finding{binding}} },
		"refused, no identity":   also(refusedEvidence, func(s *situation) { s.c.Identity = join.Identity{} }),
		"refused, no claims":     also(refusedEvidence, func(s *situation) { s.c.Claims = nil }),
		"refused, of another":    also(refusedEvidence, func(s *situation) { s.c.Identity, s.c.Claims = machine("two"), tpmClaims("two") }),
		"under older directives": func(s *situation) { s.c.Identity, s.f.Standing.Serial = join.Identity{}, 8 },
	} {
		s := member()
		change(s)
		if d := s.reattest(); !d.Silence || d.Outcome != join.Refused || d.Record != nil || len(d.Codes()) == 0 {
			t.Errorf("%s: %s, silence %v, record %v", name, d.Outcome, d.Silence, d.Record)
		}
	}
}

// A clock that was ahead when a member attested does not keep others from seeing
// that it is silent.
func TestThreat28ClockAheadHidesNoSilence(t *testing.T) {
	r, s := member().f.Own, member().f.Standing
	for ahead, want := range map[time.Duration]join.Outcome{
		12 * time.Hour: join.Refused, join.MaxSkew + 1: join.Refused, join.MaxSkew: join.Admitted, time.Second: join.Admitted,
	} {
		d := join.Unreachable(r, s, now.Add(ahead), now)
		if d.Outcome != want || (d.Record != nil) != (want == join.Refused) {
			t.Errorf("attested in %v: %s, record %v", ahead, d.Outcome, d.Record)
		}
	}
}

// What such a clock has written is put right by the next attestation.
func TestThreat28ClockAheadIsPutRight(t *testing.T) {
	s := member()
	s.f.Own.Attested = now.Add(12 * time.Hour)
	if d := s.reattest(); d.Record == nil || !d.Record.Attested.Equal(now) {
		t.Errorf("record %+v", d.Record)
	}
}
