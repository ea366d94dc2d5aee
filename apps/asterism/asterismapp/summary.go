package asterismapp

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
	"github.com/asterism-k8s/asterism/domain/measurement"
	"github.com/asterism-k8s/asterism/domain/policy"
	"github.com/asterism-k8s/asterism/ports"
)

// summary is what evidence of this machine says, for the one who made it.
type summary struct {
	claims *policy.Claims
	nonce  nonce
	size   int
	hash   string
	ek, ak string // SHA-256 of the EK's SubjectPublicKeyInfo and of the AK's public area
	notes  []string
}

// summarise verifies evidence that was just made: what cannot be verified here
// cannot be verified anywhere.
func summarise(ctx context.Context, data []byte, m *made, now time.Time) (*summary, error) {
	at, notes := notesOnKey(m.identity, now)
	x, err := examine(ctx, data, m.record, &ports.Trust{}, at)
	if err != nil {
		return nil, err
	}
	if x.verified == nil {
		return nil, x.unusable()
	}
	if err := x.checkBinding(); err != nil {
		return nil, err
	}
	ek, err := ekHash(m.identity.EKPublic)
	if err != nil {
		return nil, err
	}
	ak := sha256.Sum256(m.identity.AKPublic)
	return &summary{
		claims: &x.verified.Claims, nonce: m.record.Nonce, size: len(data), hash: x.hash,
		ek: ek, ak: hex.EncodeToString(ak[:]), notes: notes,
	}, nil
}

// notesOnKey says what is to be known of the endorsement key, and returns a time
// at which its certificate holds: what the time is, who verifies the evidence
// decides, and not the clock of this machine.
func notesOnKey(id *ports.Identity, now time.Time) (at time.Time, notes []string) {
	if len(id.EKCertificate) == 0 {
		return now, []string{"This TPM has no EK certificate, so the evidence does not name the EK: --ek does."}
	}
	certificate, err := x509.ParseCertificate(id.EKCertificate)
	if err != nil {
		return now, nil // the verifier says what is wrong with it
	}
	at = now
	if now.Before(certificate.NotBefore) {
		at = certificate.NotBefore
	}
	if now.After(certificate.NotAfter) {
		at = certificate.NotAfter
	}
	if !at.Equal(now) {
		notes = append(notes, fmt.Sprintf("Its certificate holds from %s to %s, and this machine's clock says %s.",
			stamp(certificate.NotBefore), stamp(certificate.NotAfter), stamp(now)))
	}
	return at, notes
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// unusable says why evidence that was just made does not hold. The TPM's part is
// what it is; the log came from a file. The error is an *inputError then.
func (x *examination) unusable() error {
	err := fmt.Errorf("verifying the evidence that this TPM made: %w", &ports.EvidenceError{Findings: x.refusals})
	for i := range x.refusals {
		if f := &x.refusals[i]; f.Subject == "event log" {
			err = fmt.Errorf("the event log cannot be used: want %s, seen: %s", strings.Join(f.Expected, " or "), f.Seen)
			return &inputError{err, "--event-log none makes evidence without a log."}
		}
	}
	return err
}

// checkBinding says whether the evidence was made for the record's nonce and
// statement.
func (x *examination) checkBinding() error {
	wanted, err := x.record.ReportData(x.verified.AttestationKey)
	if err != nil {
		return fmt.Errorf("computing what the evidence was made for: %w", err)
	}
	qualifying := wanted.Qualifying()
	if string(qualifying[:]) != string(x.verified.Claims.ReportData) {
		return errors.New("the TPM signed something else than it was asked to")
	}
	return nil
}

// ekHash returns SHA-256 of the SubjectPublicKeyInfo of an endorsement key, as
// policies name it.
func ekHash(public []byte) (string, error) {
	key, err := profile.RSAPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("reading the endorsement key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding the endorsement key: %w", err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}

// writeTo writes the summary for people.
func (m *summary) writeTo(p *page, file string) {
	row := func(name, text string) { p.field(0, 10, name, text) }
	row("evidence", fmt.Sprintf("%s, %d bytes, sha256 %s…", file, m.size, m.hash[:12]))
	row("platform", string(m.claims.Platform))
	row("nonce", m.nonce.String())
	row("EK", m.ek)
	for _, note := range m.notes {
		row("", note)
	}
	row("AK", m.ak)
	row("resets", strconv.FormatUint(uint64(m.claims.TPM.ResetCount), 10))
	row("registers", fmt.Sprintf("%d of the SHA-256 bank", m.claims.Registers.Len()))
	row("events", m.events())
}

func (m *summary) events() string {
	if len(m.claims.Events) == 0 {
		return "no event log: a refusal could not say what diverged"
	}
	text := fmt.Sprintf("%d in the log", len(m.claims.Events))
	if astray := measurement.Unexplained(m.claims.Locality, m.claims.Events, &m.claims.Registers); len(astray) > 0 {
		text += ", which does not lead to " + listRegisters(astray) + ": it is of another boot, was cut off, or was altered. Every policy will refuse it."
	}
	return text
}
