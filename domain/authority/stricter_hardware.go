package authority

import (
	"fmt"
	"slices"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// tpm compares what makes endorsement keys trusted. A listed key needs no
// certificate, so that the policy lists none that the statement does not.
func (c *strictness) tpm(wide, narrow *policy.TPM) {
	if !c.both("tpm", wide != nil, narrow != nil) {
		return
	}
	if wide.EKTrust != policy.EKCertificate && narrow.EKTrust == policy.EKCertificate {
		c.add("tpm.ekTrust", "the statement trusts listed keys only")
	}
	c.subset("tpm.allowedEKs", digestTexts(wide.AllowedEKs), digestTexts(narrow.AllowedEKs))
	if narrow.EKTrust == policy.EKCertificate {
		c.superset("tpm.deniedEKs", digestTexts(narrow.DeniedEKs), digestTexts(wide.DeniedEKs))
	}
}

func (c *strictness) snp(wide, narrow *policy.SNP) {
	if !c.both("snp", wide != nil, narrow != nil) {
		return
	}
	for i := range narrow.ProductLines {
		c.productLine(fmt.Sprintf("snp.productLines[%d]", i), wide.ProductLines, &narrow.ProductLines[i])
	}
	c.superset("snp.require", texts(narrow.Require), texts(wide.Require))
	if narrow.MaxVMPL > wide.MaxVMPL {
		c.add("snp.maxVMPL", "is %d, and the statement's %d", narrow.MaxVMPL, wide.MaxVMPL)
	}
	if narrow.AllowVLEK && !wide.AllowVLEK {
		c.add("snp.allowVLEK", "the statement does not allow it")
	}
	c.restricted("snp.idKeyDigests", digestTexts(wide.IDKeys), digestTexts(narrow.IDKeys))
	c.restricted("snp.authorKeyDigests", digestTexts(wide.AuthorKeys), digestTexts(narrow.AuthorKeys))
	c.restricted("snp.hostData", hexTexts(wide.HostData), hexTexts(narrow.HostData))
}

func (c *strictness) productLine(path string, lines []policy.ProductLinePolicy, narrow *policy.ProductLinePolicy) {
	i := slices.IndexFunc(lines, func(l policy.ProductLinePolicy) bool { return l.Name == narrow.Name })
	if i < 0 {
		c.add(path, "the statement does not accept %s", narrow.Name)
		return
	}
	wide := &lines[i]
	if !narrow.TCB.AtLeast(&wide.TCB) {
		c.add(path+".minimumTCB", "is %s, and the statement's %s", narrow.TCB.String(), wide.TCB.String())
	}
	if g := narrow.Grace; g != nil && !g.TCB.AtLeast(&wide.TCB) && !within(wide.Grace, g) {
		c.add(path+".grace", "the statement has none as long and as low")
	}
	c.restricted(path+".chips", hexTexts(wide.Chips), hexTexts(narrow.Chips))
}

func within(wide, narrow *policy.Grace) bool {
	return wide != nil && !narrow.Until.After(wide.Until) && narrow.TCB.AtLeast(&wide.TCB)
}

func (c *strictness) tdx(wide, narrow *policy.TDX) {
	if !c.both("tdx", wide != nil, narrow != nil) {
		return
	}
	c.subset("tdx.tcbStatus", texts(wide.TCBStatus), texts(narrow.TCBStatus))
	c.statusGrace(wide, narrow.Grace)
	c.subset("tdx.acceptedAdvisories", wide.Advisories, narrow.Advisories)
	c.superset("tdx.require", texts(narrow.Require), texts(wide.Require))
	if narrow.EvaluationDataNumber < wide.EvaluationDataNumber {
		c.add("tdx.minimumTCBEvaluationDataNumber", "is %d, and the statement's %d", narrow.EvaluationDataNumber, wide.EvaluationDataNumber)
	}
	for i, floor := range wide.TEETCBSVN {
		if i >= len(narrow.TEETCBSVN) || narrow.TEETCBSVN[i] < floor {
			c.add("tdx.minimumTEETCBSVN", "is %v, and the statement's %v", narrow.TEETCBSVN, wide.TEETCBSVN)
			break
		}
	}
	c.restricted("tdx.fmspcs", hexTexts(wide.FMSPCs), hexTexts(narrow.FMSPCs))
	c.restricted("tdx.chips", hexTexts(wide.Chips), hexTexts(narrow.Chips))
	c.restricted("tdx.mrConfigIDs", digestTexts(wide.MRConfigIDs), digestTexts(narrow.MRConfigIDs))
	c.restricted("tdx.mrOwners", digestTexts(wide.MROwners), digestTexts(narrow.MROwners))
}

// statusGrace wants the policy to bear with no status that the statement does not
// accept, or bear with for as long.
func (c *strictness) statusGrace(wide *policy.TDX, narrow *policy.StatusGrace) {
	if narrow == nil {
		return
	}
	worse := missing(wide.TCBStatus, narrow.TCBStatus)
	if g := wide.Grace; g != nil && !narrow.Until.After(g.Until) {
		worse = missing(g.TCBStatus, worse)
	}
	if len(worse) > 0 {
		c.add("tdx.grace", "the statement bears with %v not at all, or not for as long", worse)
	}
}

// both says whether there is something to compare.
func (c *strictness) both(path string, wide, narrow bool) bool {
	if narrow && !wide {
		c.add(path, "the statement has no such section, so it accepts no such hardware")
	}
	return narrow && wide
}

func (c *strictness) subset(path string, wide, narrow []string) {
	if extra := missing(wide, narrow); len(extra) > 0 {
		c.add(path, "the statement does not have %.64q", extra[0])
	}
}

func (c *strictness) superset(path string, narrow, wide []string) {
	if left := missing(narrow, wide); len(left) > 0 {
		c.add(path, "the statement has %.64q too", left[0])
	}
}

func (c *strictness) restricted(path string, wide, narrow []string) {
	if !restricted(wide, narrow) {
		c.add(path, "must be some of those in the statement")
	}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func digestTexts(list []measurement.Digest) []string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = d.String()
	}
	return out
}

func hexTexts(list []policy.Hex) []string {
	out := make([]string, len(list))
	for i, h := range list {
		out[i] = h.String()
	}
	return out
}
