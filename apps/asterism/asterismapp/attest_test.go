package asterismapp_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/apps/asterism/asterismapp"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

const someNonce = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// TestAttestLeavesNothing asks a TPM that nobody looks after, again and again: it
// has room for three objects and as many sessions.
func TestAttestLeavesNothing(t *testing.T) {
	tpm := swtpmtest.New(t)
	for range 20 {
		out := filepath.Join(t.TempDir(), "evidence")
		runTool(t, machineSystem(t), 0, "attest", "--nonce", someNonce, "--tpm", tpm.Address(), "-o", out)
	}
	device := tpm.Open(t)
	for _, first := range []uint32{0x80000000, 0x02000000, 0x03000000} { // transient objects; loaded and saved sessions
		response, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: first, PropertyCount: 16}.Execute(device)
		if err != nil {
			t.Fatal(err)
		}
		handles, err := response.CapabilityData.Data.Handles()
		if err != nil {
			t.Fatal(err)
		}
		if len(handles.Handle) > 0 {
			t.Errorf("the TPM still holds %#x", handles.Handle)
		}
	}
}

// machineSystem is a system with a clock that goes: certificates of software TPMs
// are as old as their tests.
func machineSystem(t *testing.T) asterismapp.System {
	t.Helper()
	s := system(t)
	s.Now = asterismapp.FromOS().Now
	return s
}

// TestAttestToStandardOutput makes sure that bytes never reach a terminal.
func TestAttestToStandardOutput(t *testing.T) {
	tpm := swtpmtest.New(t)
	s := machineSystem(t)
	var out bytes.Buffer
	s.Stdout = &out
	args := []string{"attest", "--nonce", someNonce, "--tpm", tpm.Address()}
	_, stderr := runTool(t, s, 0, args...)
	record, err := evidence.DecodeRecord(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if string(record.Statement) != `{"type":"asterism/attest/v1"}` || len(record.Nonce) != 32 {
		t.Errorf("the record is of %q for %x", record.Statement, record.Nonce)
	}
	if !strings.HasPrefix(stderr, "evidence  <stdout>, ") {
		t.Errorf("says %q", stderr)
	}
	s.TerminalWidth = func() int { return 80 }
	out.Reset()
	_, stderr = runTool(t, s, 3, args...)
	if out.Len() > 0 || !strings.Contains(stderr, "standard output is a terminal") {
		t.Errorf("says %q after %d bytes", stderr, out.Len())
	}
}

// TestAttestReplacesWholeFiles makes sure that a file is readable by everybody,
// that the one before is replaced, and that nothing else lies beside it.
func TestAttestReplacesWholeFiles(t *testing.T) {
	tpm := swtpmtest.New(t)
	folder := t.TempDir()
	out := filepath.Join(folder, "evidence")
	if err := os.WriteFile(out, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"attest", "--nonce", someNonce, "--tpm", tpm.Address(), "-o", out}
	s := machineSystem(t)
	s.Stdout = io.Discard
	runTool(t, s, 0, args...)
	info, err := os.Stat(out)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.DecodeRecord(data); err != nil {
		t.Error(err)
	}
	tpm.Stop(t)
	runTool(t, s, 5, args...)
	after, err := os.ReadFile(out)
	if err != nil || !bytes.Equal(after, data) {
		t.Errorf("a failure changed the file: %v", err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, error %v", entries, err)
	}
}

// TestAttestOverTCP uses the other kind of socket.
func TestAttestOverTCP(t *testing.T) {
	tpm := swtpmtest.New(t, swtpmtest.OverTCP())
	runTool(t, machineSystem(t), 0, "attest", "--nonce", someNonce, "--tpm", tpm.Address(), "-o", filepath.Join(t.TempDir(), "evidence"))
}

// TestAttestRelativeSocket names a socket from where the user is.
func TestAttestRelativeSocket(t *testing.T) {
	tpm := swtpmtest.New(t)
	path := strings.TrimPrefix(tpm.Address(), "unix:")
	s := machineSystem(t)
	s.Getenv = environment(map[string]string{"BUILD_WORKING_DIRECTORY": filepath.Dir(path)})
	out := filepath.Join(t.TempDir(), "evidence")
	runTool(t, s, 0, "attest", "--nonce", someNonce, "--tpm", "unix:"+filepath.Base(path), "-o", out)
}

// TestAttestWithAnyClock makes sure that a machine whose clock is wrong can attest,
// and is told.
func TestAttestWithAnyClock(t *testing.T) {
	tpm := swtpmtest.New(t)
	for _, year := range []int{1970, 2100} {
		s := system(t)
		s.Now = func() time.Time { return time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC) }
		out := filepath.Join(t.TempDir(), "evidence")
		_, stderr := runTool(t, s, 0, "attest", "--nonce", someNonce, "--tpm", tpm.Address(), "-o", out)
		if want := "clock says " + strconv.Itoa(year) + "-01-02"; !strings.Contains(strings.Join(strings.Fields(stderr), " "), want) {
			t.Errorf("no %q in:\n%s", want, stderr)
		}
	}
}
