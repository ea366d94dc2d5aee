package join_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// question is one line of what becomes of a node that was asked to attest; state
// is empty where nothing is to be written.
type question struct {
	name   string
	start  func() *situation
	change func(*situation)
	state  join.State
	codes  []policy.Code
}

func confidential() *situation { return attests(teeJoin()) }

func refusedEvidence(s *situation) {
	s.c.Verdict = policy.Verdict{Findings: []policy.Finding{{Code: policy.CodeReleaseWithdrawn, Severity: policy.Refuse, Subject: "v1.2.3", Remedy: "Boot another."}}}
}

// verifierLacks is a verdict that refuses for reasons of those codes.
func verifierLacks(list ...policy.Code) func(*situation) {
	return func(s *situation) {
		s.c.Verdict = policy.Verdict{}
		for _, code := range list {
			s.c.Verdict.Findings = append(s.c.Verdict.Findings, policy.Finding{Code: code, Severity: policy.Refuse, Subject: "it", Remedy: "Mend it."})
		}
	}
}

func withheld(list ...policy.Code) func(*situation) {
	return own(func(r *join.Record) { r.State, r.Codes = join.Withheld, list })
}

func questions() []question {
	return []question{
		{"a member that attests stays one", member, keep, join.Member, nil},
		{"so does a confidential one", confidential, keep, join.Member, nil},
		{"who attests again is a member again", member, withheld("NODE_SILENT"), join.Member, nil},
		{"a freeze changes nothing", member, frozen, join.Member, nil},
		{"whose evidence is not admitted any more is withheld", member, refusedEvidence, join.Withheld, codes("RELEASE_WITHDRAWN")},
		{"and is told once", member, also(refusedEvidence, withheld("RELEASE_WITHDRAWN")), "", codes("RELEASE_WITHDRAWN")},
		{"for each reason", member, also(refusedEvidence, withheld("NODE_SILENT")), join.Withheld, codes("RELEASE_WITHDRAWN")},
		{"also for no reason", member, func(s *situation) { s.c.Verdict = policy.Verdict{} }, join.Withheld, codes("VERDICT_MISSING")},
		{"who shows nothing is silent", member, func(s *situation) { s.c = nil }, "", codes("VERDICT_MISSING")},
		{"who does not show who it is, too", member, func(s *situation) { s.c.Identity = join.Identity{} }, "", codes("IDENTITY_MISSING")},
		{"what the verifier lacks is nothing of the node's", member, verifierLacks("ENDORSEMENT_STALE"), "", codes("ENDORSEMENT_STALE")},
		{"unless the node gives other reasons", member, verifierLacks("ENDORSEMENT_STALE", "PCR_MISMATCH"), join.Withheld, codes("ENDORSEMENT_STALE", "PCR_MISMATCH")},
		{"or is not what its record says", member, also(verifierLacks("ENDORSEMENT_STALE"), func(s *situation) { s.c.Claims.TPM.ResetCount++ }), join.Withheld, codes("BOOT_MISMATCH")},
		{"or is denied", member, also(verifierLacks("TIME_MISSING"), denied), join.Withheld, codes("NODE_REVOKED")},
		{"it keeps nobody in, either", member, also(verifierLacks("TIME_MISSING"), withheld("PCR_MISMATCH")), "", codes("TIME_MISSING")},
		{"after a reboot a node has to rejoin", member, func(s *situation) { s.c.Claims.TPM.ResetCount++ }, join.Withheld, codes("BOOT_MISMATCH")},
		{"after it slept, too", member, func(s *situation) { s.c.Claims.TPM.RestartCount++ }, join.Withheld, codes("BOOT_MISMATCH")},
		{"with another key, too", member, func(s *situation) { s.c.AK = hashOf("AK 4") }, join.Withheld, codes("BOOT_MISMATCH")},
		{"in another session, too", confidential, func(s *situation) { s.c.Session = hashOf("session 4") }, join.Withheld, codes("BOOT_MISMATCH")},
		{"in a boot that nobody knows, too", member, func(s *situation) { s.c.AK = measurement.Digest{} }, join.Withheld, codes("BOOT_UNKNOWN")},
		{"as another kind of machine, too", member, own(func(r *join.Record) { r.Platform = evidence.TPM }), join.Withheld, codes("PLATFORM_MISMATCH")},
		{"on another chip, too", confidential, chipChanges, join.Withheld, codes("MACHINE_MOVED")},
		{"unless that is approved", confidential, also(chipChanges, moves(join.Worker)), join.Member, nil},
		{"or admitted", confidential, also(chipChanges, set(func(p *join.Policy) { p.Moved = join.MovedAdmit })), join.Member, nil},
		{"a denied machine is withheld", member, denied, join.Withheld, codes("NODE_REVOKED")},
		{"everything that is wrong is told", member, also(denied, own(func(r *join.Record) { r.Platform = evidence.TPM }), func(s *situation) { s.c.Claims.TPM.ResetCount++ }), join.Withheld, codes("NODE_REVOKED", "PLATFORM_MISMATCH", "BOOT_MISMATCH")},
		{"a revoked one stays revoked", member, func(s *situation) { s.f.Own = s.f.Own.Next(join.Revoked) }, "", codes("NODE_REVOKED")},
		{"who has no ticket yet is not withheld", member, own(intended), "", codes("NODE_NOT_MEMBER")},
		{"nor is anybody in a state that nobody knows", member, own(func(r *join.Record) { r.State = "" }), "", codes("NODE_NOT_MEMBER")},
		{"nobody else can be", member, func(s *situation) { s.f.Own = nil }, "", codes("RECORD_MISSING")},
		{"nor where nothing is known", member, func(s *situation) { s.f = nil }, "", codes("RECORD_MISSING")},
		{"another machine's evidence says nothing of the node", member, also(refusedEvidence, func(s *situation) { s.c.Identity = machine("two") }), "", codes("RECORD_MISSING")},
		{"who knows older directives does not judge", member, func(s *situation) { s.f.Standing.Serial = 8 }, "", codes("STANDING_STALE")},
		{"nor by an older attestation policy", member, func(s *situation) { s.c.Policy = 3 }, "", codes("STANDING_STALE")},
		{"not even evidence that it would not admit", member, also(refusedEvidence, func(s *situation) { s.c.Policy = 3 }), "", codes("STANDING_STALE")},
		{"nor who knows none", member, func(s *situation) { s.f.Standing = nil }, "", codes("JOIN_POLICY_MISSING", "STANDING_STALE")},
		{"nor at no time", member, func(s *situation) { s.now = time.Time{} }, "", codes("TIME_MISSING")},
	}
}

func TestReattest(t *testing.T) {
	for _, q := range questions() {
		t.Run(q.name, func(t *testing.T) {
			s := q.start()
			q.change(s)
			d := s.reattest()
			var state join.State
			if d.Record != nil {
				state = d.Record.State
			}
			if diff := cmp.Diff(q.codes, d.Codes()); diff != "" || state != q.state {
				t.Fatalf("%q, want %q; codes (-want +got):\n%s", state, q.state, diff)
			}
			if (d.Outcome == join.Admitted) != (q.state == join.Member) || d.Outcome == join.Awaiting || (d.Cause == "") != (q.state == join.Member) {
				t.Errorf("%s by %q", d.Outcome, d.Cause)
			}
			if q.state == join.Withheld && !cmp.Equal(d.Record.Codes, q.codes) {
				t.Errorf("the record says %v", d.Record.Codes)
			}
			if d.Record != nil {
				encode(t, d.Record)
			}
		})
	}
}

// What is wrong with the verifier withholds no member, whichever of it is.
func TestVerifiersFaultsAreSilence(t *testing.T) {
	for _, code := range codes("TIME_MISSING", "SERVER_BUSY", "SESSION_REFUSED", "ENDORSEMENT_MISSING", "ENDORSEMENT_EXPIRED", "ENDORSEMENT_NOT_YET_VALID", "ENDORSEMENT_STALE", "COLLATERAL_TOO_OLD") {
		s := member()
		verifierLacks(code)(s)
		if d := s.reattest(); !d.Silence || d.Record != nil || d.Outcome != join.Refused || d.Cause != join.ByEvidence {
			t.Errorf("%s: %s by %q, silence %v, record %v", code, d.Outcome, d.Cause, d.Silence, d.Record)
		}
	}
	for _, code := range codes("PCR_MISMATCH", "MARK_MISMATCH", "TCB_BELOW_FLOOR", "RELEASE_EXPIRED", "EK_DENIED", "ODD") {
		s := member()
		verifierLacks(code)(s)
		if d := s.reattest(); d.Silence || d.Record == nil || d.Record.State != join.Withheld {
			t.Errorf("%s: silence %v, record %v", code, d.Silence, d.Record)
		}
	}
}

func TestUnreachableAtNoTime(t *testing.T) {
	s := member()
	if d := join.Unreachable(s.f.Own, s.f.Standing, now, time.Time{}); d.Record != nil || d.Outcome != join.Refused || !cmp.Equal(d.Codes(), codes("TIME_MISSING")) {
		t.Errorf("%s, %v, record %v", d.Outcome, d.Codes(), d.Record)
	}
}

func TestReattestsRecord(t *testing.T) {
	s := confidential()
	withheld("NODE_SILENT")(s)
	s.c.Policy, s.f.Standing.Serial, s.c.Verdict.Release, s.c.Evidence = 5, 11, "v1.3.0", hashOf("other evidence")
	want := s.f.Own.Clone()
	want.Serial, want.State, want.Codes = s.f.Own.Serial+1, join.Member, nil
	want.Policy, want.Directive, want.Release, want.Evidence, want.Attested = 5, 11, "v1.3.0", hashOf("other evidence"), now
	if diff := cmp.Diff(want, s.reattest().Record, comparables()); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestReattestOfAMovedMachine(t *testing.T) {
	s := confidential()
	s.f.Own.Chip = chip(9)
	s.f.Standing.Approvals[s.c.Identity] = join.Approval{Serial: 9, Role: join.Worker, Chip: chip(1), Expires: now}
	if r := s.reattest().Record; r.Spent != 9 || !cmp.Equal(r.Chip, chip(1)) {
		t.Errorf("approval %d is spent, chip %v", r.Spent, r.Chip)
	}
	s.f.Standing.Policy.Moved, s.c.Claims.SNP.ChipID = join.MovedAdmit, policy.Hex{7}
	if r := s.reattest().Record; !cmp.Equal(r.Chip, policy.Hex{7}) {
		t.Errorf("a short chip was not noted: %v", r.Chip)
	}
	s.c.Claims.SNP.ChipID = nil
	if r := s.reattest().Record; !cmp.Equal(r.Chip, chip(9)) {
		t.Errorf("a chip that is hidden was forgotten: %v", r.Chip)
	}
}

// A withheld node keeps the time at which it attested last.
func TestWithheldRecord(t *testing.T) {
	s := member()
	refusedEvidence(s)
	want := s.f.Own.Next(join.Withheld, "RELEASE_WITHDRAWN")
	d := s.reattest()
	if diff := cmp.Diff(want, d.Record, comparables()); diff != "" || d.Cause != join.ByEvidence {
		t.Errorf("by %q, record (-want +got):\n%s", d.Cause, diff)
	}
}

func TestUnreachable(t *testing.T) {
	quick := func(p *join.Policy) { p.SilenceSeconds = join.MinSilence }
	for _, tt := range []struct {
		name    string
		change  func(*situation)
		silence time.Duration
		outcome join.Outcome
		state   join.State
		code    policy.Code
	}{
		{"a member may be silent for a while", keep, 20*time.Minute - 1, join.Admitted, "", "NODE_SILENT"},
		{"then it is withheld", keep, 20 * time.Minute, join.Refused, join.Withheld, "NODE_SILENT"},
		{"sooner where the policy says so", set(quick), time.Minute, join.Refused, join.Withheld, "NODE_SILENT"},
		{"not before", set(quick), time.Minute - 1, join.Admitted, "", "NODE_SILENT"},
		{"a policy that makes no sense is not followed", set(func(p *join.Policy) { p.SilenceSeconds = 1 }), 20*time.Minute - 1, join.Admitted, "", "NODE_SILENT"},
		{"nor one that never withholds", set(func(p *join.Policy) { p.SilenceSeconds = join.MaxSilence + 1 }), 20 * time.Minute, join.Refused, join.Withheld, "NODE_SILENT"},
		{"without a policy the default counts", func(s *situation) { s.f.Standing = nil }, 20 * time.Minute, join.Refused, join.Withheld, "NODE_SILENT"},
		{"clocks may differ a little", keep, -join.MaxSkew, join.Admitted, "", "NODE_SILENT"},
		{"from when on nobody knows is for too long", keep, -join.MaxSkew - 1, join.Refused, join.Withheld, "NODE_SILENT"},
		{"who is withheld stays so", withheld("RELEASE_WITHDRAWN"), time.Second, join.Refused, "", "NODE_SILENT"},
		{"and keeps the reasons", withheld("RELEASE_WITHDRAWN"), time.Hour, join.Refused, "", "NODE_SILENT"},
		{"who has no ticket yet is not withheld", own(intended), time.Hour, join.Refused, "", "NODE_NOT_MEMBER"},
		{"who is revoked stays so", func(s *situation) { s.f.Own = s.f.Own.Next(join.Revoked) }, time.Hour, join.Refused, "", "NODE_REVOKED"},
		{"who is not known is not either", func(s *situation) { s.f.Own = nil }, time.Hour, join.Refused, "", "RECORD_MISSING"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := member()
			tt.change(s)
			d := join.Unreachable(s.f.Own, s.f.Standing, now, now.Add(tt.silence))
			var state join.State
			if d.Record != nil {
				state = d.Record.State
			}
			if d.Outcome != tt.outcome || state != tt.state || len(d.Findings) != 1 || d.Findings[0].Code != tt.code {
				t.Errorf("%s, %q, %+v", d.Outcome, state, d.Findings)
			}
			if (d.Findings[0].Severity == policy.Warn) != (d.Outcome == join.Admitted) || (d.Cause == "") != (d.Outcome == join.Admitted) {
				t.Errorf("%s by %q with severity %q", d.Outcome, d.Cause, d.Findings[0].Severity)
			}
			if state != "" && (!cmp.Equal(d.Record.Codes, codes("NODE_SILENT")) || d.Record.Serial != s.f.Own.Serial+1) {
				t.Errorf("record %d says %v", d.Record.Serial, d.Record.Codes)
			}
		})
	}
}
