package join

import (
	"slices"

	"github.com/asterism-k8s/asterism/domain/internal/canonicaljson"
)

// Validate returns an *InvalidError of the kind ErrPolicy with everything that is
// wrong with the policy.
func (p *Policy) Validate() error {
	var ps problems
	if p.Version != PolicyVersion {
		ps.add("version", "%.64q is not a version that this program reads; write %q", p.Version, PolicyVersion)
	}
	ps.modes(p)
	ps.check("moved", checkWord(p.Moved, MovedApprove, MovedAdmit, MovedRefuse))
	if p.SilenceSeconds < MinSilence || p.SilenceSeconds > MaxSilence {
		ps.add("silenceSeconds", "%d, want %d to %d", p.SilenceSeconds, MinSilence, MaxSilence)
	}
	ps.listed(p.Listed)
	ps.prefixes(p.NamePrefixes)
	ps.size(p)
	return ps.err(ErrPolicy)
}

// modes allows auto only where evidence shows that the host cannot look in.
func (ps *problems) modes(p *Policy) {
	ps.check("teeWorkers", checkWord(p.TEEWorkers, Auto, AllowList, Approve))
	ps.check("tpmWorkers", checkWord(p.TPMWorkers, AllowList, Approve))
	ps.check("controlPlane", checkWord(p.ControlPlane, AllowList, Approve))
}

func (ps *problems) listed(list []Listed) {
	if len(list) > MaxListed {
		ps.add("listed", "%d machines, at most %d; approve the others one by one", len(list), MaxListed)
	}
	for i := range list {
		ps.entry(at("listed", i), &list[i])
		if i > 0 && list[i-1].Identity.Compare(list[i].Identity) >= 0 {
			ps.add(at("listed", i), "is not behind the one before in order, or the same")
		}
	}
}

func (ps *problems) entry(path string, l *Listed) {
	if l.Identity.IsZero() {
		ps.add(path+".identity", "is missing")
	}
	if len(l.Roles) == 0 {
		ps.add(path+".roles", "is empty, so the machine would be listed for nothing")
	}
	for i, role := range l.Roles {
		ps.check(at(path+".roles", i), checkWord(role, Roles()...))
		if i > 0 && l.Roles[i-1] >= role {
			ps.add(at(path+".roles", i), "is not behind the one before in order, or the same")
		}
	}
	if l.Name != "" {
		_, err := ParseNodeName(string(l.Name))
		ps.check(path+".name", err)
	}
}

// prefixes wants some with which a name may begin.
func (ps *problems) prefixes(list []string) {
	if len(list) > MaxPrefixes {
		ps.add("namePrefixes", "%d, at most %d", len(list), MaxPrefixes)
	}
	for i, prefix := range list {
		if _, err := ParseNodeName(prefix + "a"); prefix == "" || err != nil {
			ps.add(at("namePrefixes", i), "no node's name can begin with %.64q", prefix)
		}
	}
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		ps.add("namePrefixes", "must be sorted, none twice")
	}
}

// size wants a policy that fits into a directive.
func (ps *problems) size(p *Policy) {
	data, err := canonicaljson.Marshal(p)
	ps.check("", err)
	if len(data) > MaxPolicySize {
		ps.add("", "%d bytes, at most %d; list fewer machines, and approve the others one by one", len(data), MaxPolicySize)
	}
}
