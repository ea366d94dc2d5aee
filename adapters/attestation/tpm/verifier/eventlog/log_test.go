package eventlog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-eventlog/register"
	"github.com/google/go-eventlog/tcg"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/eventlog"
	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/recordedtest"
	"github.com/asterism-k8s/asterism/domain/measurement"
)

func pcr(t testing.TB, index int) measurement.Register {
	t.Helper()
	r, err := measurement.NewRegister(measurement.PCR, index)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sha1Only are the recorded logs that nothing quoted can be held against.
func sha1Only() []string {
	return []string{"debian-10", "ebs_event_missing_eventlog", "option_rom_eventlog", "short_no_action_eventlog"}
}

// TestRecorded reads every recorded log, and replays it to the registers that were
// recorded with it.
func TestRecorded(t *testing.T) {
	for _, recording := range recordedtest.Logs(t) {
		t.Run(recording.Name, func(t *testing.T) {
			log, err := eventlog.Parse(recording.Data, nil, &recording.Registers)
			if slices.Contains(sha1Only(), recording.Name) {
				if !errors.Is(err, eventlog.ErrMalformed) {
					t.Errorf("a log of SHA-1 alone: %v, want ErrMalformed", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if unexplained := measurement.Unexplained(log.Locality, log.Events, &recording.Registers); len(unexplained) > 0 {
				t.Errorf("the log does not lead to %v", unexplained)
			}
			if (log.SecureBoot != nil) != (recording.Registers.Len() > 0) {
				t.Errorf("secure boot is %v with %d registers", log.SecureBoot, recording.Registers.Len())
			}
		})
	}
}

// TestRecordedSecureBoot: what the recordings' names and their origin's tests say.
func TestRecordedSecureBoot(t *testing.T) {
	want := map[string]bool{
		"arch-linux-workstation": false, "cos-101-amd-sev": true, "cos-121-amd-sev": true, "cos-85-amd-sev": true,
		"cos-93-amd-sev": true, "rhel8-uefi": true, "ubuntu-1804-amd-sev": false, "ubuntu-2104-no-dbx": false,
		"ubuntu-2104-no-secure-boot": false, "ubuntu-2404-amd-sevsnp": false, "glinux-alex": false,
	}
	for name, on := range want {
		recording := recordedtest.FindLog(t, name)
		log, err := eventlog.Parse(recording.Data, nil, &recording.Registers)
		if err != nil || log.SecureBoot == nil || *log.SecureBoot != on {
			t.Errorf("%s: %v (%v), want %t", name, log.SecureBoot, err, on)
		}
	}
}

// agrees holds our parser against go-eventlog's: what ours takes, theirs reads the
// same way.
func agrees(t testing.TB, data []byte) {
	t.Helper()
	log, err := eventlog.Parse(data, nil, &measurement.Registers{})
	if err != nil || len(data) == 0 { // no log at all is none to go-eventlog
		return
	}
	theirs, err := tcg.ParseEventLog(data, tcg.ParseOpts{})
	if err != nil {
		t.Fatalf("go-eventlog refuses what was read: %v", err)
	}
	type event struct {
		index  int
		digest string
	}
	var got, want []event
	for _, e := range log.Events {
		got = append(got, event{e.Register.Index(), string(e.Digest.Bytes())})
	}
	for _, e := range theirs.Events(register.HashSHA256) {
		if e.Type != tcg.NoAction {
			want = append(want, event{e.Index, string(e.Digest)})
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d events, go-eventlog reads %d others", len(got), len(want))
	}
}

func TestAgreesWithGoEventlog(t *testing.T) {
	for _, recording := range recordedtest.Logs(t) {
		t.Run(recording.Name, func(t *testing.T) { agrees(t, recording.Data) })
	}
}

func TestDescriptions(t *testing.T) {
	recording := recordedtest.FindLog(t, "cos-101-amd-sev")
	log, err := eventlog.Parse(recording.Data, nil, &recording.Registers)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range log.Events {
		if len(e.Description) > 60 {
			e.Description = e.Description[:60]
		}
		lines = append(lines, strings.TrimRight(e.Register.String()+" "+e.Type+" "+e.Description, " "))
	}
	want := []string{
		"PCR 0 EV_S_CRTM_VERSION GCE Virtual Firmware v1",
		"PCR 0 EV_NONHOST_INFO",
		"PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG SecureBoot",
		"PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG PK",
		"PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG KEK",
		"PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG db",
		"PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG dbx",
		"PCR 7 EV_SEPARATOR",
		"PCR 1 EV_EFI_VARIABLE_BOOT unverified: BootOrder",
		"PCR 1 EV_EFI_VARIABLE_BOOT unverified: Boot0000",
		"PCR 1 EV_EFI_VARIABLE_BOOT unverified: Boot0001",
		"PCR 4 EV_EFI_ACTION Calling EFI Application from Boot Option",
	}
	want = append(want, separators()...)
	want = append(want,
		"PCR 7 EV_EFI_VARIABLE_AUTHORITY db",
		"PCR 5 EV_EFI_GPT_EVENT",
		`PCR 4 EV_EFI_BOOT_SERVICES_APPLICATION unverified: \EFI\BOOT\BOOTX64.EFI`,
		"PCR 14 EV_IPL unverified: MokList",
	)
	if diff := cmp.Diff(want, lines[:len(want)]); diff != "" {
		t.Errorf("the log reads otherwise (-want +got):\n%s", diff)
	}
}

func separators() []string {
	var list []string
	for i := range 7 {
		list = append(list, fmt.Sprintf("PCR %d EV_SEPARATOR", i))
	}
	return list
}
