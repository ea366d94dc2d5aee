package asterismapp

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// commentWidth is the width of comments, the sign before them aside.
const commentWidth = 76

// header returns the comments at the top of a draft: what it was made from, and
// what a person must check.
func (d *draft) header(name string, at time.Time) string {
	p := newPage(commentWidth, false)
	p.line("Draft of a policy, made of the evidence of one machine:")
	d.writeOrigin(p, name, at)
	p.blank()
	p.text("", "Whatever that machine ran, this policy admits. Before you sign it, check")
	for i, text := range d.checks() {
		p.field(2, 3, strconv.Itoa(i+1)+".", text)
	}
	var b strings.Builder
	for line := range strings.Lines(p.String()) {
		b.WriteString(strings.TrimRight("# "+line, " \n") + "\n")
	}
	return b.String()
}

func (d *draft) writeOrigin(p *page, name string, at time.Time) {
	claims := &d.from.verified.Claims
	seen := nonce(d.from.record.Nonce)
	row := func(label, text string) { p.field(2, 10, label, text) }
	row("file", shortText(name))
	row("sha256", d.from.hash)
	row("nonce", seen.String())
	row("platform", string(claims.Platform))
	row("EK", claims.TPM.EK.String())
	row("resets", strconv.FormatUint(uint64(claims.TPM.ResetCount), 10))
	row("verified", at.UTC().Format(time.RFC3339))
}

// checks lists what a person must check, in sentences that go on from "check".
func (d *draft) checks() []string {
	release := d.document.Releases[0].Name
	return []string{
		"that the machine ran " + release + " and nothing else when it made the evidence. The values below are what it ran, not what " + release +
			" is known to measure: compare them with the release's own, where it publishes them.",
		"that the evidence is fresh, that is made for your nonce: asterism explain … --nonce.",
		d.checkKey(),
		"the registers. " + d.checkRegisters(),
		"serial: a cluster takes a policy only with a higher one than it has seen.",
	}
}

func (d *draft) checkKey() string {
	if d.from.verified.Claims.TPM.EKCertified {
		return "tpm. All TPMs are trusted for which a root of your --ek-roots vouches; the cluster must know these roots too. " +
			"To admit this machine alone, write ekTrust: allow-list and the EK above as allowedEKs."
	}
	return "tpm, that the EK above is this machine's: 'asterism attest' prints it there. A file cannot show that the key that signed " +
		"the evidence lives in the TPM of that EK; a session with the machine will."
}

func (d *draft) checkRegisters() string {
	claims := &d.from.verified.Claims
	text := listRegisters(d.chosen) + " must be as they were."
	var left []measurement.Register
	for r := range claims.Registers.All() {
		if _, chosen := d.document.Releases[0].References[0].Registers[r]; !chosen && isMeasured(claims, r) && r.Index() < 16 && r.Index() != markIndex {
			left = append(left, r)
		}
	}
	if len(left) > 0 {
		text += " Measured, and not looked at: " + listRegisters(left) + "; add what should not change."
	}
	if isMeasured(claims, pcrs(markIndex)[0]) {
		text += fmt.Sprintf(" PCR %d was not zero: the machine was a member of a cluster then.", markIndex)
	}
	return text
}
