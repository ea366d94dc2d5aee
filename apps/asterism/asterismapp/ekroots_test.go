package asterismapp_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/swtpm/swtpmtest"
)

// TestChainsAreCompleted has a TPM certified by a CA below a root, as makers of
// TPMs do.
func TestChainsAreCompleted(t *testing.T) {
	root := swtpmtest.NewCA(t)
	between, err := root.Intermediate()
	if err != nil {
		t.Fatal(err)
	}
	tpm := swtpmtest.New(t, swtpmtest.WithCA(between))
	folder := t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	writePEM(t, file("root.pem"), root.Certificate())
	writePEM(t, file("between.pem"), between.Certificate())
	writePEM(t, file("both.pem"), between.Certificate(), root.Certificate())
	writePEM(t, file("other.pem"), swtpmtest.NewCA(t).Certificate())
	runTool(t, machineSystem(t), 0, "attest", "--nonce", someNonce, "--tpm", tpm.Address(), "-o", file("evidence"))

	cases := map[string]struct {
		files []string
		code  int
		want  string
	}{
		"both":                    {[]string{"root.pem", "between.pem"}, 0, "ekTrust: certificate"},
		"both in one file":        {[]string{"both.pem"}, 0, "ekTrust: certificate"},
		"one twice":               {[]string{"both.pem", "root.pem"}, 0, "ekTrust: certificate"},
		"the root alone":          {[]string{"root.pem"}, 0, "ekTrust: allow-list"},
		"the other alone":         {[]string{"between.pem"}, 3, "no file of --ek-roots holds a root"},
		"a foreign root in place": {[]string{"other.pem", "between.pem"}, 0, "ekTrust: allow-list"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := []string{"policy", "from-evidence", file("evidence"), "--release", "v1"}
			for _, name := range c.files {
				args = append(args, "--ek-roots", file(name))
			}
			stdout, stderr := runTool(t, machineSystem(t), c.code, args...)
			if !strings.Contains(stdout+stderr, c.want) {
				t.Errorf("no %q in:\n%s%s", c.want, stdout, stderr)
			}
		})
	}
	t.Run("no CA", func(t *testing.T) {
		leaf, err := x509.ParseCertificate(tpm.EKCertificate)
		if err != nil {
			t.Fatal(err)
		}
		writePEM(t, file("leaf.pem"), leaf)
		_, stderr := runTool(t, machineSystem(t), 3, "policy", "from-evidence", file("evidence"), "--release", "v1", "--ek-roots", file("leaf.pem"))
		if !strings.Contains(stderr, "is none of a CA") {
			t.Errorf("says %q", stderr)
		}
	})
	t.Run("too large", func(t *testing.T) {
		s := machineSystem(t)
		s.Stdin = &countingReader{}
		_, stderr := runTool(t, s, 3, "policy", "from-evidence", file("evidence"), "--release", "v1", "--ek-roots", "-")
		if !strings.Contains(stderr, "<stdin>: is too large: more than 4194304 bytes") {
			t.Errorf("says %q", stderr)
		}
	})
}

func writePEM(t *testing.T, path string, certificates ...*x509.Certificate) {
	t.Helper()
	var b bytes.Buffer
	for _, c := range certificates {
		b.WriteString("A certificate of " + c.Subject.CommonName + ":\n")
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
