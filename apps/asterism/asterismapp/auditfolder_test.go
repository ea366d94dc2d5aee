package asterismapp_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/asterism-k8s/asterism/domain/ledger"
	"github.com/asterism-k8s/asterism/domain/ledger/ledgertest"
)

// TestAuditHostileFolder puts into the place of a file what must neither be
// followed nor waited for.
func TestAuditHostileFolder(t *testing.T) {
	s := newSample(t, 20, func(int, *ledger.Entry) {})
	outside := filepath.Join(t.TempDir(), "outside")
	check(t, os.WriteFile(outside, s.files["tile/entries/000.p/20"], 0o600))
	key := ledgertest.Public(ledgertest.Key())
	for name, replace := range map[string]func(path string) error{
		"pipe":                func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"folder":              func(path string) error { return os.Mkdir(path, 0o700) },
		"link to the outside": func(path string) error { return os.Symlink(outside, path) },
		"link to itself":      func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"link to nothing":     func(path string) error { return os.Symlink("nothing", path) },
	} {
		for _, file := range []string{"tile/entries/000.p/20", "tile/0/000.p/20", ledger.CheckpointPath, evidencePath(ledgertest.Evidence(1))} {
			folder := t.TempDir()
			check(t, s.write(folder))
			path := filepath.Join(folder, file)
			check(t, os.Remove(path))
			check(t, replace(path))
			want := 4
			if strings.HasPrefix(file, "evidence/") && name == "folder" {
				want = 0 // which is no evidence, and evidence may be left out
			}
			stdout, _ := runTool(t, system(t), want, "audit", "verify", folder, "--ledger-key", hex.EncodeToString(key[:]), "--cluster", ledgertest.ClusterID().String())
			if want == 4 && !strings.Contains(stdout, "\n1. ") || want == 4 && !strings.Contains(stdout, ": "+file[:min(len(file), 40)]) {
				t.Errorf("%s as %s:\n%s", name, file, stdout)
			}
		}
	}
}

// TestAuditOutputFails tells a failure of the machine from one of the ledger.
func TestAuditOutputFails(t *testing.T) {
	s, folder := newSample(t, 20, func(int, *ledger.Entry) {}), t.TempDir()
	check(t, s.write(folder))
	key := ledgertest.Public(ledgertest.Key())
	for _, command := range []string{"verify", "list"} {
		for _, format := range []string{"table", "json"} {
			sys := system(t)
			sys.Stdout = failingWriter{}
			_, stderr := runTool(t, sys, 1, "audit", command, folder, "--ledger-key", hex.EncodeToString(key[:]), "--cluster", ledgertest.ClusterID().String(), "-o", format)
			if stderr != "asterism: writing the output: no space left\n" {
				t.Errorf("%s says %q", command, stderr)
			}
		}
	}
}
