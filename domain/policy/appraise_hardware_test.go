package policy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// tcb changes one component of every TCB of the claims.
func tcb(change func(*policy.TCB)) func(*policy.Claims) {
	return func(c *policy.Claims) {
		change(&c.SNP.ReportedTCB)
		change(&c.SNP.CommittedTCB)
		change(&c.SNP.LaunchTCB)
	}
}

func milan(chip byte) func(*policy.Claims) {
	return func(c *policy.Claims) {
		c.SNP.ProductLine, c.SNP.ChipID = policy.Milan, bytesOf(chip, 64)
		tcb(func(t *policy.TCB) { *t = policy.TCB{BootLoader: 4, SNP: 24, Microcode: 219} })(c)
	}
}

func TestThreat19AppraiseSNP(t *testing.T) {
	three := func(severity string) []string {
		return []string{
			severity + " TCB_BELOW_FLOOR reported TCB", severity + " TCB_BELOW_FLOOR committed TCB", severity + " TCB_BELOW_FLOOR launch TCB",
		}
	}
	endGrace := func(at time.Time) func(*policy.Document) {
		return func(d *policy.Document) { d.SNP.ProductLines[0].Grace.Until = at }
	}
	older := func(t *policy.TCB) { t.Microcode = 72 }
	tests := []appraisalTest{
		{name: "TCB above the floor", claims: snpClaims, change: tcb(func(t *policy.TCB) { t.Microcode = 255 })},
		{name: "TCB one below, in the grace period", claims: snpClaims, change: tcb(func(t *policy.TCB) { t.BootLoader = 9 }), want: three("warn")},
		{name: "TCB at the floor of the grace period", claims: snpClaims, change: tcb(older), want: three("warn")},
		{name: "TCB below that too", claims: snpClaims, change: tcb(func(t *policy.TCB) { t.Microcode = 71 }), want: three("refuse")},
		{name: "the last instant of the grace period", claims: snpClaims, change: tcb(older), policy: endGrace(now.Add(time.Second)), want: three("warn")},
		{name: "the grace period is over", claims: snpClaims, change: tcb(older), policy: endGrace(now), want: three("refuse")},
		{
			name: "no grace period", claims: snpClaims, change: tcb(older),
			policy: func(d *policy.Document) { d.SNP.ProductLines[0].Grace = nil }, want: three("refuse"),
		},
		{
			name: "a high component does not make up for a low one", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.ReportedTCB = policy.TCB{BootLoader: 255, SNP: 20, Microcode: 255} },
			want:   []string{"refuse TCB_BELOW_FLOOR reported TCB"},
		},
		{
			name: "only what is committed is below", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.CommittedTCB.SNP = 0 },
			want:   []string{"refuse TCB_BELOW_FLOOR committed TCB"},
		},
		{
			name: "launched below", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.LaunchTCB.SNP = 0 },
			want:   []string{"refuse TCB_BELOW_FLOOR launch TCB"},
		},
		{
			name: "a product line that is not listed", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.ProductLine = policy.Turin },
			want:   []string{"refuse PRODUCT_LINE_NOT_ACCEPTED product line"},
		},
		{name: "Milan, its chip listed", claims: snpClaims, change: milan(1)},
		{name: "Milan, its chip not listed", claims: snpClaims, change: milan(2), want: []string{"refuse CHIP_NOT_ALLOWED chip"}},
		{
			name: "a denied chip", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.ChipID = bytesOf(0xde, 64) },
			want:   []string{"refuse CHIP_DENIED chip"},
		},
		{name: "debug", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.Debug = true }, want: []string{"refuse DEBUG_ALLOWED guest"}},
		{
			name: "migration agent and no alias check", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.MigrationAgent, c.SNP.AliasCheck = true, false },
			want:   []string{"refuse REQUIREMENT_NOT_MET alias-check", "refuse REQUIREMENT_NOT_MET no-migration"},
		},
		{
			name: "all requirements, none met", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.MigrationAgent, c.SNP.AliasCheck, c.SNP.SMT = true, false, true },
			policy: func(d *policy.Document) {
				d.SNP.Require = []policy.Requirement{policy.AliasCheck, policy.CiphertextHiding, policy.NoMigration, policy.NoSMT, policy.RAPLDisabled}
			},
			want: []string{
				"refuse REQUIREMENT_NOT_MET alias-check", "refuse REQUIREMENT_NOT_MET ciphertext-hiding", "refuse REQUIREMENT_NOT_MET no-migration",
				"refuse REQUIREMENT_NOT_MET no-smt", "refuse REQUIREMENT_NOT_MET rapl-disabled",
			},
		},
		{
			name: "all requirements, all met", claims: snpClaims,
			change: func(c *policy.Claims) { c.SNP.CiphertextHiding, c.SNP.RAPLDisabled = true, true },
			policy: func(d *policy.Document) {
				d.SNP.Require = []policy.Requirement{policy.AliasCheck, policy.CiphertextHiding, policy.NoMigration, policy.NoSMT, policy.RAPLDisabled}
			},
		},
		{name: "VMPL", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.VMPL = 1 }, want: []string{"refuse VMPL_TOO_HIGH VMPL"}},
		{
			name: "VMPL as accepted", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.VMPL = 1 },
			policy: func(d *policy.Document) { d.SNP.MaxVMPL = 1 },
		},
		{name: "VLEK", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.VLEK = true }, want: []string{"refuse VLEK_NOT_ACCEPTED signing key"}},
		{
			name: "VLEK as accepted", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.VLEK = true },
			policy: func(d *policy.Document) { d.SNP.AllowVLEK = true },
		},
		{
			name: "launch keys and host data", claims: snpClaims,
			change: func(c *policy.Claims) {
				c.SNP.IDKey, c.SNP.AuthorKey, c.SNP.HostData = sha384Of("a"), sha384Of("b"), bytesOf(1, 32)
			},
			policy: launchOwner,
			want: []string{
				"refuse LAUNCH_KEY_MISMATCH ID key", "refuse LAUNCH_KEY_MISMATCH author key", "refuse HOST_DATA_MISMATCH HOST_DATA",
			},
		},
		{
			name: "launch keys and host data as listed", claims: snpClaims,
			change: func(c *policy.Claims) {
				c.SNP.IDKey, c.SNP.AuthorKey, c.SNP.HostData = sha384Of("id"), sha384Of("author"), bytesOf(7, 32)
			},
			policy: launchOwner,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func launchOwner(d *policy.Document) {
	d.SNP.IDKeys = []measurement.Digest{sha384Of("id")}
	d.SNP.AuthorKeys = []measurement.Digest{sha384Of("author")}
	d.SNP.HostData = []policy.Hex{bytesOf(7, 32)}
}

// Threat row 20: physical attacks on the memory bus are answered by a list of
// the chips that the owner can vouch for, on every product line and on TDX.
func TestThreat20ChipNotOnTheList(t *testing.T) {
	listed := func(d *policy.Document) {
		d.SNP.ProductLines[0].Chips = []policy.Hex{bytesOf(5, 64)}
		d.TDX.Chips = []policy.Hex{bytesOf(8, 16)}
	}
	refused := []string{"refuse CHIP_NOT_ALLOWED chip"}
	hidden := append(slices.Clone(refused), "refuse CLAIM_MISSING ID of the chip")
	tests := []appraisalTest{
		{name: "Genoa, listed", claims: snpClaims, policy: listed},
		{name: "Genoa, not listed", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.ChipID = bytesOf(6, 64) }, policy: listed, want: refused},
		{name: "Genoa, hidden by the host", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.ChipID = nil }, policy: listed, want: hidden},
		{name: "Genoa, all zeros", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.ChipID = bytesOf(0, 64) }, policy: listed, want: hidden},
		{name: "Genoa, a listed chip's beginning", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.ChipID = bytesOf(5, 63) }, policy: listed, want: refused},
		{name: "Milan, a chip that is listed for Genoa", claims: snpClaims, change: milan(5), policy: listed, want: refused},
		{name: "TDX, listed", claims: tdxClaims, policy: listed},
		{name: "TDX, not listed", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.PPID = bytesOf(9, 16) }, policy: listed, want: refused},
		{name: "TDX, missing", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.PPID = nil }, policy: listed, want: hidden},
		{name: "denied chips, and one that is hidden", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.ChipID = bytesOf(0, 64) }, want: hidden[1:]},
		{name: "denied chips, and a PPID that is missing", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.PPID = nil }, want: hidden[1:]},
		{
			name: "one denied chip, and one that is hidden", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.ChipID = nil },
			policy: func(d *policy.Document) { d.DeniedChips = d.DeniedChips[:1] }, want: hidden[1:],
		},
		{
			name: "no list, and a chip that is hidden", claims: snpClaims, change: func(c *policy.Claims) { c.SNP.ChipID = nil },
			policy: func(d *policy.Document) { d.DeniedChips = nil },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func TestThreat19AppraiseTDX(t *testing.T) {
	status := func(s policy.TCBStatus, advisories ...string) func(*policy.Claims) {
		return func(c *policy.Claims) { c.TDX.TCBStatus, c.TDX.Advisories = s, advisories }
	}
	endGrace := func(d *policy.Document) { d.TDX.Grace.Until = now }
	tests := []appraisalTest{
		{name: "an accepted status", claims: tdxClaims, change: status(policy.SWHardeningNeeded, "INTEL-SA-00960")},
		{
			name: "an advisory that is not accepted", claims: tdxClaims, change: status(policy.SWHardeningNeeded, "INTEL-SA-00960", "INTEL-SA-01036"),
			want: []string{"refuse ADVISORY_NOT_ACCEPTED advisory"},
		},
		{name: "an advisory of a platform that is up to date", claims: tdxClaims, change: status(policy.UpToDate, "INTEL-SA-01036")},
		{name: "out of date, in the grace period", claims: tdxClaims, change: status(policy.OutOfDate), want: []string{"warn TCB_STATUS_NOT_ACCEPTED TCB status"}},
		{
			name: "out of date with its advisories, in the grace period", claims: tdxClaims, change: status(policy.OutOfDate, "INTEL-SA-01036"),
			want: []string{"warn TCB_STATUS_NOT_ACCEPTED TCB status", "warn ADVISORY_NOT_ACCEPTED advisory"},
		},
		{
			name: "out of date with its advisories, the grace period over", claims: tdxClaims, change: status(policy.OutOfDate, "INTEL-SA-01036"),
			policy: endGrace, want: []string{"refuse TCB_STATUS_NOT_ACCEPTED TCB status", "refuse ADVISORY_NOT_ACCEPTED advisory"},
		},
		{name: "out of date, the grace period over", claims: tdxClaims, change: status(policy.OutOfDate), policy: endGrace, want: []string{"refuse TCB_STATUS_NOT_ACCEPTED TCB status"}},
		{
			name: "out of date, no grace period", claims: tdxClaims, change: status(policy.OutOfDate),
			policy: func(d *policy.Document) { d.TDX.Grace = nil }, want: []string{"refuse TCB_STATUS_NOT_ACCEPTED TCB status"},
		},
		{name: "a status without grace", claims: tdxClaims, change: status(policy.ConfigurationNeeded), want: []string{"refuse TCB_STATUS_NOT_ACCEPTED TCB status"}},
		{name: "revoked", claims: tdxClaims, change: status(policy.Revoked), want: []string{"refuse TCB_STATUS_NOT_ACCEPTED TCB status"}},
		{name: "no status", claims: tdxClaims, change: status(""), want: []string{"refuse TCB_STATUS_NOT_ACCEPTED TCB status"}},
		{
			name: "old collateral", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.EvaluationDataNumber = 16 },
			want: []string{"refuse COLLATERAL_TOO_OLD tcbEvaluationDataNumber"},
		},
		{name: "newer collateral", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.EvaluationDataNumber = 18 }},
		{
			name: "one module version below", claims: tdxClaims,
			change: func(c *policy.Claims) {
				c.TDX.TEETCBSVN = bytesOf(3, 16)
				c.TDX.TEETCBSVN[15], c.TDX.TEETCBSVN[0] = 2, 2
			},
			want: []string{"refuse TCB_BELOW_FLOOR TEE_TCB_SVN"},
		},
		{
			name: "a short module version", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.TEETCBSVN = bytesOf(9, 15) },
			want: []string{"refuse TCB_BELOW_FLOOR TEE_TCB_SVN"},
		},
		{name: "a newer module", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.TEETCBSVN = bytesOf(4, 16) }},
		{name: "debug", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.Debug = true }, want: []string{"refuse DEBUG_ALLOWED guest"}},
		{
			name: "requirements", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.SEPTVEDisable, c.TDX.Migratable = false, true },
			policy: func(d *policy.Document) {
				d.TDX.Require = []policy.Requirement{policy.NoMigration, policy.SEPTVEDisable}
			},
			want: []string{"refuse REQUIREMENT_NOT_MET no-migration", "refuse REQUIREMENT_NOT_MET sept-ve-disable"},
		},
		{
			name: "requirements met", claims: tdxClaims,
			policy: func(d *policy.Document) {
				d.TDX.Require = []policy.Requirement{policy.NoMigration, policy.SEPTVEDisable}
			},
		},
		{name: "a denied chip", claims: tdxClaims, change: func(c *policy.Claims) { c.TDX.PPID = bytesOf(0xde, 16) }, want: []string{"refuse CHIP_DENIED chip"}},
		{
			name: "product family, configuration and owner", claims: tdxClaims, policy: tdxOwner,
			want: []string{"refuse PRODUCT_LINE_NOT_ACCEPTED FMSPC", "refuse HOST_DATA_MISMATCH MRCONFIGID", "refuse HOST_DATA_MISMATCH MROWNER"},
		},
		{
			name: "product family, configuration and owner as listed", claims: tdxClaims, policy: tdxOwner,
			change: func(c *policy.Claims) {
				c.TDX.FMSPC, c.TDX.MRConfigID, c.TDX.MROwner = bytesOf(4, 6), sha384Of("config"), sha384Of("owner")
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func tdxOwner(d *policy.Document) {
	d.TDX.FMSPCs = []policy.Hex{bytesOf(4, 6)}
	d.TDX.MRConfigIDs = []measurement.Digest{sha384Of("config")}
	d.TDX.MROwners = []measurement.Digest{sha384Of("owner")}
}

// Hardware that nobody vouches for, or whose revocation nobody asked for.
func TestThreat22MissingEndorsements(t *testing.T) {
	only := func(kinds ...policy.EndorsementKind) func(*policy.Claims) {
		return func(c *policy.Claims) {
			c.Endorsements = slices.DeleteFunc(c.Endorsements, func(e policy.EndorsementClaims) bool { return !slices.Contains(kinds, e.Kind) })
		}
	}
	const certificate, crl, collateral = "refuse ENDORSEMENT_MISSING certificate", "refuse ENDORSEMENT_MISSING crl", "refuse ENDORSEMENT_MISSING collateral"
	tests := []appraisalTest{
		{name: "SNP with none", claims: snpClaims, change: only(), want: []string{certificate, crl}},
		{name: "SNP with a certificate", claims: snpClaims, change: only(policy.Certificate), want: []string{crl}},
		{name: "SNP with a CRL", claims: snpClaims, change: only(policy.RevocationList), want: []string{certificate}},
		{name: "SNP with what it needs", claims: snpClaims, change: only(policy.Certificate, policy.RevocationList)},
		{name: "TDX with none", claims: tdxClaims, change: only(), want: []string{certificate, crl, collateral}},
		{name: "TDX with certificate and CRL", claims: tdxClaims, change: only(policy.Certificate, policy.RevocationList), want: []string{collateral}},
		{name: "TDX with collateral", claims: tdxClaims, change: only(policy.Collateral), want: []string{certificate, crl}},
		{name: "TDX with none, and no bound on age", claims: tdxClaims, change: only(), policy: maxAge(0), want: []string{certificate, crl, collateral}},
		{name: "a TPM has no vendor's service", claims: tpmClaims, change: only()},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func maxAge(d policy.Duration) func(*policy.Document) {
	return func(doc *policy.Document) { doc.Freshness.MaxAge = d }
}

func TestThreat22StaleEndorsements(t *testing.T) {
	endorse := func(kind policy.EndorsementKind, issued, expires time.Time) func(*policy.Claims) {
		return func(c *policy.Claims) {
			c.Endorsements = []policy.EndorsementClaims{{Kind: kind, Subject: "E", Issued: issued, Expires: expires}}
		}
	}
	month, later := 30*24*time.Hour, now.Add(time.Hour)
	skew := func(d time.Duration) func(*policy.Document) {
		return func(doc *policy.Document) { doc.Freshness.MaxClockSkew = policy.Duration(d) }
	}
	tests := []appraisalTest{
		{name: "the last instant", claims: tpmClaims, change: endorse(policy.Certificate, now.Add(-time.Hour), now)},
		{name: "expired", claims: tpmClaims, change: endorse(policy.Certificate, now.Add(-time.Hour), now.Add(-1)), want: []string{"refuse ENDORSEMENT_EXPIRED E"}},
		{name: "a CRL past its next update", claims: tpmClaims, change: endorse(policy.RevocationList, now.Add(-time.Hour), now.Add(-1)), want: []string{"refuse ENDORSEMENT_EXPIRED E"}},
		{name: "of the oldest age", claims: tpmClaims, change: endorse(policy.RevocationList, now.Add(-month), later)},
		{name: "a CRL too old", claims: tpmClaims, change: endorse(policy.RevocationList, now.Add(-month-1), later), want: []string{"refuse ENDORSEMENT_STALE E"}},
		{name: "collateral too old", claims: tpmClaims, change: endorse(policy.Collateral, now.Add(-month-1), later), want: []string{"refuse ENDORSEMENT_STALE E"}},
		{name: "certificates do not go stale", claims: tpmClaims, change: endorse(policy.Certificate, now.Add(-month-1), later)},
		{
			name: "no bound on age", claims: tpmClaims, change: endorse(policy.Collateral, now.AddDate(-9, 0, 0), later),
			policy: func(d *policy.Document) { d.Freshness.MaxAge = 0 },
		},
		{name: "the least bound on age", claims: tpmClaims, change: endorse(policy.Collateral, now.Add(-2), later), policy: maxAge(1), want: []string{"refuse ENDORSEMENT_STALE E"}},
		{name: "within the usual skew", claims: tpmClaims, change: endorse(policy.Certificate, now.Add(5*time.Minute), later)},
		{name: "beyond the usual skew", claims: tpmClaims, change: endorse(policy.Certificate, now.Add(5*time.Minute+1), later), want: []string{"refuse ENDORSEMENT_NOT_YET_VALID E"}},
		{name: "within a wider skew", claims: tpmClaims, change: endorse(policy.Certificate, now.Add(20*time.Minute), later), policy: skew(20 * time.Minute)},
		{name: "beyond a narrower skew", claims: tpmClaims, change: endorse(policy.Certificate, now.Add(2*time.Second), later), policy: skew(time.Second), want: []string{"refuse ENDORSEMENT_NOT_YET_VALID E"}},
		{name: "no times", claims: tpmClaims, change: endorse(policy.RevocationList, time.Time{}, time.Time{}), want: []string{"refuse ENDORSEMENT_EXPIRED E", "refuse ENDORSEMENT_STALE E"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}
