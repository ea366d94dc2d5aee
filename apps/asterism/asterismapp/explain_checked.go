package asterismapp

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
)

// writeChecked lists what a machine that is admitted was checked for.
func (e *explanation) writeChecked(p *page) {
	row := func(name, text string) { p.field(0, 16, name, shortText(text)) }
	p.line(pad("CHECKED", 16) + "RESULT")
	if e.Evidence != nil {
		row("evidence", "all signatures hold, over the nonce in "+e.Evidence.File)
	}
	row("platform", e.Platform+" is accepted")
	row("release", e.releaseName())
	if reference := e.reference(); reference != nil {
		e.checkedReference(row, reference)
	}
	e.checkedBoot(row)
	e.checkedHardware(row)
	if n := len(e.claims.Endorsements); n > 0 {
		row("endorsements", fmt.Sprintf("%d, each valid at %s", n, e.At.Format(time.RFC3339)))
	}
}

// reference returns the reference that the verdict is relative to.
func (e *explanation) reference() *policy.Reference {
	for i := range e.document.Releases {
		release := &e.document.Releases[i]
		if release.Name != e.Release {
			continue
		}
		for j := range release.References {
			if r := &release.References[j]; r.Platform == e.claims.Platform && r.Firmware == e.Firmware {
				return r
			}
		}
	}
	return nil
}

func (e *explanation) checkedReference(row func(name, text string), reference *policy.Reference) {
	var equal []measurement.Register
	for r := range reference.Registers {
		if e.document.Registers[r] != measurement.Ignore && !e.foundOn(r.String()) {
			equal = append(equal, r)
		}
	}
	if len(equal) > 0 {
		row("registers", listRegisters(equal)+" equal the release's values")
	}
	if len(reference.LaunchDigests) > 0 {
		row("launch digest", "equals the release's value")
	}
}

// listRegisters names registers in order, each bank once: "PCR 4, 8, 9".
func listRegisters(list []measurement.Register) string {
	slices.SortFunc(list, measurement.Register.Compare)
	var names []string
	for i, r := range list {
		name := r.String()
		if i > 0 && r.Bank() == list[i-1].Bank() {
			name = strings.TrimPrefix(name, "PCR ")
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func (e *explanation) foundOn(subject string) bool {
	return slices.ContainsFunc(e.Findings, func(f policy.Finding) bool { return f.Subject == subject })
}

func (e *explanation) checkedBoot(row func(name, text string)) {
	if n := len(e.claims.Events); n > 0 {
		row("event log", count(n, "event")+", leading to the quoted registers")
	}
	if e.document.RequireSecureBoot {
		row("Secure Boot", "enabled")
	}
}

func (e *explanation) checkedHardware(row func(name, text string)) {
	traits, err := e.claims.Platform.Traits()
	if c := e.claims.TPM; c != nil && err == nil && traits.AKTrust == evidence.AKActivated {
		row("endorsement key", c.EK.String()+" is trusted")
		row("attestation key", proofText(c.AKProof))
	}
	if c := e.claims.SNP; c != nil {
		row("processor", string(c.ProductLine)+" is accepted; debugging off")
		if !e.foundOn("reported TCB") {
			row("TCB", c.ReportedTCB.String()+": not below the floor")
		}
		row("chip", chipText(c.ChipID))
	}
	if c := e.claims.TDX; c != nil {
		row("TCB status", string(c.TCBStatus)+"; debugging off")
		row("chip", chipText(c.PPID))
	}
}

// proofText says what shows that the attestation key lives beside the
// endorsement key.
func proofText(p policy.AKProof) string {
	switch p {
	case policy.AKActivated:
		return "answered a challenge that only this TPM can solve"
	case policy.AKCertified:
		return "is certified to live in this TPM"
	default:
		return "may be of another TPM: see the warning"
	}
}

func chipText(chip policy.Hex) string {
	if len(chip) == 0 {
		return "not told by the host, and not asked for by the policy"
	}
	return chip.String() + " is not denied"
}
