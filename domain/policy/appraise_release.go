package policy

import (
	"cmp"
	"slices"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// distance says how far claims are from a candidate. Less is nearer. Of two that
// are as near, the one with a register for the mark is taken, so that no twin
// without one lets a session's expectation go unchecked.
type distance struct {
	enforced, refused, markless, warned int
}

func (d distance) compare(other distance) int {
	return cmp.Or(cmp.Compare(d.enforced, other.enforced), cmp.Compare(d.refused, other.refused),
		cmp.Compare(d.markless, other.markless), cmp.Compare(d.warned, other.warned))
}

// release finds the candidate that is nearest, the newest of several, and
// records in what the claims differ from it.
func (a *appraisal) release() {
	candidates := a.policy.candidates[a.claims.Platform]
	var nearest distance
	for i := range candidates {
		d := a.distance(&candidates[i])
		if a.best == nil || d.compare(nearest) < 0 {
			a.best, nearest = &candidates[i], d
		}
	}
	if a.best == nil {
		a.refuse(Finding{
			Code: CodeNoReference, Subject: "release",
			Expected: []string{"a release with reference values for the platform"}, Seen: string(a.claims.Platform),
			Remedy: "Add the reference values of a release for this platform to the policy.",
		})
		return
	}
	a.standing()
	a.registers()
	a.launchDigest()
	a.mark()
}

func (a *appraisal) distance(c *candidate) distance {
	enforced, warned := c.registers.Distance(&a.claims.Registers)
	d := distance{enforced: enforced, warned: warned}
	if !c.launches(a.launched()) {
		d.enforced++
	}
	if !c.acceptable || a.expired(c) {
		d.refused = 1
	}
	if c.reference.Mark == nil {
		d.markless = 1
	}
	return d
}

func (a *appraisal) expired(c *candidate) bool {
	return !c.release.NotAfter.IsZero() && a.now.After(c.release.NotAfter)
}

// launched returns the launch digest that the claims hold, if any.
func (a *appraisal) launched() measurement.Digest {
	switch {
	case a.traits.TEE == evidence.SNP && a.claims.SNP != nil:
		return a.claims.SNP.Measurement
	case a.traits.TEE == evidence.TDX && a.claims.TDX != nil:
		return a.claims.TDX.MRTD
	default:
		return measurement.Digest{}
	}
}

// launches says whether the launch digest is right for the candidate. A
// candidate without any leaves the decision to other checks, which New has
// made sure of.
func (c *candidate) launches(seen measurement.Digest) bool {
	return len(c.reference.LaunchDigests) == 0 || slices.Contains(c.reference.LaunchDigests, seen)
}

// standing records why a release that is known is not accepted.
func (a *appraisal) standing() {
	release := a.best.release
	if release.Withdrawn {
		a.refuse(Finding{
			Code: CodeReleaseWithdrawn, Subject: "release", Seen: release.Name,
			Remedy: "This release was withdrawn; boot the node from an accepted one.",
		})
	}
	if !slices.Contains(a.policy.document.Profiles, release.Profile) {
		a.refuse(Finding{
			Code: CodeProfileNotAccepted, Subject: "profile", Expected: slices.Clone(a.policy.document.Profiles), Seen: release.Profile,
			Remedy: "Boot the node from an image of an accepted profile.",
		})
	}
	if a.expired(a.best) {
		a.refuse(Finding{
			Code: CodeReleaseExpired, Subject: "release",
			Expected: []string{"until " + stamp(release.NotAfter)}, Seen: release.Name,
			Remedy: "The upgrade window of this release has closed; boot the node from a newer one.",
		})
	}
}

func (a *appraisal) registers() {
	mismatches := a.best.registers.Compare(&a.claims.Registers, a.claims.Events)
	a.findings = slices.Grow(a.findings, len(mismatches))
	for i := range mismatches {
		m := &mismatches[i]
		f := Finding{
			Code: mismatchCode(m.Register), Subject: m.Register.String(), Expected: valueTexts(m.Expected), Seen: m.Seen.String(),
			ExplainedBy: slices.Clone(a.policy.known[observation{a.claims.Platform, m.Register, m.Seen}]),
			Remedy:      registerRemedy(m.Register, m.Seen.IsZero()),
		}
		if m.Divergence != nil {
			f.Divergence = &Divergence{m.Divergence.Position, m.Divergence.Expected, m.Divergence.Seen}
		}
		if m.Rule == measurement.Warn {
			a.warn(f)
		} else {
			a.refuse(f)
		}
	}
}

func mismatchCode(r measurement.Register) Code {
	if r.Bank() == measurement.RTMR {
		return CodeRTMRMismatch
	}
	return CodePCRMismatch
}

// launchers names the known releases of the platform that launch with the digest,
// newest first.
func (a *appraisal) launchers(seen measurement.Digest) []string {
	var names []string
	candidates := a.policy.candidates[a.claims.Platform]
	for i := range candidates {
		if slices.Contains(candidates[i].reference.LaunchDigests, seen) {
			names = append(names, candidates[i].name())
		}
	}
	return names
}

func (a *appraisal) launchDigest() {
	seen := a.launched()
	if a.best.launches(seen) {
		return
	}
	a.refuse(Finding{
		Code: CodeLaunchDigestMismatch, Subject: "launch digest",
		Expected: digestTexts(a.best.reference.LaunchDigests), Seen: seen.String(),
		ExplainedBy: a.launchers(seen),
		Remedy:      "The guest's initial memory is another: check firmware, vCPU count and type, and the release that the host launched.",
	})
}

func (a *appraisal) mark() {
	r := a.best.reference.Mark
	switch {
	case !a.session.mark.expected:
		return
	case r == nil:
		a.owner()
		return
	}
	a.markChecked = true
	expected, seen := a.session.mark.value(*r), a.claims.Registers.Get(*r)
	if seen == expected && !a.session.mark.nobody {
		return
	}
	remedy := "The machine is a member of another cluster, or of none; a node changes clusters only by a reboot."
	switch seen {
	case measurement.Digest{}:
		remedy = registerRemedy(*r, true)
	case r.PowerOn():
		remedy = "The machine bears no mark, so it is not a member; let it join first."
	}
	a.refuse(Finding{
		Code: CodeMarkMismatch, Subject: r.String(), Expected: []string{expected.String()}, Seen: seen.String(), Remedy: remedy,
	})
}

// owner stands in for the mark where no register can hold it: a member was
// launched with its owner's ID in HOST_DATA, or in MROWNER with zeros behind it.
// Whether it is a member, and of which cluster, its hello says.
func (a *appraisal) owner() {
	m := &a.session.mark
	if m.sha256.IsZero() {
		return
	}
	field, expected, seen := "HOST_DATA", Hex(m.owner[:]), Hex(nil)
	switch {
	case a.claims.SNP != nil:
		seen = a.claims.SNP.HostData
	case a.claims.TDX != nil:
		field, expected = "MROWNER", append(expected, make([]byte, measurement.SHA384.Size()-len(expected))...)
		seen = a.claims.TDX.MROwner.Bytes()
	}
	if m.nobody || !slices.Equal(expected, seen) {
		a.refuse(Finding{
			Code: CodeHostDataMismatch, Subject: field, Expected: []string{expected.String()}, Seen: seen.String(),
			Remedy: "The guest was launched for another owner; launch it with the owner's ID.",
		})
	}
}

func digestTexts(list []measurement.Digest) []string {
	var out []string
	for _, d := range list {
		out = append(out, d.String())
	}
	return out
}

func valueTexts(list []measurement.ReferenceValue) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].Digest.String()
	}
	return out
}
