package attester_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/attester"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/domain/evidence"
	"github.com/asterism-k8s/asterism/ports"
)

// changeEPS gives the TPM another endorsement seed (TPM2_ChangeEPS, TPM 2.0
// Library, Part 3, section 24.5), which go-tpm has no command for.
func changeEPS(t *testing.T, tpm *device.Device) {
	t.Helper()
	be := binary.BigEndian
	command := be.AppendUint16(nil, uint16(tpm2.TPMSTSessions))
	command = be.AppendUint32(command, 27)
	command = be.AppendUint32(command, uint32(tpm2.TPMCCChangeEPS))
	command = be.AppendUint32(command, uint32(tpm2.TPMRHPlatform))
	command = be.AppendUint32(command, 9) // an empty password
	command = be.AppendUint32(command, uint32(tpm2.TPMRSPW))
	command = append(command, 0, 0, 0, 0, 0)
	response, err := tpm.Send(command)
	if err != nil {
		t.Fatal(err)
	}
	if rc := be.Uint32(response[6:]); rc != 0 {
		t.Fatalf("TPM2_ChangeEPS: %v", tpm2.TPMRC(rc))
	}
}

// TestThreat09AnotherSeedIsAnotherTPM: after its endorsement seed was changed, on a
// connection that stays, the TPM makes another key. No evidence names the old one
// beside a signature of the new.
func TestThreat09AnotherSeedIsAnotherTPM(t *testing.T) {
	p := newProxy(t, swtpmtest.New(t))
	a := open(t, attester.Config{Address: p.address, Platform: evidence.QEMUVTPM})
	challenge := challengeFor(t, identity(t, a))
	if _, err := a.Attest(t.Context(), session(0)); err != nil {
		t.Fatal(err)
	}
	changeEPS(t, p.tpm)
	for n := range 3 {
		if attestation, err := a.Attest(t.Context(), session(n)); !errors.Is(err, attester.ErrReplaced) || !errors.Is(err, ports.ErrUnavailable) {
			t.Errorf("Attest = %v, %v, want ErrReplaced", attestation, err)
		}
		if _, err := a.Activate(t.Context(), session(n), challenge); !errors.Is(err, attester.ErrReplaced) || errors.Is(err, ports.ErrChallenge) {
			t.Errorf("Activate = %v, want ErrReplaced", err)
		}
		if got := inUse(t, p.tpm); got != nothingInUse {
			t.Errorf("in use: %s", got)
		}
	}
	b := open(t, attester.Config{Address: p.address})
	if _, err := b.Attest(t.Context(), session(1)); err != nil {
		t.Errorf("opened anew, Attest = %v", err)
	}
}
