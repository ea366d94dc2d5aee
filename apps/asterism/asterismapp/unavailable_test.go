package asterismapp

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/device"
	"github.com/asterism-k8s/asterism/ports"
)

// TestUnavailable looks for advice that fits what is wrong with a TPM. Hardware
// that is locked or busy is not at hand here.
func TestUnavailable(t *testing.T) {
	opening := func(cause error) error { return fmt.Errorf("opening: %w: %w", ports.ErrUnavailable, cause) }
	cases := map[string]struct {
		address string
		err     error
		code    int
		hint    string
	}{
		"no device":    {"/dev/tpmrm0", opening(&fs.PathError{Op: "stat", Err: syscall.ENOENT}), ExitUnavailable, "Enable the TPM"},
		"no access":    {"/dev/tpmrm0", opening(&fs.PathError{Op: "open", Err: syscall.EACCES}), ExitUnavailable, "Run it as root"},
		"busy":         {"/dev/tpm0", opening(&fs.PathError{Op: "open", Err: syscall.EBUSY}), ExitUnavailable, "use the kernel's resource manager"},
		"locked out":   {"/dev/tpmrm0", opening(errors.New("TPM_RC_LOCKOUT")), ExitUnavailable, "Nothing was changed"},
		"no TPM 2.0":   {"/dev/tpm0", opening(device.ErrGone), ExitUnavailable, "Check that this is a TPM 2.0"},
		"no address":   {"/etc/passwd", fmt.Errorf("opening: %w", device.ErrAddress), ExitUnavailable, "--tpm"},
		"no socket":    {"unix:x", opening(&net.OpError{Op: "dial", Err: syscall.ENOENT}), ExitUnavailable, "Check that the software TPM runs"},
		"turned off":   {"tcp:x:1", opening(device.ErrGone), ExitUnavailable, "Check that the software TPM runs"},
		"no advice":    {"/dev/tpmrm0", errors.New("something else"), ExitFailure, ""},
		"socket owner": {"unix:x", opening(&net.OpError{Op: "dial", Err: syscall.EACCES}), ExitUnavailable, "Run it as root"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			source := evidenceSource{address: c.address}
			err := source.explain(c.err)
			if got := exitCode(err); got != c.code {
				t.Errorf("exit code %d, want %d", got, c.code)
			}
			if hint := hintOn(err); !strings.Contains(hint, c.hint) || c.hint == "" && hint != "" {
				t.Errorf("the hint is %q", hint)
			}
			if !errors.Is(err, c.err) {
				t.Error("the cause is lost")
			}
		})
	}
}
