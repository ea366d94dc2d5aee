package join_test

import (
	"bytes"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/join"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

var update = flag.Bool("update", false, "write the golden files")

var now = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

const (
	disk      = "0b7e6f1c-7a53-4f0b-9a53-3c6f0c1f8a01"
	otherDisk = "9c1d2e3f-0011-4a22-8b33-445566778899"
	newDisk   = "5d0c7a44-2b6e-4c1f-8e0a-d2f3a4b5c6d7"
)

func hashOf(text string) measurement.Digest { return measurement.Sum(measurement.SHA256, []byte(text)) }

func chip(b byte) policy.Hex { return bytes.Repeat([]byte{b}, policy.SNPChipIDSize) }

func identity(text string) join.Identity {
	i, err := join.ParseIdentity(text)
	if err != nil {
		panic(err)
	}
	return i
}

// machine returns the identity of the machine with that name's endorsement key.
func machine(name string) join.Identity { return identity("ek:" + hashOf("EK of "+name).String()) }

// situation is what Decide is asked about.
type situation struct {
	c   *join.Candidate
	f   *join.Facts
	now time.Time
}

func (s *situation) decide() *join.Decision { return join.Decide(s.c, s.f, s.now) }

func (s *situation) reattest() *join.Decision { return join.Reattest(s.c, s.f, s.now) }

func admittedVerdict() policy.Verdict {
	return policy.Verdict{Admitted: true, Release: "v1.2.3", Findings: []policy.Finding{}}
}

// tpmClaims are those of the machine with that name in its third boot.
func tpmClaims(name string) *policy.Claims {
	return &policy.Claims{
		Platform: evidence.QEMUVTPM,
		TPM:      &policy.TPMClaims{EK: hashOf("EK of " + name), AKProof: policy.AKActivated, ResetCount: 3, RestartCount: 1},
	}
}

func snpClaims() *policy.Claims {
	return &policy.Claims{Platform: evidence.QEMUSNP, SNP: &policy.SNPClaims{ChipID: chip(1)}}
}

// firstJoin is a TPM machine that its owner listed as a worker, and that nobody
// has seen before.
func firstJoin() *situation {
	p := join.Default()
	p.Listed = []join.Listed{{Identity: machine("one"), Roles: []join.Role{join.Worker}}}
	return &situation{
		c: &join.Candidate{
			Request:  &join.Request{ID: join.RequestID{1}, Kind: join.FirstJoin, Disk: disk, Name: "node-1", Role: join.Worker},
			Identity: machine("one"), Claims: tpmClaims("one"), Verdict: admittedVerdict(),
			AK: hashOf("AK 3"), Evidence: hashOf("evidence"), Policy: 4,
		},
		f:   &join.Facts{Standing: &join.Standing{Serial: 9, Policy: p, Approvals: map[join.Identity]join.Approval{}, Denials: map[join.Identity]join.Denial{}}},
		now: now,
	}
}

// teeJoin is a confidential machine without a TPM, known by its instance.
func teeJoin() *situation {
	s := firstJoin()
	s.f.Standing.Policy = join.Default()
	s.c.Identity, s.c.Claims = identity("instance:qemu-snp:vm-1"), snpClaims()
	s.c.AK, s.c.Session = measurement.Digest{}, hashOf("session 3")
	return s
}

// controlPlane is a machine that wants to be a control-plane node, and has an
// approval.
func controlPlane() *situation {
	s := firstJoin()
	s.f.Standing.Policy = join.Default()
	s.c.Request.Role = join.ControlPlane
	s.f.Standing.Approvals[s.c.Identity] = join.Approval{Serial: 8, Role: join.ControlPlane, Expires: now.Add(time.Hour)}
	return s
}

// joined writes down that the situation's machine joined two boots ago, and is a
// member.
func (s *situation) joined() *situation {
	d := s.decide()
	if d.Record == nil {
		panic(fmt.Sprintf("the fixture is not admitted: %+v", d.Findings))
	}
	r := d.Record.Next(join.Member)
	r.Boot = join.Boot{ResetCount: 1, RestartCount: 1, AK: hashOf("AK 1")}
	if r.Platform == evidence.QEMUSNP {
		r.Boot = join.Boot{Session: hashOf("session 1")}
	}
	r.Holder = r.Boot
	r.Joined, r.Attested = now.Add(-2*time.Hour), now.Add(-time.Hour)
	s.f.Own, s.f.ByName, s.f.ByDisk, s.f.Other = r, r, r, join.Silent
	s.c.Request.ID = join.RequestID{2}
	return s
}

// rejoins makes of the situation a rejoin of its machine.
func (s *situation) rejoins() *situation {
	s.joined()
	s.c.Request = &join.Request{ID: join.RequestID{3}, Kind: join.Rejoin, Disk: disk}
	return s
}

func rejoin() *situation { return firstJoin().rejoins() }

func teeRejoin() *situation { return teeJoin().rejoins() }

func again() *situation { return firstJoin().joinsAnew() }

func teeAgain() *situation { return teeJoin().joinsAnew() }

// joinsAnew makes of the situation another first join of its machine, which has
// formatted its disk.
func (s *situation) joinsAnew() *situation {
	s.joined()
	s.c.Request.Disk, s.f.ByDisk = newDisk, nil
	return s
}

// attests is a member that was asked to attest, in the boot in which it joined.
func attests(s *situation) *situation {
	s.joined()
	s.c.Request = nil
	s.f.Own.Boot = join.Boot{ResetCount: 3, RestartCount: 1, AK: hashOf("AK 3")}
	if s.f.Own.Platform == evidence.QEMUSNP {
		s.f.Own.Boot = join.Boot{Session: hashOf("session 3")}
	}
	s.f.Own.Holder = s.f.Own.Boot
	s.f.ByName, s.f.ByDisk, s.f.Other = nil, nil, join.NotAsked
	return s
}

func member() *situation { return attests(firstJoin()) }

// stranger returns the record of another machine that is a member.
func stranger() *join.Record {
	s := firstJoin()
	s.c.Identity, s.c.Claims = machine("two"), tpmClaims("two")
	s.f.Standing.Policy.Listed[0].Identity = machine("two")
	s.c.Request.Name, s.c.Request.Disk = "node-2", otherDisk
	return s.joined().f.Own
}

func codes(list ...policy.Code) []policy.Code { return list }

func encode(t testing.TB, d interface{ Encode() ([]byte, error) }) []byte {
	t.Helper()
	data, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
