package join_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// The generators draw from few values, so that what has to differ often does not.

func pick[T any](t *rapid.T, what string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, what)
}

func drawIdentity(t *rapid.T) join.Identity {
	return pick(t, "identity", machine("one"), machine("two"), identity("instance:qemu-snp:vm-1"), join.Identity{})
}

func drawClaims(t *rapid.T) *policy.Claims {
	claims := pick(t, "claims", tpmClaims("one"), tpmClaims("two"), snpClaims(), &policy.Claims{Platform: evidence.AzureSNP}, nil)
	if claims != nil && claims.TPM != nil {
		claims.TPM.ResetCount = pick[uint32](t, "resets", 0, 2, 3, 1<<32-1)
		claims.TPM.AKProof = pick(t, "proof", policy.AKActivated, policy.AKActivated, "")
	}
	if claims != nil && claims.SNP != nil {
		claims.SNP.ChipID = pick(t, "chip", chip(1), chip(2), nil)
	}
	return claims
}

func drawVerdict(t *rapid.T) policy.Verdict {
	v := admittedVerdict()
	v.Admitted = pick(t, "admitted", true, true, true, false)
	for range pick(t, "findings", 0, 0, 1, 2) {
		severity := pick(t, "severity", policy.Warn, policy.Warn, policy.Refuse)
		v.Findings = append(v.Findings, policy.Finding{Code: policy.CodeTCBBelowFloor, Severity: severity, Subject: "TCB", Remedy: "Update it."})
	}
	return v
}

func drawRequest(t *rapid.T) *join.Request {
	r := &join.Request{ID: pick(t, "request", join.RequestID{1}, join.RequestID{2}), Kind: pick(t, "kind", join.FirstJoin, join.Rejoin), Disk: pick(t, "disk", disk, otherDisk)}
	if r.Kind == join.FirstJoin {
		r.Name, r.Role = pick[join.NodeName](t, "name", "node-1", "node-2", "NODE"), pick(t, "role", join.Worker, join.ControlPlane)
	}
	return pick(t, "request", r, r, r, r, nil)
}

func drawStanding(t *rapid.T) *join.Standing {
	p := fullPolicy()
	p.TEEWorkers = pick(t, "tee", join.Auto, join.Approve, join.AllowList, "")
	p.TPMWorkers, p.ControlPlane = pick(t, "tpm", join.Auto, join.Approve, join.AllowList), pick(t, "control plane", join.Auto, join.Approve, join.AllowList)
	p.Moved, p.NamePrefixes = pick(t, "moved", join.MovedAdmit, join.MovedApprove, join.MovedRefuse, ""), nil
	p.Listed = pick(t, "listed", nil, []join.Listed{{Identity: machine("one"), Roles: []join.Role{join.Worker}, Name: pick[join.NodeName](t, "listed name", "", "node-1")}})
	s := &join.Standing{
		Serial: pick[uint64](t, "directives", 9, 10, 0), Policy: pick(t, "policy", p, p, p, nil), Frozen: pick(t, "frozen", false, false, true),
		Approvals: map[join.Identity]join.Approval{}, Denials: map[join.Identity]join.Denial{},
	}
	for _, i := range []join.Identity{machine("one"), machine("two"), identity("instance:qemu-snp:vm-1")} {
		if pick(t, "approved", true, false) {
			s.Approvals[i] = join.Approval{
				Serial: pick[uint64](t, "approval", 7, 8, 9), Role: pick(t, "approved role", join.Worker, join.ControlPlane),
				Name: pick[join.NodeName](t, "approved name", "", "node-1"), Chip: pick(t, "approved chip", nil, chip(1)), Expires: now.Add(pick(t, "expires", time.Hour, -time.Hour)),
			}
		}
		if pick(t, "denied", false, false, false, true) {
			s.Denials[i] = join.Denial{Serial: 3}
		}
	}
	return pick(t, "standing", s, s, s, s, nil)
}

func drawRecord(t *rapid.T) *join.Record {
	r := pick(t, "record", again().f.Own, stranger(), teeJoin().joined().f.Own, nil)
	if r == nil {
		return nil
	}
	r.State = pick(t, "state", join.Member, join.Member, join.Intended, join.Withheld, join.Revoked, "")
	if r.State == join.Withheld {
		r.Codes = codes("NODE_SILENT")
	}
	if r.Platform != evidence.QEMUSNP {
		r.Boot.ResetCount = pick[uint32](t, "recorded resets", 0, 2, 3, 1<<32-1)
	}
	r.Holder = pick(t, "holder", r.Boot, join.Boot{})
	r.Kind = pick(t, "recorded kind", join.FirstJoin, join.Rejoin)
	r.Spent = pick[uint64](t, "spent", 0, 7, 8)
	r.Role = pick(t, "recorded role", join.Worker, join.ControlPlane)
	r.Chip = pick(t, "recorded chip", r.Chip, chip(1), nil)
	return r
}

// recordOf makes of a record one of another machine.
func recordOf(r *join.Record, i join.Identity) *join.Record {
	if resets := r.Boot.ResetCount; strings.HasPrefix(i.String(), "ek:") {
		r.Platform, r.Boot = evidence.QEMUVTPM, join.Boot{ResetCount: resets, RestartCount: 1, AK: hashOf("AK 3")}
	} else {
		r.Platform, r.Boot = evidence.QEMUSNP, join.Boot{Session: hashOf("session 3")}
	}
	if r.Holder != (join.Boot{}) {
		r.Holder = r.Boot
	}
	r.Identity = i
	return r
}

// disturbances each change one thing of a situation, to whatever may be drawn.
func disturbances() []func(*rapid.T, *situation) {
	return []func(*rapid.T, *situation){
		func(t *rapid.T, s *situation) { s.c.Request = drawRequest(t) },
		func(t *rapid.T, s *situation) { s.c.Identity = drawIdentity(t) },
		func(t *rapid.T, s *situation) { s.c.Claims = drawClaims(t) },
		func(t *rapid.T, s *situation) { s.c.Verdict = drawVerdict(t) },
		func(t *rapid.T, s *situation) {
			s.c.AK = pick(t, "AK", hashOf("AK 3"), hashOf("AK 1"), measurement.Digest{})
			s.c.Session = pick(t, "session", hashOf("session 3"), hashOf("session 1"), measurement.Digest{})
		},
		func(t *rapid.T, s *situation) { s.c.Policy = pick[uint64](t, "policy", 3, 4, 5, 0) },
		func(t *rapid.T, s *situation) {
			s.now = pick(t, "now", now.Add(time.Nanosecond), now.AddDate(1, 0, 0), time.Time{})
		},
		func(t *rapid.T, s *situation) { s.f = pick(t, "facts", nil, &join.Facts{}) },
		func(t *rapid.T, s *situation) { s.f.Standing = drawStanding(t) },
		func(t *rapid.T, s *situation) { s.f.ByName = drawRecord(t) },
		func(t *rapid.T, s *situation) { s.f.ByDisk = drawRecord(t) },
		func(t *rapid.T, s *situation) {
			s.f.Other = pick(t, "other", join.Silent, join.NotAsked, join.Alive, "maybe")
		},
		func(t *rapid.T, s *situation) { s.f.Own = drawRecord(t) },
		func(t *rapid.T, s *situation) {
			if s.f.Own = drawRecord(t); s.f.Own != nil && !s.c.Identity.IsZero() {
				s.f.Own = recordOf(s.f.Own, s.c.Identity)
			}
		},
	}
}

// unanswered has the machine of a member ask a second time, for the first request
// has no ticket yet.
func unanswered(s *situation) *situation {
	s.f.Own = s.decide().Record
	s.f.ByName, s.f.ByDisk = s.f.Own, s.f.Own
	return s
}

// drawSituation takes one that is admitted, and disturbs it.
func drawSituation(t *rapid.T) *situation {
	starts := []func() *situation{
		firstJoin, teeJoin, controlPlane, again, rejoin, teeAgain, teeRejoin, member, confidential, controlPlaneAgain,
		func() *situation { return controlPlane().rejoins() },
		func() *situation { return unanswered(rejoin()) }, func() *situation { return unanswered(again()) },
	}
	s := pick(t, "start", starts...)()
	for range rapid.IntRange(0, 4).Draw(t, "disturbances") {
		if s.f == nil {
			break
		}
		pick(t, "disturbance", disturbances()...)(t, s)
	}
	return s
}

// snapshot spells out everything that a decision was given.
func snapshot(t *rapid.T, s *situation) string {
	data, err := json.Marshal([]any{s.c.Request, s.c.Identity, s.c.Claims, s.c.Verdict, s.c.AK, s.c.Session, s.c.Evidence, s.c.Policy, s.f, s.now})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// checkSound holds any decision against what is true of all of them.
func checkSound(t *rapid.T, d *join.Decision) {
	refuses := 0
	for i := range d.Findings {
		f := &d.Findings[i]
		if f.Severity == policy.Refuse {
			refuses++
		} else if f.Severity != policy.Warn {
			t.Fatalf("finding %+v has no severity", f)
		}
		if refuses <= i && f.Severity == policy.Refuse {
			t.Fatalf("a refusal stands behind a warning: %+v", d.Findings)
		}
	}
	if d.Findings == nil || (d.Outcome == join.Admitted) != (refuses == 0) || (d.Cause == "") != (refuses == 0) {
		t.Fatalf("%s by %q with %d refusals", d.Outcome, d.Cause, refuses)
	}
	if d.Record != nil {
		if _, err := d.Record.Encode(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDecisionsAreSound(t *testing.T) {
	counts := map[join.Outcome]int{}
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		before := snapshot(t, s)
		d := s.decide()
		counts[d.Outcome]++
		checkSound(t, d)
		if again := s.decide(); !cmp.Equal(d, again, comparables()) {
			t.Fatalf("decided twice:\n%s", cmp.Diff(d, again, comparables()))
		}
		if after := snapshot(t, s); after != before {
			t.Fatalf("the situation was changed from\n%s\nto\n%s", before, after)
		}
		if d.Outcome == join.Admitted {
			checkAdmitted(t, s, d)
		} else if d.Record != nil {
			t.Fatalf("%s, and something is to be written: %+v", d.Outcome, d)
		}
	})
	if counts[join.Admitted] == 0 || counts[join.Awaiting] == 0 || counts[join.Refused] == 0 {
		t.Errorf("the situations lead to %v", counts)
	}
}

func chipOf(c *policy.Claims) policy.Hex {
	if c.SNP == nil {
		return nil
	}
	return c.SNP.ChipID
}

// checkAdmitted says in other words what must hold of everybody who gets in.
func checkAdmitted(t *rapid.T, s *situation, d *join.Decision) {
	standing, own, request := s.f.Standing, s.f.Own, s.c.Request
	for rule, broken := range map[string]bool{
		"evidence":      !s.c.Verdict.Admitted,
		"identity":      d.Record.Identity != s.c.Identity || s.c.Identity.IsZero(),
		"denied":        standing.Denials[s.c.Identity] != join.Denial{},
		"revoked":       own != nil && own.State == join.Revoked,
		"frozen":        standing.Frozen && request.Kind == join.FirstJoin,
		"no policy":     standing.Serial == 0 || standing.Policy == nil,
		"name":          s.f.ByName != nil && s.f.ByName.Identity != s.c.Identity,
		"disk":          s.f.ByDisk != nil && s.f.ByDisk.Identity != s.c.Identity,
		"clone":         own != nil && (own.State != join.Intended || own.Holder != join.Boot{}) && s.f.Other != join.Silent,
		"own disk":      request.Kind == join.FirstJoin && own != nil && own.Disk == request.Disk && (own.State != join.Intended || own.Kind != join.FirstJoin || own.Boot != d.Record.Boot),
		"used disk":     request.Kind == join.FirstJoin && s.f.ByDisk != nil && (own == nil || own.Disk != request.Disk),
		"its name":      own != nil && own.Name != d.Record.Name,
		"no member":     request.Kind == join.Rejoin && own != nil && own.State == join.Intended && own.Kind == join.FirstJoin,
		"moved":         own != nil && len(own.Chip) > 0 && !bytes.Equal(own.Chip, chipOf(s.c.Claims)) && standing.Policy.Moved != join.MovedAdmit && d.Record.Spent <= own.Spent && own.State != join.Intended,
		"unknown":       request.Kind == join.Rejoin && own == nil,
		"another disk":  request.Kind == join.Rejoin && own != nil && own.Disk != request.Disk,
		"same boot":     own != nil && own.State != join.Intended && own.Boot == d.Record.Boot,
		"went back":     own != nil && own.Boot.ResetCount > d.Record.Boot.ResetCount,
		"platform":      own != nil && own.Platform != s.c.Claims.Platform,
		"not its role":  request.Kind == join.Rejoin && own != nil && own.Role != d.Record.Role,
		"control plane": request.Role == join.ControlPlane && d.Record.Approval == 0, // nobody is listed for it
		"spent":         own != nil && own.State != join.Intended && d.Record.Approval != 0 && request.Kind == join.FirstJoin && d.Record.Approval <= own.Spent,
		"forgotten":     own != nil && d.Record.Spent < own.Spent,
		"not intended":  d.Record.State != join.Intended,
		"serial":        own != nil && d.Record.Serial != own.Serial+1,
		"older word":    own != nil && d.Record.Directive < own.Directive,
	} {
		if broken {
			t.Fatalf("admitted against the rule of %s: %+v from %+v", rule, d.Record, own)
		}
	}
	kept := fmt.Sprintf("%+v", d.Record)
	if own != nil {
		own.Chip = append(own.Chip[:0:len(own.Chip)], bytes.Repeat([]byte{0xee}, len(own.Chip))...)
	}
	if snp := s.c.Claims.SNP; snp != nil {
		copy(snp.ChipID, bytes.Repeat([]byte{0xee}, policy.SNPChipIDSize))
	}
	if got := fmt.Sprintf("%+v", d.Record); got != kept {
		t.Fatalf("what is written shares memory with what was given")
	}
}

// Whatever else holds, a denied machine is not let in, and not kept in.
func TestThreat32DeniedMachineIsAlwaysRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		if s.f == nil || s.f.Standing == nil {
			return
		}
		s.f.Standing.Denials[s.c.Identity] = join.Denial{Serial: 1}
		if d := s.decide(); d.Outcome != join.Refused || d.Record != nil {
			t.Fatalf("%s: %+v", d.Outcome, d.Findings)
		}
		if d := s.reattest(); d.Outcome != join.Refused || d.Record != nil && d.Record.State == join.Member {
			t.Fatalf("%s: %+v", d.Outcome, d.Findings)
		}
	})
}

func TestNobodyJoinsWithoutTheOwnersWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		s.f = &join.Facts{Standing: &join.Standing{}, Other: join.Silent}
		if d := s.decide(); d.Outcome != join.Refused || d.Record != nil {
			t.Fatalf("%s: %+v", d.Outcome, d.Findings)
		}
	})
}

func TestReattestationsAreSound(t *testing.T) {
	states := map[join.State]int{}
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		before := snapshot(t, s)
		d := s.reattest()
		checkSound(t, d)
		if after := snapshot(t, s); after != before {
			t.Fatalf("the situation was changed")
		}
		if d.Record == nil {
			return
		}
		if d.Silence {
			t.Fatalf("silence writes %+v", d.Record)
		}
		states[d.Record.State]++
		own := s.f.Own
		if own.State == join.Revoked || own.State == join.Intended || d.Record.Serial != own.Serial+1 || d.Record.Name != own.Name || d.Record.Role != own.Role || d.Record.Disk != own.Disk {
			t.Fatalf("%+v became %+v", own, d.Record)
		}
		if member := d.Record.State == join.Member; member != (d.Outcome == join.Admitted) || member != (len(d.Record.Codes) == 0) || member && d.Record.Boot != own.Boot {
			t.Fatalf("%s: %+v", d.Outcome, d.Record)
		}
	})
	if states[join.Member] == 0 || states[join.Withheld] == 0 || len(states) != 2 {
		t.Errorf("the situations lead to %v", states)
	}
}

// Evidence that is not admitted hears of itself alone.
func TestUnattestedPeersHearOfTheirEvidenceOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSituation(t)
		s.c.Verdict.Admitted = false
		d := s.decide()
		s.f = nil
		s.c.Request = nil
		if alone := s.decide(); !cmp.Equal(d, alone, comparables()) || d.Cause != join.ByEvidence {
			t.Fatalf("by %q: %s", d.Cause, cmp.Diff(d, alone, comparables()))
		}
	})
}

func TestListIsFoundByIdentity(t *testing.T) {
	s := firstJoin()
	list := machines(join.MaxListed-1, "")
	list = append(list, s.f.Standing.Policy.Listed...)
	slices.SortFunc(list, func(a, b join.Listed) int { return a.Identity.Compare(b.Identity) })
	s.f.Standing.Policy.Listed = list
	if d := s.decide(); d.Outcome != join.Admitted {
		t.Errorf("%s: %v", d.Outcome, d.Codes())
	}
}
