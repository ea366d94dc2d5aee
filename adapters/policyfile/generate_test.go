package policyfile_test

import (
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// drawDocument draws a valid policy: any platforms, sections as they need.
func drawDocument(t *rapid.T) policy.Document {
	platforms := rapid.SliceOfNDistinct(rapid.SampledFrom(evidence.Platforms()), 1, 5, rapid.ID[evidence.Platform]).Draw(t, "platforms")
	d := policy.Document{
		Version:           policy.Version,
		Serial:            rapid.Uint64Range(1, 1<<53-1).Draw(t, "serial"),
		Description:       drawText(t, "description"),
		Platforms:         platforms,
		Profiles:          []string{"release", "edge"},
		RequireEventLog:   rapid.Bool().Draw(t, "requireEventLog"),
		RequireSecureBoot: rapid.Bool().Draw(t, "requireSecureBoot"),
		Freshness:         policy.Freshness{MaxAge: drawDuration(t), MaxClockSkew: drawDuration(t)},
		Bounds: policy.Bounds{
			EvidenceBytes: rapid.IntRange(0, evidence.MaxSize).Draw(t, "bytes"),
			Events:        rapid.IntRange(0, policy.MaxEvents).Draw(t, "events"),
		},
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "releases") {
		d.Releases = append(d.Releases, drawRelease(t, i, platforms))
	}
	if rapid.Bool().Draw(t, "rules") {
		d.Registers = map[measurement.Register]measurement.Rule{register("pcr1"): measurement.Ignore}
	}
	drawSections(t, &d)
	return d
}

func drawRelease(t *rapid.T, i int, platforms []evidence.Platform) policy.Release {
	r := policy.Release{
		Name:      []string{"v1.4.0", "1.10", "2026-01-31"}[i],
		Profile:   rapid.SampledFrom([]string{"release", "edge"}).Draw(t, "profile"),
		Withdrawn: i > 0 && rapid.Bool().Draw(t, "withdrawn"),
	}
	if rapid.Bool().Draw(t, "manifest") {
		r.Manifest = drawDigest(t, measurement.SHA256)
	}
	if !r.Withdrawn && rapid.Bool().Draw(t, "window") {
		r.NotAfter = drawTime(t)
	}
	for _, p := range platforms {
		r.References = append(r.References, drawReference(t, p))
	}
	return r
}

func drawReference(t *rapid.T, p evidence.Platform) policy.Reference {
	traits, err := p.Traits()
	if err != nil {
		t.Fatal(err)
	}
	ref := policy.Reference{Platform: p, Firmware: drawText(t, "firmware")}
	for _, r := range traits.Boot {
		if ref.Registers == nil {
			ref.Registers = map[measurement.Register][]policy.ReferenceValue{}
		}
		ref.Registers[r] = drawValues(t, r)
	}
	ref.Mark = drawMark(traits)
	if traits.TEE != evidence.NoTEE {
		ref.LaunchDigests = drawDigests(t, measurement.SHA384, 1)
	}
	return ref
}

// drawMark names the register that holds the mark beside those that decide.
func drawMark(traits evidence.Traits) *measurement.Register {
	if len(traits.Boot) == 0 {
		return nil
	}
	mark := register("pcr15")
	if traits.Boot[0].Bank() == measurement.RTMR {
		mark = register("rtmr3")
	}
	return &mark
}

func drawValues(t *rapid.T, r measurement.Register) []policy.ReferenceValue {
	values := []policy.ReferenceValue{}
	for _, d := range drawDigests(t, r.Bank().Algorithm(), 1) {
		values = append(values, policy.ReferenceValue{Value: d})
	}
	if rapid.Bool().Draw(t, "events") {
		e := policy.ReferenceEvent{Digest: drawDigest(t, r.Bank().Algorithm()), Type: "EV_IPL", Description: drawText(t, "event")}
		values[0] = policy.ReferenceValue{Value: r.PowerOn().Extend(e.Digest), Events: []policy.ReferenceEvent{e}}
	}
	return values
}

func drawSections(t *rapid.T, d *policy.Document) {
	has := func(trait func(evidence.Traits) bool) bool {
		return slices.ContainsFunc(d.Platforms, func(p evidence.Platform) bool {
			traits, err := p.Traits()
			return err == nil && trait(traits)
		})
	}
	if has(func(t evidence.Traits) bool { return t.AKTrust == evidence.AKActivated }) {
		d.TPM = &policy.TPM{EKTrust: policy.EKAllowList, AllowedEKs: drawDigests(t, measurement.SHA256, 1)}
	}
	if has(func(t evidence.Traits) bool { return t.TEE == evidence.SNP }) {
		d.SNP = drawSNP(t)
	}
	if has(func(t evidence.Traits) bool { return t.TEE == evidence.TDX }) {
		d.TDX = drawTDX(t)
	}
	bare := has(func(t evidence.Traits) bool { return len(t.Boot) == 0 })
	d.RequireEventLog, d.RequireSecureBoot = d.RequireEventLog && !bare, d.RequireSecureBoot && !bare
	if (d.SNP != nil || d.TDX != nil) && rapid.Bool().Draw(t, "denied") {
		d.DeniedChips = []policy.Hex{drawHex(t, policy.SNPChipIDSize), drawHex(t, policy.TDXPPIDSize)}
	}
}

func drawSNP(t *rapid.T) *policy.SNP {
	floor := policy.TCB{BootLoader: 4, SNP: 22, Microcode: rapid.Uint8Range(1, 255).Draw(t, "microcode")}
	lower := floor
	lower.Microcode--
	return &policy.SNP{
		ProductLines: []policy.ProductLinePolicy{
			{Name: policy.Milan, TCB: floor, Chips: []policy.Hex{drawHex(t, policy.SNPChipIDSize)}},
			{Name: policy.Turin, TCB: policy.TCB{FMC: 1}, Grace: nil},
			{Name: policy.Genoa, TCB: floor, Grace: &policy.Grace{Until: drawTime(t), TCB: lower}},
		},
		Require:   rapid.SampledFrom([][]policy.Requirement{{}, {policy.NoSMT}, {policy.RAPLDisabled, policy.AliasCheck}}).Draw(t, "require"),
		MaxVMPL:   rapid.Uint32Range(0, 3).Draw(t, "vmpl"),
		AllowVLEK: rapid.Bool().Draw(t, "vlek"),
		IDKeys:    drawDigests(t, measurement.SHA384, 0), AuthorKeys: drawDigests(t, measurement.SHA384, 0),
		HostData: []policy.Hex{drawHex(t, policy.SNPHostDataSize)},
	}
}

func drawTDX(t *rapid.T) *policy.TDX {
	return &policy.TDX{
		TCBStatus:            []policy.TCBStatus{policy.UpToDate},
		Grace:                &policy.StatusGrace{Until: drawTime(t), TCBStatus: []policy.TCBStatus{policy.OutOfDate}},
		Advisories:           []string{"INTEL-SA-00960"},
		Require:              rapid.SampledFrom([][]policy.Requirement{{}, {policy.SEPTVEDisable, policy.NoMigration}}).Draw(t, "require"),
		EvaluationDataNumber: rapid.Uint32().Draw(t, "number"),
		TEETCBSVN:            drawHex(t, policy.TEETCBSVNSize), FMSPCs: []policy.Hex{drawHex(t, policy.FMSPCSize)},
		Chips:       []policy.Hex{drawHex(t, policy.TDXPPIDSize)},
		MRConfigIDs: drawDigests(t, measurement.SHA384, 0), MROwners: drawDigests(t, measurement.SHA384, 0),
	}
}

// drawDigests draws distinct digests, some of which look like numbers to YAML.
func drawDigests(t *rapid.T, a measurement.Algorithm, least int) []measurement.Digest {
	draw := rapid.Custom(func(t *rapid.T) measurement.Digest { return drawDigest(t, a) })
	return rapid.SliceOfNDistinct(draw, least, 3, rapid.ID[measurement.Digest]).Draw(t, "digests")
}

func drawDigest(t *rapid.T, a measurement.Algorithm) measurement.Digest {
	d, err := measurement.ParseDigest(strings.Repeat(drawHexText(t), a.Size()/4))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func drawHex(t *rapid.T, size int) policy.Hex {
	text := strings.Repeat(drawHexText(t), size)[:2*size]
	var h policy.Hex
	if err := h.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return h
}

// drawHexText draws 8 digits that are not all zero.
func drawHexText(t *rapid.T) string {
	return rapid.OneOf(
		rapid.StringMatching(`[0-9a-f]{7}[1-9a-f]`),
		rapid.StringMatching(`1[0-9]{3}[e.]?[0-9]{3}1`).Filter(func(s string) bool { return len(s) == 8 && !strings.Contains(s, ".") }),
		rapid.StringMatching(`[0-9]{7}[1-9]`),
	).Draw(t, "hex")
}

func drawText(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "no", "null", "~", "1.10", "0x10", "010", "- a", "a: b", "# a", " a ", "a\nb", "\t\n", "\n", "a\n\n", "\x1b[2J", "é\u2028", "\u0085", `\`, "2026-01-31", "<<", "*a", "&a", "!a"}),
		rapid.StringN(0, 40, 200),
	).Draw(t, label)
}

func drawTime(t *rapid.T) time.Time {
	return time.Unix(rapid.Int64Range(1, 250_000_000_000).Draw(t, "time"), 0).UTC()
}

func drawDuration(t *rapid.T) policy.Duration {
	return policy.Duration(time.Duration(rapid.IntRange(0, 86400).Draw(t, "seconds")) * time.Second)
}
