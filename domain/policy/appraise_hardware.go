package policy

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// missing refuses a machine that does not say who it is.
func (a *appraisal) missing(subject string) {
	a.refuse(Finding{
		Code: CodeClaimMissing, Subject: subject, Expected: []string{"an " + subject + " that is not hidden"},
		Remedy: "The policy decides by it; ask the provider not to hide it.",
	})
}

func (a *appraisal) snp() {
	c, p := a.claims.SNP, a.policy.document.SNP
	if c == nil || p == nil {
		return
	}
	a.debug(c.Debug)
	a.productLine(c)
	a.deniedChip(c.ChipID)
	a.require(p.Require, c.meets)
	a.vmpl(c, p)
	if c.VLEK && !p.AllowVLEK {
		a.refuse(Finding{
			Code: CodeVLEKNotAccepted, Subject: "signing key", Expected: []string{"VCEK"}, Seen: "VLEK",
			Remedy: "Set allowVLEK if the provider's key is to be trusted in place of the chip's.",
		})
	}
	a.launchKey("ID key", p.IDKeys, c.IDKey)
	a.launchKey("author key", p.AuthorKeys, c.AuthorKey)
	if len(p.HostData) > 0 && !slices.ContainsFunc(p.HostData, func(h Hex) bool { return slices.Equal(h, c.HostData) }) {
		a.refuse(Finding{
			Code: CodeHostDataMismatch, Subject: "HOST_DATA", Expected: hexTexts(p.HostData), Seen: c.HostData.String(),
			Remedy: "The guest was launched for another owner; launch it with the owner's HOST_DATA.",
		})
	}
}

func (a *appraisal) debug(allowed bool) {
	if allowed {
		a.refuse(Finding{
			Code: CodeDebugAllowed, Subject: "guest", Expected: []string{"debugging off"}, Seen: "debugging on",
			Remedy: "The host can read this guest's memory; launch it without the debug attribute.",
		})
	}
}

func (a *appraisal) productLine(c *SNPClaims) {
	line, accepted := a.policy.lines[c.ProductLine]
	if !accepted {
		a.refuse(Finding{
			Code: CodeProductLineNotAccepted, Subject: "product line", Expected: a.productLines(), Seen: string(c.ProductLine),
			Remedy: "Run the node on an accepted line of processors, or add this one with its TCB floor to the policy.",
		})
		return
	}
	a.tcb("reported TCB", &c.ReportedTCB, line.policy)
	a.tcb("committed TCB", &c.CommittedTCB, line.policy)
	a.tcb("launch TCB", &c.LaunchTCB, line.policy)
	a.allowedChip(line.chips, c.ChipID)
}

func (a *appraisal) productLines() []string {
	var names []string
	for _, line := range a.policy.document.SNP.ProductLines {
		names = append(names, string(line.Name))
	}
	return names
}

// tcb compares component by component. During a grace period a version between
// the old floor and the new one is a warning.
func (a *appraisal) tcb(subject string, seen *TCB, line *ProductLinePolicy) {
	if seen.AtLeast(&line.TCB) {
		return
	}
	f := Finding{
		Code: CodeTCBBelowFloor, Subject: subject,
		Expected: []string{"at least " + line.TCB.String()}, Seen: seen.String(),
		Remedy: "Update the host's firmware and microcode: the TCB is below the policy's floor for " + string(line.Name) + ".",
	}
	if g := line.Grace; g != nil && a.inGrace(g.Until) && seen.AtLeast(&g.TCB) {
		f.Remedy = "Update the host's firmware and microcode before " + stamp(g.Until) + ", when the grace period ends."
		a.warn(f)
		return
	}
	a.refuse(f)
}

func (a *appraisal) inGrace(until time.Time) bool { return a.now.Before(until) }

// allowedChip holds a chip against an allow-list; an empty list allows all.
func (a *appraisal) allowedChip(allowed map[string]struct{}, chip Hex) {
	if len(allowed) > 0 && !contains(allowed, chip) {
		a.refuse(Finding{
			Code: CodeChipNotAllowed, Subject: "chip", Expected: []string{"a chip on the allow-list"}, Seen: chip.String(),
			Remedy: "Check that this is a machine that you trust physically, then add the seen value to the policy's chips.",
		})
	}
}

// deniedChip holds a chip against the deny-list. A chip that the host hides could
// be any of those.
func (a *appraisal) deniedChip(chip Hex) {
	if len(a.policy.denied) > 0 && isZero(chip) {
		a.missing("ID of the chip")
		return
	}
	if contains(a.policy.denied, chip) {
		a.refuse(Finding{
			Code: CodeChipDenied, Subject: "chip", Seen: chip.String(),
			Remedy: "The owner denied this chip; take it off the policy's deniedChips to admit it again.",
		})
	}
}

func (a *appraisal) require(list []Requirement, met func(Requirement) bool) {
	for _, r := range list {
		if !met(r) {
			a.refuse(Finding{
				Code: CodeRequirementNotMet, Subject: string(r), Expected: []string{string(r)}, Seen: unmet(r),
				Remedy: "Ask the provider for a host configured so, or drop the requirement from the policy.",
			})
		}
	}
}

// unmet says what is the case where a requirement is not met.
func unmet(r Requirement) string {
	switch r {
	case NoMigration:
		return "the guest can be migrated"
	case NoSMT:
		return "SMT is on"
	case AliasCheck:
		return "memory aliases were not looked for"
	case CiphertextHiding:
		return "ciphertext is visible to the host"
	case RAPLDisabled:
		return "RAPL is on"
	case SEPTVEDisable:
		return "#VE for pending pages is on"
	default:
		return "unknown"
	}
}

// meets says whether the report shows the property. What is not known is not
// met.
func (c *SNPClaims) meets(r Requirement) bool {
	switch r {
	case NoMigration:
		return !c.MigrationAgent
	case NoSMT:
		return !c.SMT
	case AliasCheck:
		return c.AliasCheck
	case CiphertextHiding:
		return c.CiphertextHiding
	case RAPLDisabled:
		return c.RAPLDisabled
	default:
		return false
	}
}

func (a *appraisal) vmpl(c *SNPClaims, p *SNP) {
	if c.VMPL > p.MaxVMPL {
		a.refuse(Finding{
			Code: CodeVMPLTooHigh, Subject: "VMPL",
			Expected: []string{"at most " + strconv.Itoa(int(p.MaxVMPL))}, Seen: strconv.FormatUint(uint64(c.VMPL), 10),
			Remedy: "The report was asked for from a less privileged level than the policy accepts; check what runs above the guest.",
		})
	}
}

func (a *appraisal) launchKey(subject string, accepted []measurement.Digest, seen measurement.Digest) {
	if len(accepted) > 0 && !slices.Contains(accepted, seen) {
		a.refuse(Finding{
			Code: CodeLaunchKeyMismatch, Subject: subject, Expected: digestTexts(accepted), Seen: seen.String(),
			Remedy: "The launch was signed by another key, or by none; check the provider's announced keys.",
		})
	}
}

func (a *appraisal) tdx() {
	c, p := a.claims.TDX, a.policy.document.TDX
	if c == nil || p == nil {
		return
	}
	a.debug(c.Debug)
	a.tcbStatus(c, p)
	a.advisories(c, p)
	a.tdxVersions(c, p)
	a.require(p.Require, c.meets)
	a.allowedChip(a.policy.ppids, c.PPID)
	a.deniedChip(c.PPID)
	a.fmspc(c, p)
	a.owned("MRCONFIGID", p.MRConfigIDs, c.MRConfigID)
	a.owned("MROWNER", p.MROwners, c.MROwner)
}

func (a *appraisal) tcbStatus(c *TDXClaims, p *TDX) {
	if slices.Contains(p.TCBStatus, c.TCBStatus) {
		return
	}
	f := Finding{
		Code: CodeTCBStatusNotAccepted, Subject: "TCB status", Expected: texts(p.TCBStatus), Seen: string(c.TCBStatus),
		Remedy: "Update the host's TDX module, firmware and microcode.",
	}
	grace := a.statusInGrace(c, p)
	if grace {
		f.Remedy = "Update the host's TDX module, firmware and microcode before " + stamp(p.Grace.Until) + ", when the grace period ends."
	}
	a.refuseUnless(grace, f)
}

// advisories finds those that the owner has not accepted. A platform that is up
// to date has none that matter.
func (a *appraisal) advisories(c *TDXClaims, p *TDX) {
	for _, advisory := range c.Advisories {
		if c.TCBStatus == UpToDate || slices.Contains(p.Advisories, advisory) {
			continue
		}
		a.refuseUnless(a.statusInGrace(c, p), Finding{
			Code: CodeAdvisoryNotAccepted, Subject: "advisory", Expected: slices.Clone(p.Advisories), Seen: advisory,
			Remedy: "Read the advisory; update the host, or add it to acceptedAdvisories if it does not concern you.",
		})
	}
}

// statusInGrace says whether the platform's status is borne with for now, and
// with it the advisories that are why it is so.
func (a *appraisal) statusInGrace(c *TDXClaims, p *TDX) bool {
	return p.Grace != nil && a.inGrace(p.Grace.Until) && slices.Contains(p.Grace.TCBStatus, c.TCBStatus)
}

func (a *appraisal) tdxVersions(c *TDXClaims, p *TDX) {
	if c.EvaluationDataNumber < p.EvaluationDataNumber {
		a.refuse(Finding{
			Code: CodeCollateralTooOld, Subject: "tcbEvaluationDataNumber",
			Expected: []string{fmt.Sprintf("at least %d", p.EvaluationDataNumber)}, Seen: fmt.Sprint(c.EvaluationDataNumber),
			Remedy: "Fetch newer collateral: this one does not know the latest advisories.",
		})
	}
	for i, floor := range p.TEETCBSVN {
		if i >= len(c.TEETCBSVN) || c.TEETCBSVN[i] < floor {
			a.refuse(Finding{
				Code: CodeTCBBelowFloor, Subject: "TEE_TCB_SVN",
				Expected: []string{"at least " + p.TEETCBSVN.String() + ", byte by byte"}, Seen: c.TEETCBSVN.String(),
				Remedy: "Update the host's TDX module: its version is below the policy's floor.",
			})
			return
		}
	}
}

// meets says whether the quote shows the property. What is not known is not met.
func (c *TDXClaims) meets(r Requirement) bool {
	switch r {
	case NoMigration:
		return !c.Migratable
	case SEPTVEDisable:
		return c.SEPTVEDisable
	default:
		return false
	}
}

func (a *appraisal) fmspc(c *TDXClaims, p *TDX) {
	if len(p.FMSPCs) > 0 && !slices.ContainsFunc(p.FMSPCs, func(h Hex) bool { return slices.Equal(h, c.FMSPC) }) {
		a.refuse(Finding{
			Code: CodeProductLineNotAccepted, Subject: "FMSPC", Expected: hexTexts(p.FMSPCs), Seen: c.FMSPC.String(),
			Remedy: "Run the node on an accepted family of processors, or add this one to the policy's fmspcs.",
		})
	}
}

func (a *appraisal) owned(subject string, accepted []measurement.Digest, seen measurement.Digest) {
	if len(accepted) > 0 && !slices.Contains(accepted, seen) {
		a.refuse(Finding{
			Code: CodeHostDataMismatch, Subject: subject, Expected: digestTexts(accepted), Seen: seen.String(),
			Remedy: "The guest was launched for another owner or configuration; launch it with the owner's value.",
		})
	}
}

func hexTexts(list []Hex) []string {
	var out []string
	for _, h := range list {
		out = append(out, h.String())
	}
	return out
}
