package asterismapp_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
	"github.com/asterism-k8s/asterism/apps/asterism/asterismapp"
)

// The recorded evidence among the examples, and the policy that is drafted of the
// first.
const (
	exampleEvidence = "node.evidence"
	exampleChanged  = "node-changed.evidence"
	examplePolicy   = "node-policy.yaml"
)

// exampleSystem is in the folder of the examples, at a time at which the
// certificate of their TPM holds.
func exampleSystem(t *testing.T) asterismapp.System {
	t.Helper()
	s := system(t)
	s.Getenv = environment(map[string]string{"BUILD_WORKING_DIRECTORY": example("")})
	s.Now = func() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }
	return s
}

// TestExampleEvidence makes sure that evidence which lies in files stays readable,
// and gives the policy and the verdicts that it gave when it was made. The update
// makes evidence only where there is none.
func TestExampleEvidence(t *testing.T) {
	if _, err := os.Stat(example(exampleEvidence)); *update && os.IsNotExist(err) {
		recordExamples(t)
	}
	draft, _ := runTool(t, exampleSystem(t), 0, "policy", "from-evidence", exampleEvidence, "--release", "v1.0.0")
	if *update {
		writeExample(t, examplePolicy, []byte(draft))
	}
	if diff := cmp.Diff(readDoc(t, example(examplePolicy)), draft); diff != "" {
		t.Errorf("the draft (-published +made):\n%s", diff)
	}
	stdout, _ := runTool(t, exampleSystem(t), 0, "explain", exampleEvidence, "--policy", examplePolicy, "--nonce", someNonce)
	if !strings.HasPrefix(stdout, "ADMITTED by policy node-policy.yaml") {
		t.Errorf("the verdict is:\n%s", stdout)
	}
	stdout, _ = runTool(t, exampleSystem(t), 4, "explain", exampleChanged, "--policy", examplePolicy, "--nonce", someNonce)
	for _, want := range []string{"1 refusal, 1 warning", "1. PCR_MISMATCH: PCR 12\n", "seen     EV_IPL console=ttyS0 init=/bin/sh\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
}

// recordExamples makes evidence of a machine, and of the same after somebody
// passed a parameter to its kernel.
func recordExamples(t *testing.T) {
	t.Helper()
	tpm := swtpmtest.New(t)
	log := logHeader()
	for _, e := range []struct {
		pcr  int
		text string
	}{
		{0, "firmware 2025.02"},
		{7, "Secure Boot variables"},
		{4, "boot loader"},
		{4, "node image"},
		{11, "section .linux"},
		{11, "section .cmdline"},
		{11, "section .initrd"},
	} {
		measure(t, tpm, e.pcr, e.text)
		log = append(log, logEvent(e.pcr, e.text)...)
	}
	recordExample(t, tpm, log, exampleEvidence)
	const parameter = "console=ttyS0 init=/bin/sh"
	measure(t, tpm, 12, parameter)
	recordExample(t, tpm, append(log, logEvent(12, parameter)...), exampleChanged)
}

func recordExample(t *testing.T, tpm *swtpmtest.TPM, log []byte, name string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := filepath.Abs(example(name))
	if err != nil {
		t.Fatal(err)
	}
	runTool(t, machineSystem(t), 0, "attest", "--nonce", someNonce, "--tpm", tpm.Address(), "--platform", "qemu-vtpm", "--event-log", path, "-o", out)
}

func writeExample(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(example(name), data, fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
}
