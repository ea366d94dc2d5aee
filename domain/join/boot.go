package join

import (
	"fmt"

	"github.com/asterism-k8s/asterism/domain/measurement"
)

// Boot tells one boot of a machine from another.
type Boot struct {
	ResetCount   uint32             `json:"resetCount"`       // TPMS_CLOCK_INFO
	RestartCount uint32             `json:"restartCount"`     // TPMS_CLOCK_INFO
	AK           measurement.Digest `json:"ak,omitzero"`      // SHA-256 of the attestation key's public area
	Session      measurement.Digest `json:"session,omitzero"` // where there is no TPM: SHA-256 of what the platform calls one boot
}

// known says whether b tells enough of a boot of that machine.
func (b Boot) known(i Identity) bool {
	if i.byTPM() {
		return b.AK.Algorithm() == measurement.SHA256
	}
	return b.Session.Algorithm() == measurement.SHA256
}

// after says whether b is a boot later than the other one of the same machine.
// Where there is a TPM, it counts; a counter that has not grown was set back, by
// TPM2_Clear or with the TPM's whole state, or was not counted, as in a TPM
// Restart (TPM 2.0 Library, part 1, "Time" and part 2, TPMS_CLOCK_INFO). Where
// there is none, another boot is all that can be told.
func (b Boot) after(other Boot, i Identity) bool {
	if i.byTPM() {
		return b.ResetCount > other.ResetCount
	}
	return b.Session != other.Session
}

// String names the boot for people.
func (b Boot) String() string {
	if !b.Session.IsZero() {
		return "session " + b.Session.String()
	}
	return fmt.Sprintf("reset %d, restart %d", b.ResetCount, b.RestartCount)
}

// validate collects what is wrong with the boot of a machine.
func (b Boot) validate(ps *problems, path string, i Identity) {
	if !b.known(i) {
		ps.add(path, "lacks the SHA-256 by which boots of such a machine are told apart")
	}
	if i.byTPM() && !b.Session.IsZero() || !i.byTPM() && b != (Boot{Session: b.Session}) {
		ps.add(path, "has a field that such a machine has not")
	}
}
