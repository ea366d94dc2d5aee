package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Bounds of documents.
const (
	MaxReleases   = 256
	MaxReferences = 64    // of one release
	MaxValues     = 16    // of one register, and launch digests of one reference
	MaxListed     = 65536 // chips, and endorsement keys
	MaxEvents     = 8192  // of one event log, and of one reference value

	maxText   = 1024
	maxName   = 64
	maxSerial = 1<<53 - 1 // what every JSON reader can hold
	maxSkew   = Duration(24 * time.Hour)
)

// validate returns everything that is wrong with the document.
func (d *Document) validate() []Problem {
	var ps problems
	d.checkHead(&ps)
	d.checkPlatforms(&ps)
	d.checkReleases(&ps)
	d.checkRegisterRules(&ps)
	d.checkTPM(&ps)
	d.checkSNP(&ps)
	d.checkTDX(&ps)
	d.checkChips(&ps)
	d.checkLimits(&ps)
	return ps.list
}

func (d *Document) checkHead(ps *problems) {
	if d.Version != Version {
		ps.add("version", "%q is not a version that this program reads; write %q", d.Version, Version)
	}
	if d.Serial == 0 || d.Serial > maxSerial {
		ps.add("serial", "must be from 1 to %d, and greater than the serial of the policy before", uint64(maxSerial))
	}
	checkText(ps, "description", d.Description)
	if len(d.Profiles) == 0 {
		ps.add("profiles", "lists no image profile, so nothing could be admitted; write [release]")
	}
	for i, profile := range d.Profiles {
		checkName(ps, at("profiles", i), profile)
	}
	checkUnique(ps, "profiles", d.Profiles)
}

func (d *Document) checkPlatforms(ps *problems) {
	if len(d.Platforms) == 0 {
		ps.add("platforms", "lists no platform, so nothing could be admitted")
	}
	for i, p := range d.Platforms {
		if _, err := p.Traits(); err != nil {
			ps.add(at("platforms", i), "%v", err)
		} else if !d.hasReference(p) {
			ps.add(at("platforms", i), "no release that is still accepted has a reference for %s, so it could never be admitted", p)
		}
	}
	checkUnique(ps, "platforms", d.Platforms)
}

func (d *Document) hasReference(p evidence.Platform) bool {
	return slices.ContainsFunc(d.Releases, func(r Release) bool {
		return !r.Withdrawn && slices.ContainsFunc(r.References, func(ref Reference) bool { return ref.Platform == p })
	})
}

func (d *Document) checkRegisterRules(ps *problems) {
	for _, r := range sortedRegisters(d.Registers) {
		path := under("registers", r.Name())
		if rule := d.Registers[r]; rule > measurement.Ignore {
			ps.add(path, "%v is not a rule; write enforce, warn or ignore", rule)
		}
		switch {
		case d.Registers[r] != measurement.Enforce && d.anyPlatform(func(t evidence.Traits) bool { return slices.Contains(t.Boot, r) }):
			ps.add(path, "%v covers what a machine of an accepted platform runs, so it is always enforced; drop the rule", r)
		case d.marks(r):
			ps.add(path, "%v holds the mark, which a session decides on and never a rule", r)
		case !d.references(r):
			ps.add(path, "no release has a value for %v, so the rule would have no effect", r)
		}
	}
}

func (d *Document) marks(r measurement.Register) bool {
	return d.anyReference(func(ref *Reference) bool { return ref.Mark != nil && *ref.Mark == r })
}

func (d *Document) references(r measurement.Register) bool {
	return d.anyReference(func(ref *Reference) bool { _, found := ref.Registers[r]; return found }) ||
		d.Registers[r] == measurement.Ignore
}

func (d *Document) anyReference(holds func(*Reference) bool) bool {
	for i := range d.Releases {
		for j := range d.Releases[i].References {
			if holds(&d.Releases[i].References[j]) {
				return true
			}
		}
	}
	return false
}

// anyPlatform says whether an accepted platform has the trait.
func (d *Document) anyPlatform(has func(evidence.Traits) bool) bool {
	return slices.ContainsFunc(d.Platforms, func(p evidence.Platform) bool {
		traits, err := p.Traits()
		return err == nil && has(traits)
	})
}

func (d *Document) checkLimits(ps *problems) {
	if d.Freshness.MaxAge < 0 {
		ps.add("freshness.maxAge", "is negative")
	}
	if d.Freshness.MaxClockSkew < 0 || d.Freshness.MaxClockSkew > maxSkew {
		ps.add("freshness.maxClockSkew", "must be from 0s to %v", time.Duration(maxSkew))
	}
	if bare := d.anyPlatform(func(t evidence.Traits) bool { return len(t.Boot) == 0 }); bare {
		d.checkClaimable(ps)
	}
	if n := d.Bounds.EvidenceBytes; n < 0 || n > evidence.MaxSize {
		ps.add("bounds.evidenceBytes", "must be from 0 to %d", evidence.MaxSize)
	}
	if n := d.Bounds.Events; n < 0 || n > MaxEvents {
		ps.add("bounds.events", "must be from 0 to %d", MaxEvents)
	}
}

// checkClaimable finds demands that a platform without registers cannot meet.
func (d *Document) checkClaimable(ps *problems) {
	if d.RequireEventLog {
		ps.add("requireEventLog", "an accepted platform has no event log, so it could never be admitted")
	}
	if d.RequireSecureBoot {
		ps.add("requireSecureBoot", "an accepted platform has no Secure Boot, so it could never be admitted")
	}
}

func checkText(ps *problems, path, text string) {
	if len(text) > maxText || !utf8.ValidString(text) {
		ps.add(path, "must be at most %d bytes of UTF-8", maxText)
	}
}

// checkName holds a name against the grammar [a-z0-9A-Z][-._+a-z0-9A-Z]*.
func checkName(ps *problems, path, name string) {
	inner := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._+", r))
	}
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, inner) || strings.ContainsRune("-._+", rune(name[0])) {
		ps.add(path, "%q is not a name: 1 to %d letters, digits, and after the first also - . _ +", name, maxName)
	}
}

func checkTime(ps *problems, path string, t time.Time) {
	if _, offset := t.Zone(); offset != 0 || t.Nanosecond() != 0 || t.Year() < 1 || t.Year() > 9999 {
		ps.add(path, "must be in UTC and in whole seconds, as in 2026-01-31T00:00:00Z")
	}
}

func checkUnique[T comparable](ps *problems, path string, list []T) {
	first := make(map[T]int, len(list))
	for i, v := range list {
		if j, seen := first[v]; seen {
			ps.add(at(path, i), "repeats %s", at(path, j))
			continue
		}
		first[v] = i
	}
}

// checkDigests checks a list of digests of one algorithm.
func checkDigests(ps *problems, path string, list []measurement.Digest, a measurement.Algorithm, limit int) {
	if len(list) > limit {
		ps.add(path, "has %d entries, at most %d", len(list), limit)
		return
	}
	for i, digest := range list {
		if digest.Algorithm() != a {
			ps.add(at(path, i), "must be %v, %d hexadecimal digits", a, 2*a.Size())
		} else if isZero(digest.Bytes()) {
			ps.add(at(path, i), "is all zeros, which a machine without the value reports")
		}
	}
	checkUnique(ps, path, list)
}

// checkHex checks a list of byte strings of one of the lengths.
func checkHex(ps *problems, path string, list []Hex, sizes ...int) {
	if len(list) > MaxListed {
		ps.add(path, "has %d entries, at most %d", len(list), MaxListed)
		return
	}
	texts := make([]string, len(list))
	for i, h := range list {
		texts[i] = h.String()
		switch {
		case !slices.Contains(sizes, len(h)):
			ps.add(at(path, i), "has %d bytes, want %s", len(h), joinSizes(sizes))
		case isZero(h):
			ps.add(at(path, i), "is all zeros, which a host that hides the value reports")
		}
	}
	checkUnique(ps, path, texts)
}

func joinSizes(sizes []int) string {
	var texts []string
	for _, n := range sizes {
		texts = append(texts, fmt.Sprint(n))
	}
	return joinNames(texts)
}

func isZero(h Hex) bool { return !slices.ContainsFunc(h, func(b byte) bool { return b != 0 }) }

func sortedRegisters[V any](m map[measurement.Register]V) []measurement.Register {
	var rs []measurement.Register
	for r := range m {
		rs = append(rs, r)
	}
	slices.SortFunc(rs, measurement.Register.Compare)
	return rs
}
