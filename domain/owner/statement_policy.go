package owner

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// ErrProfile is wrapped where a statement lists no release of the profiles.
var ErrProfile = errors.New("the cluster statement accepts no release of the profile")

// Policy returns the policy under which a joiner appraises a JoinService, and an
// owner's tool a member: the statement's releases of these profiles, what it asks
// of hardware, and its serial. A joiner names its own profile.
//
// The error wraps ErrProfile where there is no such release, and is a
// *policy.InvalidError where the statement is not one that NewStatement made.
func (s *Statement) Policy(profiles ...string) (*policy.Policy, error) {
	d := s.document(profiles)
	if len(d.Releases) == 0 {
		return nil, fmt.Errorf("%w: %q", ErrProfile, profiles)
	}
	if !anyTraits(d.Platforms, activates) {
		d.TPM = nil
	}
	if !anyTraits(d.Platforms, isSNP) {
		d.SNP = nil
	}
	if !anyTraits(d.Platforms, isTDX) {
		d.TDX = nil
	}
	if d.SNP == nil && d.TDX == nil {
		d.DeniedChips = nil
	}
	return policy.New(*d)
}

// document returns the statement as a policy document with the releases of the
// profiles, and with what it asks of all hardware.
func (s *Statement) document(profiles []string) *policy.Document {
	d := &policy.Document{
		Version: policy.Version, Serial: s.Serial, Profiles: profiles,
		TPM: s.TPM, SNP: s.SNP, TDX: s.TDX, DeniedChips: s.DeniedChips,
	}
	for i := range s.Releases {
		if slices.Contains(profiles, s.Releases[i].Profile) {
			d.Releases = append(d.Releases, s.Releases[i])
		}
	}
	d.Platforms = platforms(d.Releases)
	return d
}

// profiles returns the profiles of the releases, each once.
func (s *Statement) profiles() []string {
	var list []string
	for i := range s.Releases {
		list = append(list, s.Releases[i].Profile)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// platforms returns the platforms for which the releases have references, each
// once. One that is not known is left out: policy.New names its reference.
func platforms(releases []policy.Release) []evidence.Platform {
	var list []evidence.Platform
	for i := range releases {
		for j := range releases[i].References {
			if p := releases[i].References[j].Platform; slices.Contains(evidence.Platforms(), p) {
				list = append(list, p)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// anyTraits says whether one of the platforms has the trait.
func anyTraits(list []evidence.Platform, has func(evidence.Traits) bool) bool {
	return slices.ContainsFunc(list, func(p evidence.Platform) bool {
		traits, err := p.Traits()
		return err == nil && has(traits)
	})
}

func activates(t evidence.Traits) bool { return t.AKTrust == evidence.AKActivated }

func isSNP(t evidence.Traits) bool { return t.TEE == evidence.SNP }

func isTDX(t evidence.Traits) bool { return t.TEE == evidence.TDX }
