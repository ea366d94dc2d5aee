package recordedtest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/verifier/recordedtest"
)

// TestHashes has every file be what was copied, and every copied file listed.
func TestHashes(t *testing.T) {
	folder := os.DirFS("testdata")
	sums, err := fs.ReadFile(folder, "SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		listed[name] = sum
	}
	err = fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "SHA256SUMS" || name == "README.md" {
			return err
		}
		data, err := fs.ReadFile(folder, name)
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != listed[name] {
			t.Errorf("%s is not the file that was copied", name)
		}
		delete(listed, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range listed {
		t.Errorf("%s is missing", name)
	}
}

func TestLogs(t *testing.T) {
	with := 0
	for _, log := range recordedtest.Logs(t) {
		if log.Registers.Len() > 0 {
			with++
		}
	}
	if with != 12 {
		t.Errorf("%d logs have registers, want 12", with)
	}
}
