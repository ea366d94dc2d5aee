package join_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// rule is one line of what may join.
type rule struct {
	name    string
	start   func() *situation
	change  func(*situation)
	outcome join.Outcome
	codes   []policy.Code
}

func keep(*situation) {}

func ask(role join.Role) func(*situation) {
	return func(s *situation) { s.c.Request.Role = role }
}

func set(change func(*join.Policy)) func(*situation) {
	return func(s *situation) { change(s.f.Standing.Policy) }
}

func approve(a join.Approval) func(*situation) {
	return func(s *situation) { s.f.Standing.Approvals[s.c.Identity] = a }
}

func approved(role join.Role, serial uint64) join.Approval {
	return join.Approval{Serial: serial, Role: role, Expires: now.Add(time.Hour)}
}

func also(changes ...func(*situation)) func(*situation) {
	return func(s *situation) {
		for _, change := range changes {
			change(s)
		}
	}
}

func own(change func(*join.Record)) func(*situation) {
	return func(s *situation) { change(s.f.Own) }
}

func request(change func(*join.Request)) func(*situation) {
	return func(s *situation) { change(s.c.Request) }
}

func frozen(s *situation) { s.f.Standing.Frozen = true }

func denied(s *situation) {
	s.f.Standing.Denials[s.c.Identity] = join.Denial{Serial: 9, Reason: "stolen"}
}

func teeControlPlane() *situation {
	s := teeJoin()
	s.c.Request.Role = join.ControlPlane
	return s
}

func unlisted() *situation {
	s := firstJoin()
	s.f.Standing.Policy.Listed = nil
	return s
}

func sameBoot(r *join.Record) {
	r.Boot = join.Boot{ResetCount: 3, RestartCount: 1, AK: hashOf("AK 3")}
}

func intended(r *join.Record) { r.State = join.Intended }

// ticketless is a first join for which no ticket has left, nor any before.
func ticketless(r *join.Record) { r.State, r.Holder = join.Intended, join.Boot{} }

// returning is a rejoin for which no ticket has left.
func returning(r *join.Record) { r.State, r.Kind = join.Intended, join.Rejoin }

func controlPlaneAgain() *situation { return controlPlane().joinsAnew() }

func chipChanges(s *situation) { s.f.Own.Chip = chip(9) }

// moves approves of a machine on its present chip.
func moves(role join.Role) func(*situation) {
	return approve(join.Approval{Serial: 9, Role: role, Chip: chip(1), Expires: now.Add(time.Hour)})
}

func firstJoinRules() []rule {
	return []rule{
		{"a listed TPM machine is a worker", firstJoin, keep, join.Admitted, nil},
		{"a confidential machine is a worker as a matter of course", teeJoin, keep, join.Admitted, nil},
		{"an approved machine is a control-plane node", controlPlane, keep, join.Admitted, nil},
		{"a TPM machine that is not listed is no worker", unlisted, keep, join.Refused, codes("IDENTITY_NOT_LISTED")},
		{"an approval is no place on the list", unlisted, approve(approved(join.Worker, 8)), join.Refused, codes("IDENTITY_NOT_LISTED")},
		{"unless the policy takes approvals", unlisted, also(set(func(p *join.Policy) { p.TPMWorkers = join.Approve }), approve(approved(join.Worker, 8))), join.Admitted, nil},
		{"without one, the machine waits", unlisted, set(func(p *join.Policy) { p.TPMWorkers = join.Approve }), join.Awaiting, codes("APPROVAL_MISSING")},
		{"a policy that lets TPM machines in as a matter of course does not", unlisted, set(func(p *join.Policy) { p.TPMWorkers = join.Auto }), join.Refused, codes("IDENTITY_NOT_LISTED")},
		{"nor one that lets anybody be a control-plane node", teeControlPlane, set(func(p *join.Policy) { p.ControlPlane = join.Auto }), join.Refused, codes("IDENTITY_NOT_LISTED")},
		{"a confidential machine is no control-plane node as a matter of course", teeControlPlane, keep, join.Awaiting, codes("APPROVAL_MISSING")},
		{"the owner may list confidential workers, too", teeJoin, set(func(p *join.Policy) { p.TEEWorkers = join.AllowList }), join.Refused, codes("IDENTITY_NOT_LISTED")},
		{"or approve them", teeJoin, set(func(p *join.Policy) { p.TEEWorkers = join.Approve }), join.Awaiting, codes("APPROVAL_MISSING")},
		{"a mode that nobody knows admits nobody", teeJoin, set(func(p *join.Policy) { p.TEEWorkers = "any" }), join.Refused, codes("IDENTITY_NOT_LISTED")},
		{"a worker on the list waits to be a control-plane node", firstJoin, ask(join.ControlPlane), join.Awaiting, codes("APPROVAL_MISSING")},
		{"and is refused where only listed machines may be one", firstJoin, also(ask(join.ControlPlane), set(func(p *join.Policy) { p.ControlPlane = join.AllowList })), join.Refused, codes("ROLE_MISMATCH")},
		{"the list may name both roles", firstJoin, also(ask(join.ControlPlane), set(func(p *join.Policy) { p.Listed[0].Roles = join.Roles() })), join.Admitted, nil},
		{"an approval for another role does not help", controlPlane, approve(approved(join.Worker, 8)), join.Refused, codes("ROLE_MISMATCH")},
		{"an approval may name the machine's name", controlPlane, approve(join.Approval{Serial: 8, Role: join.ControlPlane, Name: "node-1", Expires: now.Add(1)}), join.Admitted, nil},
		{"an approval for another name does not help", controlPlane, approve(join.Approval{Serial: 8, Role: join.ControlPlane, Name: "node-2", Expires: now.Add(1)}), join.Refused, codes("NAME_NOT_ALLOWED")},
		{"an approval holds until its last instant", controlPlane, approve(join.Approval{Serial: 8, Role: join.ControlPlane, Expires: now}), join.Admitted, nil},
		{"and not longer", controlPlane, approve(join.Approval{Serial: 8, Role: join.ControlPlane, Expires: now.Add(-1)}), join.Awaiting, codes("APPROVAL_EXPIRED")},
		{"an approval without an end has ended", controlPlane, approve(join.Approval{Serial: 8, Role: join.ControlPlane}), join.Awaiting, codes("APPROVAL_EXPIRED")},
		{"an approval for another chip does not help", controlPlane, approve(join.Approval{Serial: 8, Role: join.ControlPlane, Chip: policy.Hex{7}, Expires: now.Add(1)}), join.Awaiting, codes("APPROVAL_MISSING")},
		{"an approval for this chip does", teeControlPlane, approve(join.Approval{Serial: 8, Role: join.ControlPlane, Chip: chip(1), Expires: now.Add(1)}), join.Admitted, nil},
		{"another machine's approval does not help", controlPlane, func(s *situation) {
			s.f.Standing.Approvals = map[join.Identity]join.Approval{machine("two"): approved(join.ControlPlane, 8)}
		}, join.Awaiting, codes("APPROVAL_MISSING")},
		{"a freeze stops first joins", firstJoin, frozen, join.Refused, codes("CLUSTER_FROZEN")},
		{"a denied machine does not join", firstJoin, denied, join.Refused, codes("NODE_REVOKED")},
		{"a denied machine does not join with an approval", controlPlane, denied, join.Refused, codes("NODE_REVOKED")},
		{"names follow the policy", firstJoin, set(func(p *join.Policy) { p.NamePrefixes = []string{"node-2", "prod-"} }), join.Refused, codes("NAME_NOT_ALLOWED")},
		{"one prefix is enough", firstJoin, set(func(p *join.Policy) { p.NamePrefixes = []string{"node-", "prod-"} }), join.Admitted, nil},
		{"the list may name the machine's name", firstJoin, set(func(p *join.Policy) { p.Listed[0].Name = "node-1" }), join.Admitted, nil},
		{"and then it has no other", firstJoin, set(func(p *join.Policy) { p.Listed[0].Name = "node-2" }), join.Refused, codes("NAME_NOT_ALLOWED")},
		{"a name that another machine holds stays with it", firstJoin, func(s *situation) { s.f.ByName = stranger() }, join.Refused, codes("NAME_TAKEN")},
		{"also when that one is revoked", firstJoin, func(s *situation) { s.f.ByName = stranger().Next(join.Revoked) }, join.Refused, codes("NAME_TAKEN")},
		{"a disk that another machine holds stays with it", firstJoin, func(s *situation) { s.f.ByDisk = stranger() }, join.Refused, codes("DISK_TAKEN")},
		{"also when that one is revoked", firstJoin, func(s *situation) { s.f.ByDisk = stranger().Next(join.Revoked) }, join.Refused, codes("DISK_TAKEN")},
		{"nobody joins before there is a policy", firstJoin, func(s *situation) { s.f.Standing.Policy = nil }, join.Refused, codes("JOIN_POLICY_MISSING")},
		{"nobody joins before the owner said anything", firstJoin, func(s *situation) { s.f.Standing = &join.Standing{Policy: s.f.Standing.Policy} }, join.Refused, codes("JOIN_POLICY_MISSING")},
		{"or when nobody knows what", firstJoin, func(s *situation) { s.f.Standing = nil }, join.Refused, codes("JOIN_POLICY_MISSING")},
		{"or where nothing is known", firstJoin, func(s *situation) { s.f = nil }, join.Refused, codes("JOIN_POLICY_MISSING")},
		{"nobody joins at no time", firstJoin, func(s *situation) { s.now = time.Time{} }, join.Refused, codes("TIME_MISSING")},
		{"without a request there is nothing to decide", firstJoin, func(s *situation) { s.c.Request = nil }, join.Refused, codes("REQUEST_INVALID")},
		{"nor with one of no kind", firstJoin, request(func(r *join.Request) { r.Kind = "" }), join.Refused, codes("REQUEST_INVALID")},
		{"a request needs an ID", firstJoin, request(func(r *join.Request) { r.ID = join.RequestID{} }), join.Refused, codes("REQUEST_INVALID")},
		{"and a disk", firstJoin, request(func(r *join.Request) { r.Disk = strings.ToUpper(disk) }), join.Refused, codes("REQUEST_INVALID")},
		{"and a role", firstJoin, also(ask("admin"), set(func(p *join.Policy) { p.Listed[0].Roles = []join.Role{"admin"} })), join.Refused, codes("REQUEST_INVALID")},
		{"and a name", firstJoin, request(func(r *join.Request) { r.Name = "system:masters" }), join.Refused, codes("NAME_NOT_ALLOWED")},
		{"a boot that nothing tells from others is none", firstJoin, func(s *situation) { s.c.AK = measurement.Digest{} }, join.Refused, codes("BOOT_UNKNOWN")},
		{"neither is one of a machine without a TPM", teeJoin, func(s *situation) { s.c.Session = measurement.Digest{} }, join.Refused, codes("BOOT_UNKNOWN")},
		{"what makes no record is not admitted", firstJoin, func(s *situation) { s.c.Policy = 0 }, join.Refused, codes("RECORD_INVALID")},
		{"everything that is wrong is told", controlPlane, also(frozen, denied, func(s *situation) {
			s.f.ByName, s.f.ByDisk = stranger(), stranger()
			s.f.Standing.Approvals[s.c.Identity] = join.Approval{Serial: 8, Role: join.Worker, Name: "node-2"}
			s.f.Standing.Policy.NamePrefixes = []string{"prod-"}
			s.c.AK = measurement.Digest{}
		}), join.Refused, codes("NODE_REVOKED", "NAME_TAKEN", "DISK_TAKEN", "CLUSTER_FROZEN", "NAME_NOT_ALLOWED", "ROLE_MISMATCH", "APPROVAL_EXPIRED", "BOOT_UNKNOWN")},
	}
}

func joinAgainRules() []rule {
	return []rule{
		{"a machine that was wiped joins again", again, keep, join.Admitted, nil},
		{"not with another name", again, request(func(r *join.Request) { r.Name = "node-7" }), join.Refused, codes("NAME_MISMATCH")},
		{"not even where no ticket has left", again, also(own(intended), request(func(r *join.Request) { r.Name = "node-7" })), join.Refused, codes("NAME_MISMATCH")},
		{"not with the disk that it has", again, request(func(r *join.Request) { r.Disk = disk }), join.Refused, codes("DISK_TAKEN")},
		{"nor with one that it had", again, func(s *situation) { s.f.ByDisk = s.f.Own }, join.Refused, codes("DISK_TAKEN")},
		{"nor with one that it had by a record that is gone", again, func(s *situation) { s.f.ByDisk, s.f.Own = s.f.Own, nil }, join.Refused, codes("DISK_TAKEN")},
		{"not with the approval of its last join", controlPlaneAgain, keep, join.Awaiting, codes("APPROVAL_SPENT")},
		{"with a new one", controlPlaneAgain, approve(approved(join.ControlPlane, 9)), join.Admitted, nil},
		{"with the same where no ticket has left", controlPlaneAgain, own(intended), join.Admitted, nil},
		{"but not where that was a rejoin", controlPlaneAgain, own(returning), join.Awaiting, codes("APPROVAL_SPENT")},
		{"nor with an older one than it has used", controlPlaneAgain, own(func(r *join.Record) { r.Approval, r.Spent = 0, 9 }), join.Awaiting, codes("APPROVAL_SPENT")},
		{"a worker does not become a control-plane node by itself", again, ask(join.ControlPlane), join.Awaiting, codes("APPROVAL_MISSING")},
		{"a control-plane node does not become a worker by itself", teeAgain, own(func(r *join.Record) { r.Role = join.ControlPlane }), join.Awaiting, codes("APPROVAL_MISSING")},
		{"but with an approval", teeAgain, also(own(func(r *join.Record) { r.Role = join.ControlPlane }), approve(approved(join.Worker, 8))), join.Admitted, nil},
		{"or if it is listed", again, own(func(r *join.Record) { r.Role = join.ControlPlane }), join.Admitted, nil},
		{"not in the same boot", again, own(sameBoot), join.Refused, codes("BOOT_NOT_NEW")},
		{"unless no ticket has left", again, own(func(r *join.Record) { sameBoot(r); intended(r) }), join.Admitted, nil},
		{"then also with the disk of that join", again, own(func(r *join.Record) { sameBoot(r); intended(r); r.Disk = newDisk }), join.Admitted, nil},
		{"but in no other boot", again, own(func(r *join.Record) { intended(r); r.Disk = newDisk }), join.Refused, codes("DISK_TAKEN")},
		{"not while the machine of the record lives", again, func(s *situation) { s.f.Other = join.Alive }, join.Refused, codes("CLONE_ALIVE")},
		{"not before it was asked", again, func(s *situation) { s.f.Other = join.NotAsked }, join.Refused, codes("LIVENESS_UNKNOWN")},
		{"an answer that nobody knows is none", again, func(s *situation) { s.f.Other = "maybe" }, join.Refused, codes("LIVENESS_UNKNOWN")},
		{"who has no ticket is not asked", again, also(own(ticketless), func(s *situation) { s.f.Other = join.NotAsked }), join.Admitted, nil},
		{"who has one is, whatever was asked for since", again, also(own(intended), func(s *situation) { s.f.Other = join.NotAsked }), join.Refused, codes("LIVENESS_UNKNOWN")},
		{"a revoked machine does not join again", again, func(s *situation) { s.f.Own = s.f.Own.Next(join.Revoked) }, join.Refused, codes("NODE_REVOKED")},
		{"as what it was not", again, own(func(r *join.Record) { r.Platform = evidence.TPM }), join.Refused, codes("PLATFORM_MISMATCH")},
		{"a freeze stops it", again, frozen, join.Refused, codes("CLUSTER_FROZEN")},
		{"on another chip it waits", teeAgain, chipChanges, join.Awaiting, codes("MACHINE_MOVED")},
		{"for an approval of its chip", teeAgain, also(chipChanges, moves(join.Worker)), join.Admitted, nil},
		{"once", teeAgain, also(chipChanges, moves(join.Worker), own(func(r *join.Record) { r.Spent = 9 })), join.Awaiting, codes("APPROVAL_SPENT")},
		{"one approval does for role and chip", teeAgain, also(chipChanges, moves(join.ControlPlane), ask(join.ControlPlane)), join.Admitted, nil},
		{"or for neither", teeAgain, also(chipChanges, moves(join.Worker), ask(join.ControlPlane)), join.Refused, codes("ROLE_MISMATCH")},
		{"not where no machine may move", teeAgain, also(chipChanges, moves(join.Worker), set(func(p *join.Policy) { p.Moved = join.MovedRefuse })), join.Refused, codes("MACHINE_MOVED")},
		{"but where any may", teeAgain, also(chipChanges, set(func(p *join.Policy) { p.Moved = join.MovedAdmit })), join.Admitted, nil},
		{"not with another machine's record", again, func(s *situation) { s.f.Own = stranger() }, join.Refused, codes("RECORD_MISSING")},
	}
}

func rejoinRules() []rule {
	moved := moves(join.Worker)
	return []rule{
		{"a member returns after a reboot", rejoin, keep, join.Admitted, nil},
		{"so does a confidential one", teeRejoin, keep, join.Admitted, nil},
		{"also if it was withheld", rejoin, own(func(r *join.Record) { r.State, r.Codes = join.Withheld, codes("NODE_SILENT") }), join.Admitted, nil},
		{"or its last return got no ticket", rejoin, own(returning), join.Admitted, nil},
		{"a freeze does not stop it", rejoin, frozen, join.Admitted, nil},
		{"nor does a policy that would not admit it any more", rejoin, set(func(p *join.Policy) { p.Listed, p.NamePrefixes = nil, []string{"prod-"} }), join.Admitted, nil},
		{"nor a spent approval", func() *situation { return controlPlane().rejoins() }, keep, join.Admitted, nil},
		{"nor one that has expired", func() *situation { return controlPlane().rejoins() }, approve(join.Approval{Serial: 8}), join.Admitted, nil},
		{"who is not known does not return", rejoin, func(s *situation) { s.f.Own = nil }, join.Refused, codes("RECORD_MISSING")},
		{"a revoked machine does not", rejoin, func(s *situation) { s.f.Own = s.f.Own.Next(join.Revoked) }, join.Refused, codes("NODE_REVOKED")},
		{"nor a denied one", rejoin, denied, join.Refused, codes("NODE_REVOKED")},
		{"nor one in a state that nobody knows", rejoin, own(func(r *join.Record) { r.State = "" }), join.Refused, codes("NODE_REVOKED")},
		{"not with another disk", rejoin, request(func(r *join.Request) { r.Disk = otherDisk }), join.Refused, codes("DISK_MISMATCH")},
		{"not with the disk of another machine", rejoin, func(s *situation) {
			s.c.Request.Disk, s.f.ByDisk = otherDisk, stranger()
		}, join.Refused, codes("DISK_TAKEN", "DISK_MISMATCH")},
		{"not where its name is another's", rejoin, func(s *situation) { s.f.ByName = stranger() }, join.Refused, codes("NAME_TAKEN")},
		{"it asks for no name", rejoin, request(func(r *join.Request) { r.Name = "node-1" }), join.Refused, codes("NAME_NOT_ALLOWED")},
		{"and for no role", rejoin, request(func(r *join.Request) { r.Role = join.ControlPlane }), join.Refused, codes("REQUEST_INVALID")},
		{"not in the same boot", rejoin, own(sameBoot), join.Refused, codes("BOOT_NOT_NEW")},
		{"nobody returns who was no member", rejoin, own(intended), join.Refused, codes("NODE_NOT_MEMBER")},
		{"unless no ticket has left", rejoin, own(func(r *join.Record) { sameBoot(r); returning(r) }), join.Admitted, nil},
		{"and it is the very same", rejoin, own(func(r *join.Record) { sameBoot(r); returning(r); r.Boot.AK = hashOf("AK 1") }), join.Refused, codes("BOOT_NOT_NEW")},
		{"a restart without a reset is no boot", rejoin, own(func(r *join.Record) { sameBoot(r); r.Boot.RestartCount = 0 }), join.Refused, codes("BOOT_NOT_NEW")},
		{"a TPM that was set back does not return", rejoin, own(func(r *join.Record) { r.Boot.ResetCount = 4 }), join.Refused, codes("BOOT_NOT_NEW")},
		{"nor does one whose counter has gone round", rejoin, own(func(r *join.Record) { r.Boot.ResetCount = math.MaxUint32 }), join.Refused, codes("BOOT_NOT_NEW")},
		{"without a TPM another session is another boot", teeRejoin, own(func(r *join.Record) { r.Boot.Session = hashOf("session 3") }), join.Refused, codes("BOOT_NOT_NEW")},
		{"of two clones the second is refused", rejoin, func(s *situation) { s.f.Other = join.Alive }, join.Refused, codes("CLONE_ALIVE")},
		{"the first is asked before", rejoin, func(s *situation) { s.f.Other = join.NotAsked }, join.Refused, codes("LIVENESS_UNKNOWN")},
		{"not as another kind of machine", rejoin, own(func(r *join.Record) { r.Platform = evidence.TPM }), join.Refused, codes("PLATFORM_MISMATCH")},
		{"a machine that moved waits", teeRejoin, chipChanges, join.Awaiting, codes("MACHINE_MOVED")},
		{"for an approval of its chip", teeRejoin, also(chipChanges, moved), join.Admitted, nil},
		{"of this chip", teeRejoin, also(chipChanges, approve(join.Approval{Serial: 9, Role: join.Worker, Chip: chip(2), Expires: now})), join.Awaiting, codes("MACHINE_MOVED")},
		{"that says so", teeRejoin, also(chipChanges, approve(join.Approval{Serial: 9, Role: join.Worker, Expires: now})), join.Awaiting, codes("MACHINE_MOVED")},
		{"in its role", teeRejoin, also(chipChanges, approve(join.Approval{Serial: 9, Role: join.ControlPlane, Chip: chip(1), Expires: now})), join.Refused, codes("ROLE_MISMATCH")},
		{"with its name", teeRejoin, also(chipChanges, approve(join.Approval{Serial: 9, Role: join.Worker, Name: "node-2", Chip: chip(1), Expires: now})), join.Refused, codes("NAME_NOT_ALLOWED")},
		{"in time", teeRejoin, also(chipChanges, approve(join.Approval{Serial: 9, Role: join.Worker, Chip: chip(1), Expires: now.Add(-1)})), join.Awaiting, codes("APPROVAL_EXPIRED")},
		{"once", teeRejoin, also(chipChanges, moved, own(func(r *join.Record) { r.Spent = 9 })), join.Awaiting, codes("APPROVAL_SPENT")},
		{"a chip that is hidden now counts as another", teeRejoin, func(s *situation) { s.c.Claims.SNP.ChipID = nil }, join.Refused, codes("MACHINE_MOVED")},
		{"a chip that was hidden before does not", teeRejoin, own(func(r *join.Record) { r.Chip = nil }), join.Admitted, nil},
		{"the owner may let no machine move", teeRejoin, also(chipChanges, moved, set(func(p *join.Policy) { p.Moved = join.MovedRefuse })), join.Refused, codes("MACHINE_MOVED")},
		{"or any", teeRejoin, also(chipChanges, set(func(p *join.Policy) { p.Moved = join.MovedAdmit })), join.Admitted, nil},
		{"what else the policy says of it moves none", teeRejoin, also(chipChanges, moved, set(func(p *join.Policy) { p.Moved = "" })), join.Refused, codes("MACHINE_MOVED")},
		{"no policy moves none", teeRejoin, also(chipChanges, moved, func(s *situation) { s.f.Standing.Policy = nil }), join.Refused, codes("JOIN_POLICY_MISSING", "MACHINE_MOVED")},
		{"nobody returns before the owner said anything", rejoin, func(s *situation) { s.f.Standing = nil }, join.Refused, codes("JOIN_POLICY_MISSING", "STANDING_STALE")},
		{"nor by directives older than the record's", rejoin, func(s *situation) { s.f.Standing.Serial = 8 }, join.Refused, codes("STANDING_STALE")},
		{"nor by an attestation policy older than the record's", rejoin, func(s *situation) { s.c.Policy = 3 }, join.Refused, codes("STANDING_STALE")},
	}
}

func TestDecide(t *testing.T) {
	for section, rules := range map[string][]rule{"first join": firstJoinRules(), "join again": joinAgainRules(), "rejoin": rejoinRules()} {
		for _, r := range rules {
			t.Run(section+"/"+r.name, func(t *testing.T) {
				s := r.start()
				r.change(s)
				checkDecision(t, s.decide(), r.outcome, r.codes)
			})
		}
	}
}

func checkDecision(t *testing.T, d *join.Decision, outcome join.Outcome, want []policy.Code) {
	t.Helper()
	if diff := cmp.Diff(want, d.Codes()); diff != "" || d.Outcome != outcome {
		t.Errorf("%s, want %s; codes (-want +got):\n%s", d.Outcome, outcome, diff)
	}
	if (d.Outcome == join.Admitted) != (d.Cause == "") || d.Outcome == join.Admitted && d.Record == nil {
		t.Errorf("%s by %q with record %+v", d.Outcome, d.Cause, d.Record)
	}
	if wantAsk := slices.Contains(want, policy.CodeLivenessUnknown); d.Ask != wantAsk {
		t.Errorf("asks for liveness: %v, want %v", d.Ask, wantAsk)
	}
	for i := range d.Findings {
		if f := &d.Findings[i]; f.Remedy == "" || f.Subject == "" || f.Severity == "" {
			t.Errorf("finding %+v lacks something", f)
		}
	}
}

// Nobody is asked whether it lives for the sake of a candidate that is refused
// anyway.
func TestDecideAsksLast(t *testing.T) {
	s := rejoin()
	s.f.Other = join.NotAsked
	denied(s)
	if d := s.decide(); d.Ask || slices.Contains(d.Codes(), policy.CodeLivenessUnknown) {
		t.Errorf("a denied machine makes somebody ask: %v", d.Codes())
	}
}

func TestEvidenceComesFirst(t *testing.T) {
	pcr := policy.Finding{Code: policy.CodePCRMismatch, Severity: policy.Refuse, Subject: "PCR 4", Remedy: "Boot it."}
	warning := policy.Finding{Code: policy.CodeTCBBelowFloor, Severity: policy.Warn, Subject: "TCB", Remedy: "Update it."}
	for _, tt := range []struct {
		name   string
		change func(*join.Candidate)
		want   []policy.Code
	}{
		{"refused", func(c *join.Candidate) { c.Verdict = policy.Verdict{Findings: []policy.Finding{pcr, warning}} }, codes("PCR_MISMATCH", "TCB_BELOW_FLOOR")},
		{"refused for no reason", func(c *join.Candidate) { c.Verdict = policy.Verdict{} }, codes("VERDICT_MISSING")},
		{"refused with a warning", func(c *join.Candidate) { c.Verdict = policy.Verdict{Findings: []policy.Finding{warning}} }, codes("VERDICT_MISSING", "TCB_BELOW_FLOOR")},
		{"admitted with a refusal", func(c *join.Candidate) { c.Verdict.Findings = []policy.Finding{pcr} }, codes("PCR_MISMATCH")},
		{"admitted with a refusal behind a warning", func(c *join.Candidate) { c.Verdict.Findings = []policy.Finding{warning, pcr} }, codes("PCR_MISMATCH", "TCB_BELOW_FLOOR")},
		{"admitted with a finding of no severity", func(c *join.Candidate) { c.Verdict.Findings = []policy.Finding{{Code: "ODD"}} }, codes("ODD")},
		{"no candidate", nil, codes("VERDICT_MISSING")},
		{"no identity", func(c *join.Candidate) { c.Identity = join.Identity{} }, codes("IDENTITY_MISSING")},
		{"another's identity", func(c *join.Candidate) { c.Identity = machine("two") }, codes("IDENTITY_MISSING")},
		{"an instance's identity in place of its own", func(c *join.Candidate) { c.Identity = identity("instance:qemu-snp:vm-1") }, codes("IDENTITY_MISSING")},
		{"an identity that nothing proves", func(c *join.Candidate) { c.Claims.TPM.AKProof = "" }, codes("IDENTITY_MISSING")},
		{"no claims", func(c *join.Candidate) { c.Claims = nil }, codes("IDENTITY_MISSING")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := controlPlane()
			frozen(s)
			s.f.ByName, s.f.ByDisk = stranger(), stranger()
			if tt.change == nil {
				s.c = nil
			} else {
				tt.change(s.c)
			}
			d := s.decide()
			var got []policy.Code
			for i := range d.Findings {
				got = append(got, d.Findings[i].Code)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || d.Outcome != join.Refused || d.Cause != join.ByEvidence || d.Record != nil {
				t.Errorf("%s by %q, record %v, findings (-want +got):\n%s", d.Outcome, d.Cause, d.Record, diff)
			}
		})
	}
}

// A verdict's warnings stay, behind what refuses.
func TestDecideKeepsWarnings(t *testing.T) {
	warning := policy.Finding{Code: policy.CodeTCBBelowFloor, Severity: policy.Warn, Subject: "TCB", Remedy: "Update it."}
	s := firstJoin()
	s.c.Verdict.Findings = []policy.Finding{warning}
	if d := s.decide(); d.Outcome != join.Admitted || !slices.Equal(d.Warnings(), codes("TCB_BELOW_FLOOR")) {
		t.Errorf("%s with warnings %v", d.Outcome, d.Warnings())
	}
	frozen(s)
	d := s.decide()
	if len(d.Findings) != 2 || d.Findings[0].Code != policy.CodeClusterFrozen || d.Findings[1].Code != policy.CodeTCBBelowFloor {
		t.Errorf("findings %+v", d.Findings)
	}
}

func TestMovedMachineIsWarnedOf(t *testing.T) {
	s := teeRejoin()
	s.f.Own.Chip, s.f.Standing.Policy.Moved = chip(9), join.MovedAdmit
	if d := s.decide(); !slices.Equal(d.Warnings(), codes("MACHINE_MOVED")) || !slices.Equal(d.Record.Chip, chip(1)) {
		t.Errorf("warnings %v, chip %v", d.Warnings(), d.Record.Chip)
	}
}

// What was said of nobody is nothing.
func TestNoStanding(t *testing.T) {
	var s *join.Standing
	if _, denied := s.Denied(machine("one")); denied {
		t.Error("a denial out of nothing")
	}
	if _, approved := s.ApprovalFor(machine("one")); approved {
		t.Error("an approval out of nothing")
	}
}
