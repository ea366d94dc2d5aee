package policy_test

import (
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

func TestNewRefusesTPM(t *testing.T) {
	onlySNP := func(d *policy.Document) {
		d.Platforms = []evidence.Platform{evidence.AzureSNP}
		for i := range d.Releases {
			d.Releases[i].References = d.Releases[i].References[1:2]
		}
		d.TDX = nil
	}
	runRefusals(t, []refusalTest{
		{"section missing", func(d *policy.Document) { d.TPM = nil }, []string{"tpm"}},
		{"section without use", onlySNP, []string{"tpm"}},
		{"no trust", func(d *policy.Document) { d.TPM.EKTrust = "" }, []string{"tpm.ekTrust"}},
		{"empty list", func(d *policy.Document) { d.TPM.AllowedEKs = nil }, []string{"tpm.allowedEKs"}},
		{
			"other algorithm", func(d *policy.Document) { d.TPM.AllowedEKs[0], d.TPM.DeniedEKs[0] = sha384Of("a"), sha384Of("b") },
			[]string{"tpm.allowedEKs[0]", "tpm.deniedEKs[0]"},
		},
		{"key of zeros", func(d *policy.Document) { d.TPM.AllowedEKs[0] = measurement.DigestSHA256([32]byte{}) }, []string{"tpm.allowedEKs[0]"}},
		{"key twice", func(d *policy.Document) { d.TPM.AllowedEKs = append(d.TPM.AllowedEKs, sha256Of("ek")) }, []string{"tpm.allowedEKs[1]"}},
		{"allowed and denied", func(d *policy.Document) { d.TPM.DeniedEKs = append(d.TPM.DeniedEKs, sha256Of("ek")) }, []string{"tpm.deniedEKs[1]"}},
		{
			"too many", func(d *policy.Document) { d.TPM.AllowedEKs = make([]measurement.Digest, policy.MaxListed+1) },
			[]string{"tpm.allowedEKs"},
		},
	})
}

func TestNewRefusesSNP(t *testing.T) {
	line := func(i int, change func(*policy.ProductLinePolicy)) func(*policy.Document) {
		return func(d *policy.Document) { change(&d.SNP.ProductLines[i]) }
	}
	runRefusals(t, []refusalTest{
		{"section missing", func(d *policy.Document) { d.SNP = nil }, []string{"snp"}},
		{"no product line", func(d *policy.Document) { d.SNP.ProductLines = nil }, []string{"snp.productLines"}},
		{"unknown product line", line(0, func(l *policy.ProductLinePolicy) { l.Name = "Rome" }), []string{"snp.productLines[0].name"}},
		{"product line twice", func(d *policy.Document) { d.SNP.ProductLines[1] = d.SNP.ProductLines[0] }, []string{"snp.productLines[1]"}},
		{"Milan without chips", line(1, func(l *policy.ProductLinePolicy) { l.Chips = nil }), []string{"snp.productLines[1].chips"}},
		{"component of another line", line(0, func(l *policy.ProductLinePolicy) { l.TCB.FMC = 1 }), []string{"snp.productLines[0].minimumTCB.fmc"}},
		{"chip's length", line(1, func(l *policy.ProductLinePolicy) { l.Chips[0] = bytesOf(1, 63) }), []string{"snp.productLines[1].chips[0]"}},
		{"chip of zeros", line(1, func(l *policy.ProductLinePolicy) { l.Chips[0] = bytesOf(0, 64) }), []string{"snp.productLines[1].chips[0]"}},
		{"chip twice", line(1, func(l *policy.ProductLinePolicy) { l.Chips = append(l.Chips, l.Chips[0]) }), []string{"snp.productLines[1].chips[1]"}},
		{"too many chips", line(1, func(l *policy.ProductLinePolicy) { l.Chips = make([]policy.Hex, policy.MaxListed+1) }), []string{"snp.productLines[1].chips"}},
		{"chip allowed and denied", line(1, func(l *policy.ProductLinePolicy) { l.Chips[0] = bytesOf(0xde, 64) }), []string{"snp.productLines[1].chips[0]"}},
		{"grace without end", line(0, func(l *policy.ProductLinePolicy) { l.Grace.Until = time.Time{} }), []string{"snp.productLines[0].grace.until"}},
		{"grace ends in another zone", line(0, func(l *policy.ProductLinePolicy) { l.Grace.Until = now.In(time.FixedZone("CET", 3600)) }), []string{"snp.productLines[0].grace.until"}},
		{"grace without effect", line(0, func(l *policy.ProductLinePolicy) { l.Grace.TCB = l.TCB }), []string{"snp.productLines[0].grace.minimumTCB"}},
		{"grace above the floor", line(0, func(l *policy.ProductLinePolicy) { l.Grace.TCB.SNP = 99 }), []string{"snp.productLines[0].grace.minimumTCB"}},
		{"requirements not stated", func(d *policy.Document) { d.SNP.Require = nil }, []string{"snp.require"}},
		{"requirement of another technology", func(d *policy.Document) { d.SNP.Require[0] = policy.SEPTVEDisable }, []string{"snp.require[0]"}},
		{"requirement twice", func(d *policy.Document) { d.SNP.Require[1] = d.SNP.Require[0] }, []string{"snp.require[1]"}},
		{"VMPL", func(d *policy.Document) { d.SNP.MaxVMPL = 4 }, []string{"snp.maxVMPL"}},
		{
			"keys of another algorithm",
			func(d *policy.Document) {
				launchOwner(d)
				d.SNP.IDKeys[0], d.SNP.AuthorKeys[0] = sha256Of("a"), sha256Of("b")
			},
			[]string{"snp.idKeyDigests[0]", "snp.authorKeyDigests[0]"},
		},
		{
			"keys of zeros, as of an unsigned launch",
			func(d *policy.Document) {
				launchOwner(d)
				d.SNP.IDKeys[0], d.SNP.AuthorKeys[0] = measurement.DigestSHA384([48]byte{}), measurement.DigestSHA384([48]byte{})
			},
			[]string{"snp.idKeyDigests[0]", "snp.authorKeyDigests[0]"},
		},
		{"no floor", line(1, func(l *policy.ProductLinePolicy) { l.TCB = policy.TCB{} }), []string{"snp.productLines[1].minimumTCB"}},
		{"no floor in the grace period", line(0, func(l *policy.ProductLinePolicy) { l.Grace.TCB = policy.TCB{} }), []string{"snp.productLines[0].grace.minimumTCB"}},
		{"host data's length", func(d *policy.Document) { d.SNP.HostData = []policy.Hex{bytesOf(1, 31)} }, []string{"snp.hostData[0]"}},
		{"denied chip's length", func(d *policy.Document) { d.DeniedChips[0] = bytesOf(1, 32) }, []string{"deniedChips[0]"}},
	})
}

func TestNewRefusesTDX(t *testing.T) {
	runRefusals(t, []refusalTest{
		{"section missing", func(d *policy.Document) { d.TDX = nil }, []string{"tdx"}},
		{"no status", func(d *policy.Document) { d.TDX.TCBStatus = nil }, []string{"tdx.tcbStatus"}},
		{"revoked", func(d *policy.Document) { d.TDX.TCBStatus[1] = policy.Revoked }, []string{"tdx.tcbStatus[1]"}},
		{"status twice", func(d *policy.Document) { d.TDX.TCBStatus[1] = policy.UpToDate }, []string{"tdx.tcbStatus[1]"}},
		{"grace without end", func(d *policy.Document) { d.TDX.Grace.Until = time.Time{} }, []string{"tdx.grace.until"}},
		{"grace ends with a fraction", func(d *policy.Document) { d.TDX.Grace.Until = now.Add(1) }, []string{"tdx.grace.until"}},
		{"grace without status", func(d *policy.Document) { d.TDX.Grace.TCBStatus = nil }, []string{"tdx.grace.tcbStatus"}},
		{"grace for what is accepted", func(d *policy.Document) { d.TDX.Grace.TCBStatus[0] = policy.UpToDate }, []string{"tdx.grace.tcbStatus[0]"}},
		{"grace for revoked", func(d *policy.Document) { d.TDX.Grace.TCBStatus[0] = policy.Revoked }, []string{"tdx.grace.tcbStatus[0]"}},
		{
			"advisories", func(d *policy.Document) {
				d.TDX.Advisories = []string{"INTEL-SA-00960", "INTEL-SA-00960", "SA-1", "INTEL-SA-0096x", "INTEL-SA-009600"}
			},
			[]string{"tdx.acceptedAdvisories[1]", "tdx.acceptedAdvisories[2]", "tdx.acceptedAdvisories[3]", "tdx.acceptedAdvisories[4]"},
		},
		{"module version", func(d *policy.Document) { d.TDX.TEETCBSVN = bytesOf(1, 15) }, []string{"tdx.minimumTEETCBSVN"}},
		{"product family", func(d *policy.Document) { d.TDX.FMSPCs = []policy.Hex{bytesOf(1, 5)} }, []string{"tdx.fmspcs[0]"}},
		{"chip", func(d *policy.Document) { d.TDX.Chips = []policy.Hex{bytesOf(1, 64)} }, []string{"tdx.chips[0]"}},
		{"chip allowed and denied", func(d *policy.Document) { d.TDX.Chips = []policy.Hex{bytesOf(0xde, 16)} }, []string{"tdx.chips[0]"}},
		{"requirements not stated", func(d *policy.Document) { d.TDX.Require = nil }, []string{"tdx.require"}},
		{"requirement of another technology", func(d *policy.Document) { d.TDX.Require[0] = policy.NoSMT }, []string{"tdx.require[0]"}},
		{
			"configuration and owner", func(d *policy.Document) {
				tdxOwner(d)
				d.TDX.MRConfigIDs[0], d.TDX.MROwners[0] = sha256Of("a"), sha256Of("b")
			},
			[]string{"tdx.mrConfigIDs[0]", "tdx.mrOwners[0]"},
		},
	})
}
