package policy

import (
	"slices"
	"strings"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

// checkSection says whether a section is there to be checked, and complains
// where it is missing though needed, or there though nothing uses it.
func checkSection(ps *problems, path string, present, needed bool) bool {
	switch {
	case needed && !present:
		ps.add(path, "is missing, and an accepted platform needs it")
	case present && !needed:
		ps.add(path, "has no effect: no accepted platform uses it; drop it")
	}
	return present
}

func (d *Document) checkTPM(ps *problems) {
	needed := d.anyPlatform(func(t evidence.Traits) bool { return t.AKTrust == evidence.AKActivated })
	if !checkSection(ps, "tpm", d.TPM != nil, needed) {
		return
	}
	switch d.TPM.EKTrust {
	case EKCertificate:
	case EKAllowList:
		if len(d.TPM.AllowedEKs) == 0 {
			ps.add("tpm.allowedEKs", "is empty, so nothing could be admitted; list the SHA-256 of each TPM's endorsement key")
		}
	default:
		ps.add("tpm.ekTrust", "must be %s or %s", EKAllowList, EKCertificate)
	}
	checkDigests(ps, "tpm.allowedEKs", d.TPM.AllowedEKs, measurement.SHA256, MaxListed)
	checkDigests(ps, "tpm.deniedEKs", d.TPM.DeniedEKs, measurement.SHA256, MaxListed)
	checkDisjoint(ps, "tpm.deniedEKs", d.TPM.DeniedEKs, "tpm.allowedEKs", d.TPM.AllowedEKs)
}

func checkDisjoint[T comparable](ps *problems, path string, list []T, otherPath string, other []T) {
	positions := make(map[T]int, len(other))
	for i, v := range other {
		positions[v] = i
	}
	for i, v := range list {
		if j, found := positions[v]; found {
			ps.add(at(path, i), "contradicts %s; drop one of them", at(otherPath, j))
		}
	}
}

func (d *Document) checkSNP(ps *problems) {
	needed := d.anyPlatform(func(t evidence.Traits) bool { return t.TEE == evidence.SNP })
	if !checkSection(ps, "snp", d.SNP != nil, needed) {
		return
	}
	if len(d.SNP.ProductLines) == 0 {
		ps.add("snp.productLines", "is empty, so nothing could be admitted")
	}
	var names []ProductLine
	for i := range d.SNP.ProductLines {
		d.SNP.ProductLines[i].check(ps, at("snp.productLines", i))
		names = append(names, d.SNP.ProductLines[i].Name)
	}
	checkUnique(ps, "snp.productLines", names)
	checkRequire(ps, "snp.require", d.SNP.Require, NoMigration, NoSMT, AliasCheck, CiphertextHiding, RAPLDisabled)
	if d.SNP.MaxVMPL > 3 {
		ps.add("snp.maxVMPL", "must be from 0 to 3")
	}
	checkDigests(ps, "snp.idKeyDigests", d.SNP.IDKeys, measurement.SHA384, MaxListed)
	checkDigests(ps, "snp.authorKeyDigests", d.SNP.AuthorKeys, measurement.SHA384, MaxListed)
	checkHex(ps, "snp.hostData", d.SNP.HostData, SNPHostDataSize)
}

func (p *ProductLinePolicy) check(ps *problems, path string) {
	if !slices.Contains([]ProductLine{Milan, Genoa, Turin}, p.Name) {
		ps.add(under(path, "name"), "%q is not a product line, want Milan, Genoa or Turin", string(p.Name))
	}
	if p.Name == Milan && len(p.Chips) == 0 {
		ps.add(under(path, "chips"), "is empty: Milan's root seed has been extracted, so it is accepted only by chip ID; list them")
	}
	if p.Name != Turin && p.TCB.FMC != 0 {
		ps.add(under(path, "minimumTCB.fmc"), "only Turin has this component")
	}
	checkHex(ps, under(path, "chips"), p.Chips, SNPChipIDSize)
	if p.TCB == (TCB{}) {
		ps.add(under(path, "minimumTCB"), "is all zeros, which is no floor")
	}
	if p.Grace == nil {
		return
	}
	if p.Grace.TCB == (TCB{}) {
		ps.add(under(path, "grace.minimumTCB"), "is all zeros, which is no floor")
		return
	}
	checkUntil(ps, under(path, "grace.until"), p.Grace.Until.IsZero())
	checkTime(ps, under(path, "grace.until"), p.Grace.Until)
	if !p.TCB.AtLeast(&p.Grace.TCB) || p.Grace.TCB == p.TCB {
		ps.add(under(path, "grace.minimumTCB"), "must be lower than minimumTCB in some component, and higher in none")
	}
}

func checkUntil(ps *problems, path string, missing bool) {
	if missing {
		ps.add(path, "is missing: a grace period ends")
	}
}

func checkRequire(ps *problems, path string, list []Requirement, known ...Requirement) {
	if list == nil {
		ps.add(path, "is missing; list what is required of %s, or write [] on purpose", joinNames(known))
	}
	for i, r := range list {
		if !slices.Contains(known, r) {
			ps.add(at(path, i), "%q is no requirement here, want %s", string(r), joinNames(known))
		}
	}
	checkUnique(ps, path, list)
}

func (d *Document) checkTDX(ps *problems) {
	needed := d.anyPlatform(func(t evidence.Traits) bool { return t.TEE == evidence.TDX })
	if !checkSection(ps, "tdx", d.TDX != nil, needed) {
		return
	}
	d.TDX.checkStatus(ps)
	checkRequire(ps, "tdx.require", d.TDX.Require, NoMigration, SEPTVEDisable)
	checkUnique(ps, "tdx.acceptedAdvisories", d.TDX.Advisories)
	for i, advisory := range d.TDX.Advisories {
		if !isAdvisory(advisory) {
			ps.add(at("tdx.acceptedAdvisories", i), "%q is not an advisory, as in INTEL-SA-00960", advisory)
		}
	}
	if n := len(d.TDX.TEETCBSVN); n != 0 && n != TEETCBSVNSize {
		ps.add("tdx.minimumTEETCBSVN", "has %d bytes, want %d", n, TEETCBSVNSize)
	}
	checkHex(ps, "tdx.fmspcs", d.TDX.FMSPCs, FMSPCSize)
	checkHex(ps, "tdx.chips", d.TDX.Chips, TDXPPIDSize)
	checkDigests(ps, "tdx.mrConfigIDs", d.TDX.MRConfigIDs, measurement.SHA384, MaxListed)
	checkDigests(ps, "tdx.mrOwners", d.TDX.MROwners, measurement.SHA384, MaxListed)
}

func (t *TDX) checkStatus(ps *problems) {
	if len(t.TCBStatus) == 0 {
		ps.add("tdx.tcbStatus", "is empty, so nothing could be admitted; write [UpToDate]")
	}
	checkStatuses(ps, "tdx.tcbStatus", t.TCBStatus)
	if t.Grace == nil {
		return
	}
	checkUntil(ps, "tdx.grace.until", t.Grace.Until.IsZero())
	checkTime(ps, "tdx.grace.until", t.Grace.Until)
	if len(t.Grace.TCBStatus) == 0 {
		ps.add("tdx.grace.tcbStatus", "is empty, so the grace period would have no effect")
	}
	checkStatuses(ps, "tdx.grace.tcbStatus", t.Grace.TCBStatus)
	checkDisjoint(ps, "tdx.grace.tcbStatus", t.Grace.TCBStatus, "tdx.tcbStatus", t.TCBStatus)
}

func checkStatuses(ps *problems, path string, list []TCBStatus) {
	known := []TCBStatus{
		UpToDate, SWHardeningNeeded, ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, OutOfDateConfigurationNeeded,
	}
	for i, s := range list {
		if !slices.Contains(known, s) {
			ps.add(at(path, i), "%q cannot be accepted, want %s", string(s), joinNames(known))
		}
	}
	checkUnique(ps, path, list)
}

func isAdvisory(name string) bool {
	digits, found := strings.CutPrefix(name, "INTEL-SA-")
	return found && len(digits) == 5 && !strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}

// checkChips checks the list of denied chips, and that no list of accepted ones
// contradicts it.
func (d *Document) checkChips(ps *problems) {
	checkHex(ps, "deniedChips", d.DeniedChips, SNPChipIDSize, TDXPPIDSize)
	denied := hexStrings(d.DeniedChips)
	if len(denied) > 0 && d.SNP == nil && d.TDX == nil {
		ps.add("deniedChips", "has no effect: no accepted platform tells its chip; drop it")
	}
	if d.SNP != nil {
		for i, line := range d.SNP.ProductLines {
			checkDisjoint(ps, under(at("snp.productLines", i), "chips"), hexStrings(line.Chips), "deniedChips", denied)
		}
	}
	if d.TDX != nil {
		checkDisjoint(ps, "tdx.chips", hexStrings(d.TDX.Chips), "deniedChips", denied)
	}
}

func hexStrings(list []Hex) []string {
	texts := make([]string, len(list))
	for i, h := range list {
		texts[i] = string(h)
	}
	return texts
}
