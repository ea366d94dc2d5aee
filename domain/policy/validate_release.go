package policy

import (
	"cmp"
	"slices"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

func (d *Document) checkReleases(ps *problems) {
	if n := len(d.Releases); n == 0 || n > MaxReleases {
		ps.add("releases", "has %d entries, want 1 to %d", n, MaxReleases)
		return
	}
	var names []string
	for i := range d.Releases {
		d.checkRelease(ps, at("releases", i), &d.Releases[i])
		names = append(names, d.Releases[i].Name)
	}
	checkUnique(ps, "releases", names)
}

func (d *Document) checkRelease(ps *problems, path string, r *Release) {
	checkName(ps, under(path, "name"), r.Name)
	checkName(ps, under(path, "profile"), r.Profile)
	if !r.Withdrawn && !slices.Contains(d.Profiles, r.Profile) {
		ps.add(under(path, "profile"), "%q is not among the accepted profiles; list it there, or set withdrawn", r.Profile)
	}
	if !r.Manifest.IsZero() && r.Manifest.Algorithm() != measurement.SHA256 {
		ps.add(under(path, "manifest"), "must be sha256, 64 hexadecimal digits")
	}
	checkTime(ps, under(path, "notAfter"), r.NotAfter)
	if r.Withdrawn && !r.NotAfter.IsZero() {
		ps.add(under(path, "notAfter"), "has no effect: the release is withdrawn; drop one of them")
	}
	if n := len(r.References); n == 0 || n > MaxReferences {
		ps.add(under(path, "references"), "has %d entries, want 1 to %d", n, MaxReferences)
		return
	}
	type key struct {
		platform evidence.Platform
		firmware string
	}
	var keys []key
	for i := range r.References {
		d.checkReference(ps, at(under(path, "references"), i), &r.References[i])
		keys = append(keys, key{r.References[i].Platform, r.References[i].Firmware})
	}
	checkUnique(ps, under(path, "references"), keys)
}

func (d *Document) checkReference(ps *problems, path string, ref *Reference) {
	checkText(ps, under(path, "firmware"), ref.Firmware)
	traits, err := ref.Platform.Traits()
	if err != nil {
		ps.add(under(path, "platform"), "%v", err)
		return
	}
	if !slices.Contains(d.Platforms, ref.Platform) {
		ps.add(under(path, "platform"), "%s is not among the accepted platforms; list it there, or drop this reference", ref.Platform)
	}
	for _, r := range sortedRegisters(ref.Registers) {
		checkRegister(ps, under(under(path, "registers"), r.Name()), traits, r, ref.Registers[r])
	}
	checkBoot(ps, under(path, "registers"), traits, ref)
	d.checkLaunch(ps, under(path, "launchDigests"), traits, ref)
	checkMark(ps, under(path, "mark"), traits, ref)
}

func checkRegister(ps *problems, path string, traits evidence.Traits, r measurement.Register, values []ReferenceValue) {
	if !hasBank(traits, r.Bank()) {
		ps.add(path, "the platform has no such register")
		return
	}
	if n := len(values); n == 0 || n > MaxValues {
		ps.add(path, "has %d values, want 1 to %d", n, MaxValues)
		return
	}
	var digests []measurement.Digest
	for i := range values {
		checkValue(ps, at(path, i), r, &values[i])
		digests = append(digests, values[i].Value)
	}
	checkUnique(ps, path, digests)
}

func checkValue(ps *problems, path string, r measurement.Register, v *ReferenceValue) {
	if want := r.Bank().Algorithm(); v.Value.Algorithm() != want {
		ps.add(under(path, "value"), "must be %v, %d hexadecimal digits", want, 2*want.Size())
		return
	}
	if len(v.Events) > MaxEvents {
		ps.add(under(path, "events"), "has %d entries, at most %d", len(v.Events), MaxEvents)
		return
	}
	for i, e := range v.Events {
		checkText(ps, under(at(under(path, "events"), i), "type"), e.Type)
		checkText(ps, under(at(under(path, "events"), i), "description"), e.Description)
	}
	if events := v.measurementEvents(r); len(events) > 0 && !measurement.Explains(events, r, v.Value) {
		ps.add(under(path, "events"), "do not replay to the value, so they cannot be how it comes about")
	}
}

func (v *ReferenceValue) measurementEvents(r measurement.Register) []measurement.Event {
	var events []measurement.Event
	for _, e := range v.Events {
		events = append(events, measurement.Event{Register: r, Digest: e.Digest, Type: e.Type, Description: e.Description})
	}
	return events
}

func hasBank(traits evidence.Traits, b measurement.Bank) bool {
	if b == measurement.RTMR {
		return traits.TEE == evidence.TDX
	}
	return traits.TPM
}

// checkBoot finds holes: registers that cover what can run and have no value.
// No rule can lift this: the registers depend on each other, and code that one
// of them does not cover could extend the others as it likes.
func checkBoot(ps *problems, path string, traits evidence.Traits, ref *Reference) {
	for _, r := range traits.Boot {
		if _, found := ref.Registers[r]; !found {
			ps.add(path, "%v is missing, which covers what a machine of %s runs; add its value", r, ref.Platform)
		}
	}
}

func (d *Document) checkLaunch(ps *problems, path string, traits evidence.Traits, ref *Reference) {
	checkDigests(ps, path, ref.LaunchDigests, measurement.SHA384, MaxValues)
	switch {
	case traits.TEE == evidence.NoTEE && len(ref.LaunchDigests) > 0:
		ps.add(path, "the platform has no launch digest")
	case traits.LaunchDecides && len(ref.LaunchDigests) == 0 && !d.launchKeyDecides(traits):
		ps.add(path, "is empty, so any initial memory of the guest would be admitted; add the digest")
	}
}

// launchKeyDecides says whether a signature over the launch stands in for its
// digest. It does where a provider's firmware is launched and the registers of a
// TPM say what that started.
func (d *Document) launchKeyDecides(traits evidence.Traits) bool {
	return traits.TEE == evidence.SNP && traits.TPM && d.SNP != nil && len(d.SNP.IDKeys) > 0
}

// checkMark wants the mark beside the registers that decide: in PCR 15 where
// PCRs do, in RTMR[3] where RTMRs do and the kernel can extend them.
func checkMark(ps *problems, path string, traits evidence.Traits, ref *Reference) {
	want := markRegister(traits)
	if ref.Mark == nil {
		if want == "pcr15" {
			ps.add(path, "is missing, so no member could be told from a stranger; write pcr15")
		}
		return
	}
	if ref.Mark.Name() != want {
		ps.add(path, "%v cannot hold the mark on %s, only %s can", *ref.Mark, ref.Platform, cmp.Or(want, "no register"))
	}
	if _, found := ref.Registers[*ref.Mark]; found {
		ps.add(path, "%v holds the mark, so it has no reference value", *ref.Mark)
	}
}

// markRegister names the register that can hold the mark, if any can.
func markRegister(traits evidence.Traits) string {
	switch {
	case len(traits.Boot) == 0:
		return ""
	case traits.Boot[0].Bank() == measurement.RTMR:
		return "rtmr3"
	default:
		return "pcr15"
	}
}
